//! Views of expressions: string, integer, path, call. Groups left by `macro_rules!` and needless
//! parentheses are ignored.

use quote::ToTokens;
use syn::{Expr, ExprCall, ExprLit, ExprPath, Ident, Lit, LitInt, LitStr, Path};

/// Removes the groups and parentheses around an expression.
pub(crate) fn without_groups(value: &Expr) -> &Expr {
    match value {
        Expr::Group(group) => without_groups(&group.expr),
        Expr::Paren(paren) => without_groups(&paren.expr),
        value => value,
    }
}

/// Returns a string literal. One with a suffix is none, because nothing else would report the
/// suffix.
pub(crate) fn string(value: &Expr) -> Option<&LitStr> {
    match without_groups(value) {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) if text.suffix().is_empty() => Some(text),
        _ => None,
    }
}

/// Returns an integer literal without a suffix.
pub(crate) fn integer(value: &Expr) -> Option<&LitInt> {
    match without_groups(value) {
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) if number.suffix().is_empty() => Some(number),
        _ => None,
    }
}

/// Returns a path without a `<T as Trait>` in front.
pub(crate) fn path(value: &Expr) -> Option<&Path> {
    match without_groups(value) {
        Expr::Path(ExprPath {
            qself: None, path, ..
        }) => Some(path),
        _ => None,
    }
}

/// Returns a path that is a single identifier.
pub(crate) fn ident(value: &Expr) -> Option<&Ident> {
    path(value).and_then(Path::get_ident)
}

/// Returns a call of a path, `token_bucket(…)` or `my::function(…)`, with that path.
pub(crate) fn call(value: &Expr) -> Option<(&Path, &ExprCall)> {
    match without_groups(value) {
        Expr::Call(call) => path(&call.func).map(|path| (path, call)),
        _ => None,
    }
}

/// Returns `true` if a path names an associated function, such as `Rate::per_minute`. By
/// convention only types are in camel case.
pub(crate) fn is_associated(path: &Path) -> bool {
    let ty = path.segments.iter().nth_back(1);
    ty.is_some_and(|ty| ty.ident.to_string().starts_with(char::is_uppercase))
}

/// Returns the source text of tokens, without the spaces that printing puts between them.
pub(crate) fn text(tokens: impl ToTokens) -> String {
    let spaced = tokens.to_token_stream().to_string();
    [
        (" :: ", "::"),
        (":: ", "::"),
        (" ::", "::"),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        (" ,", ","),
        (" . ", "."),
        (" / ", "/"),
        ("- ", "-"),
    ]
    .iter()
    .fold(spaced, |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::text;

    #[test]
    fn prints_tokens_as_a_user_would_write_them() {
        assert_eq!(
            text(quote!(my::Leak::new(2, x).wide())),
            "my::Leak::new(2, x).wide()"
        );
        assert_eq!(text(quote!(::a::B)), "::a::B");
        assert_eq!(text(quote!(100 / minute)), "100/minute");
    }
}
