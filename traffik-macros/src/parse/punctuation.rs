//! Values with other signs than Rust or this grammar has: `token_bucket { burst = 10 }`, `retry(delay: "1s")`, `50%`.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::Ident;
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::token;

use super::recovery::skip_to_comma;
use crate::diagnostics::{Error, Result, error};

/// The keys whose values are words with parameters.
const WITH_PARAMETERS: [&str; 3] = ["strategy", "identifier", "on_error"];

/// Finds the parameters of a word between other signs than parentheses, which may make another expression.
pub(super) fn wrong_signs(key: &Ident, input: ParseStream) -> Result<Option<Error>> {
    let other = input.peek2(token::Brace) || input.peek2(token::Bracket);
    if !WITH_PARAMETERS.iter().any(|known| key == known) || !input.peek(Ident::peek_any) || !other {
        return Ok(None);
    }
    let written = skip_to_comma(&input.fork())?;
    let mut tokens = written.clone().into_iter();
    let (Some(TokenTree::Ident(word)), Some(TokenTree::Group(group)), None) =
        (tokens.next(), tokens.next(), tokens.next())
    else {
        return Ok(None);
    };
    // Types are in camel case.
    let is_word = word.to_string().starts_with(char::is_lowercase);
    let inside = joined(group.stream());
    let message = format!(
        "parameters stand in parentheses; write `{key} = {word}({})`",
        text(&inside)
    );
    Ok(is_word.then(|| error(written, message)))
}

/// Finds what keeps a value from being an expression, where it is a sign.
pub(super) fn unreadable(key: &Ident, written: TokenStream) -> Option<Error> {
    let mut tokens = written.clone().into_iter();
    if let (Some(TokenTree::Ident(word)), None) = (tokens.next(), tokens.next())
        && key == "name"
    {
        return Some(error(&word, keyword(&word)));
    }
    wrong_sign(written)
}

/// The message about a keyword that stands in a name's place.
pub(crate) fn keyword(word: &Ident) -> String {
    let raw = syn::parse_str::<Ident>(&format!("r#{word}"));
    match raw {
        Ok(raw) => format!("`{word}` is a keyword; write another name, or `{raw}`"),
        Err(_) => format!("`{word}` is a keyword; write another name, such as `Uploads`"),
    }
}

/// The first parameter that is joined to its value by a colon, or percentage without quotes.
fn wrong_sign(tokens: TokenStream) -> Option<Error> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    for (place, token) in tokens.iter().enumerate() {
        let next = tokens.get(place + 1);
        let found = match token {
            TokenTree::Group(group) => inside(group),
            TokenTree::Literal(number) if is_sign(next, '%') => {
                let end = tokens.get(place + 2);
                let written = TokenStream::from_iter([token.clone(), next?.clone()]);
                let message = format!("a percentage stands in quotes; write `\"{number}%\"`");
                (end.is_none() || is_sign(end, ',')).then(|| error(written, message))
            }
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// The wrong sign between parentheses.
fn inside(group: &Group) -> Option<Error> {
    let tokens: Vec<_> = group.stream().into_iter().collect();
    if group.delimiter() == Delimiter::Parenthesis
        && let Some((TokenTree::Ident(name), value)) = colon(&tokens)
    {
        let value = text(&value.iter().cloned().collect());
        let message =
            format!("a parameter and its value are joined by `=`; write `{name} = {value}`");
        return Some(error(name, message));
    }
    wrong_sign(group.stream())
}

/// The first name behind which a single colon stands, and what stands behind that up to the comma.
fn colon(tokens: &[TokenTree]) -> Option<(&TokenTree, &[TokenTree])> {
    let mut parameters = tokens.split(|token| is_sign(Some(token), ','));
    parameters.find_map(|parameter| match parameter {
        [name @ TokenTree::Ident(_), sign, value @ ..]
            if is_sign(Some(sign), ':') && !is_sign(value.first(), ':') =>
        {
            Some((name, value))
        }
        _ => None,
    })
}

/// The parameters of a word, each joined to its value by `=`.
fn joined(tokens: TokenStream) -> TokenStream {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let parameters = tokens.split(|token| is_sign(Some(token), ','));
    let joined = parameters.map(|parameter| match colon(parameter) {
        Some((name, value)) => quote::quote!(#name = #(#value)*),
        None => parameter.iter().cloned().collect(),
    });
    let joined = joined.filter(|parameter| !parameter.is_empty());
    quote::quote!(#(#joined),*)
}

fn is_sign(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(it)) if it.as_char() == sign)
}

/// The tokens as a user would write them.
fn text(tokens: &TokenStream) -> String {
    tokens.to_string().replace(" ,", ",").replace(" (", "(")
}
