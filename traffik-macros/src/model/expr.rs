//! The shapes a value can have. Groups left by `macro_rules!` and needless parentheses are looked through.

use quote::ToTokens;
use syn::{Expr, ExprCall, ExprLit, ExprPath, Ident, Lit, LitInt, LitStr, Path};

/// The expression without the groups around it.
pub(crate) fn bare(value: &Expr) -> &Expr {
    match value {
        Expr::Group(group) => bare(&group.expr),
        Expr::Paren(paren) => bare(&paren.expr),
        value => value,
    }
}

/// A string literal. With a suffix, which nothing else would find fault with, it is none.
pub(crate) fn string(value: &Expr) -> Option<&LitStr> {
    match bare(value) {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) if text.suffix().is_empty() => Some(text),
        _ => None,
    }
}

/// An integer literal without a type of its own.
pub(crate) fn integer(value: &Expr) -> Option<&LitInt> {
    match bare(value) {
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) if number.suffix().is_empty() => Some(number),
        _ => None,
    }
}

/// A path without a `<T as Trait>` in front.
pub(crate) fn path(value: &Expr) -> Option<&Path> {
    match bare(value) {
        Expr::Path(ExprPath {
            qself: None, path, ..
        }) => Some(path),
        _ => None,
    }
}

/// A single name.
pub(crate) fn word(value: &Expr) -> Option<&Ident> {
    path(value).and_then(Path::get_ident)
}

/// A call of a path: `token_bucket(…)`, `my::function(…)`.
pub(crate) fn call(value: &Expr) -> Option<(&Path, &ExprCall)> {
    match bare(value) {
        Expr::Call(call) => path(&call.func).map(|path| (path, call)),
        _ => None,
    }
}

/// Returns whether a path leads to a function of a type, such as `Rate::per_minute`: by convention only types are in camel case.
pub(crate) fn is_associated(path: &Path) -> bool {
    let ty = path.segments.iter().nth_back(1);
    ty.is_some_and(|ty| ty.ident.to_string().starts_with(char::is_uppercase))
}

/// The tokens as a user would write them, without the spaces that printing tokens puts between them.
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
    fn text_is_what_a_user_would_write() {
        assert_eq!(
            text(quote!(my::Leak::new(2, x).wide())),
            "my::Leak::new(2, x).wide()"
        );
        assert_eq!(text(quote!(::a::B)), "::a::B");
        assert_eq!(text(quote!(100 / minute)), "100/minute");
    }
}
