//! Diagnosis of wrong punctuation in values: `token_bucket { burst = 10 }`, `retry(delay: "1s")`,
//! `50%`.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::Ident;
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::token;

use super::recovery::skip_to_comma;
use crate::diagnostics::{Error, Result, error};

/// The keys whose values are keywords with parameters.
const WITH_PARAMETERS: [&str; 3] = ["strategy", "identifier", "on_error"];

/// Finds parameters of a keyword in braces or brackets. Rust may parse those as an expression of
/// another kind.
pub(super) fn wrong_delimiters(key: &Ident, input: ParseStream) -> Result<Option<Error>> {
    let is_wrong = input.peek2(token::Brace) || input.peek2(token::Bracket);
    if !WITH_PARAMETERS.iter().any(|name| key == name) || !input.peek(Ident::peek_any) || !is_wrong
    {
        return Ok(None);
    }
    let written = skip_to_comma(&input.fork())?;
    let mut tokens = written.clone().into_iter();
    let (Some(TokenTree::Ident(word)), Some(TokenTree::Group(group)), None) =
        (tokens.next(), tokens.next(), tokens.next())
    else {
        return Ok(None);
    };
    // A name in camel case is a type.
    let is_keyword = word.to_string().starts_with(char::is_lowercase);
    let parameters = with_equals(group.stream());
    let message = format!(
        "parameters go in parentheses; write `{key} = {word}({})`",
        text(&parameters)
    );
    Ok(is_keyword.then(|| error(written, message)))
}

/// Explains why a value is not an expression, if a keyword or wrong punctuation is the reason.
pub(super) fn explain_unparsable(key: &Ident, written: TokenStream) -> Option<Error> {
    let mut tokens = written.clone().into_iter();
    if let (Some(TokenTree::Ident(word)), None) = (tokens.next(), tokens.next())
        && key == "name"
    {
        return Some(error(&word, reserved_word(&word)));
    }
    wrong_separator(written)
}

/// Returns the message about a Rust keyword that was written instead of a name.
pub(crate) fn reserved_word(word: &Ident) -> String {
    let raw = syn::parse_str::<Ident>(&format!("r#{word}"));
    match raw {
        Ok(raw) => format!("`{word}` is a Rust keyword; write another name, or `{raw}`"),
        Err(_) => format!("`{word}` is a Rust keyword; write another name, such as `Uploads`"),
    }
}

/// Finds the first parameter with a colon before its value, or the first percentage without quotes.
fn wrong_separator(tokens: TokenStream) -> Option<Error> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        let next = tokens.get(index + 1);
        let found = match token {
            TokenTree::Group(group) => in_group(group),
            TokenTree::Literal(number) if is_punct(next, '%') => {
                let end = tokens.get(index + 2);
                let written = TokenStream::from_iter([token.clone(), next?.clone()]);
                let message = format!("a percentage must be quoted; write `\"{number}%\"`");
                (end.is_none() || is_punct(end, ',')).then(|| error(written, message))
            }
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Finds a wrong separator in a group.
fn in_group(group: &Group) -> Option<Error> {
    let tokens: Vec<_> = group.stream().into_iter().collect();
    if group.delimiter() == Delimiter::Parenthesis
        && let Some((TokenTree::Ident(name), value)) = split_at_colon(&tokens)
    {
        let value = text(&value.iter().cloned().collect());
        let message =
            format!("expected `=` between a parameter and its value; write `{name} = {value}`");
        return Some(error(name, message));
    }
    wrong_separator(group.stream())
}

/// Splits the first `name: value` into the name and the value up to the comma.
fn split_at_colon(tokens: &[TokenTree]) -> Option<(&TokenTree, &[TokenTree])> {
    let mut parameters = tokens.split(|token| is_punct(Some(token), ','));
    parameters.find_map(|parameter| match parameter {
        [name @ TokenTree::Ident(_), colon, value @ ..]
            if is_punct(Some(colon), ':') && !is_punct(value.first(), ':') =>
        {
            Some((name, value))
        }
        _ => None,
    })
}

/// Rewrites parameters with `=` between each name and its value.
fn with_equals(tokens: TokenStream) -> TokenStream {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let parameters = tokens.split(|token| is_punct(Some(token), ','));
    let rewritten = parameters.map(|parameter| match split_at_colon(parameter) {
        Some((name, value)) => quote::quote!(#name = #(#value)*),
        None => parameter.iter().cloned().collect(),
    });
    let rewritten = rewritten.filter(|parameter| !parameter.is_empty());
    quote::quote!(#(#rewritten),*)
}

fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

/// Returns the tokens as a user would write them.
fn text(tokens: &TokenStream) -> String {
    tokens.to_string().replace(" ,", ",").replace(" (", "(")
}
