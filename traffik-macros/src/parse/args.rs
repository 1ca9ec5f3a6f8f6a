//! What stands between the parentheses: `Burst, rate = "5/10s", shadow, allow(zero_cost)`.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _, discouraged::Speculative as _};
use syn::{Expr, Ident, Lit, Path, Token, parenthesized, token};

use crate::diagnostics::{Error, Mistakes, Result, error};

/// The items between the parentheses, in order.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) items: Vec<Item>,
    /// Whether something could not be read.
    pub(crate) garbled: bool,
}

/// One item, up to its comma.
pub(crate) enum Item {
    /// `Burst` or `shadow`: a throttle, or a key without a value.
    Bare(Path),
    /// `key = value`.
    Pair(Pair),
    /// `allow(…)`: a key and what stands in its parentheses.
    List(Ident, TokenStream),
    /// `"100/minute"`: a value without its key.
    Literal(Lit),
}

/// `key = value`.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) key: Ident,
    pub(crate) value: Box<Expr>,
}

impl Args {
    /// Reads all items; those that cannot be read are noted and left out.
    pub(crate) fn parse(tokens: TokenStream, mistakes: &mut Mistakes) -> Self {
        let read = |input: ParseStream| {
            let mut args = Self::default();
            while !input.is_empty() {
                let ahead = input.fork();
                match item(&ahead).and_then(|item| end_of(item, &ahead)) {
                    Ok(item) => {
                        input.advance_to(&ahead);
                        args.items.push(item);
                    }
                    Err(error) => {
                        args.garbled = true;
                        let message = "this is not finished; write the rest, or leave it out";
                        mistakes.add(placed(error, skip_to_comma(input)?, message));
                    }
                }
            }
            Ok(args)
        };
        read.parse2(tokens).unwrap_or_default()
    }
}

fn item(input: ParseStream) -> Result<Item> {
    if input.peek(Lit) {
        return input.parse().map(Item::Literal);
    }
    if input.peek(token::Paren) {
        return Err(input.error("throttles stand without parentheses: `Burst, Sustained`"));
    }
    if !input.peek(Ident::peek_any) && !input.peek(Token![::]) {
        return Err(input.error("expected a throttle, or `key = value`"));
    }
    if is_pair(input) {
        pair(input).map(Item::Pair)
    } else if input.peek2(token::Paren) {
        list(input)
    } else if is_joined_otherwise(input) {
        let key = Ident::parse_any(input)?;
        Err(error(
            &key,
            format!("`{key}` and its value are joined by `=`; write `{key} = …`"),
        ))
    } else {
        input.parse().map(Item::Bare)
    }
}

fn is_pair(input: ParseStream) -> bool {
    input.peek(Ident::peek_any) && input.peek2(Token![=]) && !is_joined_otherwise(input)
}

/// Whether a key and its value have another sign than `=` between them.
fn is_joined_otherwise(input: ParseStream) -> bool {
    let colon = input.peek2(Token![:]) && !input.peek2(Token![::]);
    let sign = colon || input.peek2(Token![==]) || input.peek2(Token![=>]);
    sign && !input.peek(Token![::])
}

fn pair(input: ParseStream) -> Result<Pair> {
    let key = Ident::parse_any(input)?;
    input.parse::<Token![=]>()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(error(
            &key,
            format!("nothing stands behind `{key} =`; write its value, or leave the key out"),
        ));
    }
    Ok(Pair {
        key,
        value: input.parse()?,
    })
}

fn list(input: ParseStream) -> Result<Item> {
    let key = Ident::parse_any(input)?;
    let content;
    parenthesized!(content in input);
    Ok(Item::List(key, content.parse()?))
}

/// Steps over the comma. What stands in its way belongs to no item.
fn end_of(item: Item, input: ParseStream) -> Result<Item> {
    if input.is_empty() || input.parse::<Token![,]>().is_ok() {
        return Ok(item);
    }
    let rest = skip_to_comma(&input.fork())?;
    let message = match item {
        _ if is_pair(input) => format!("a `,` is missing in front of `{rest}`"),
        Item::Pair(Pair { key, value })
            if input.peek(Ident::peek_any) && !is_literal_text(&value) =>
        {
            let value = value.to_token_stream();
            format!("unexpected `{rest}`; write text in quotes: `{key} = \"{value} {rest}\"`")
        }
        Item::Bare(key) if input.peek(Lit) || input.peek(token::Bracket) => {
            let key = key.to_token_stream();
            format!("a key and its value are joined by `=`; write `{key} = {rest}`")
        }
        _ => format!("unexpected `{rest}`; items are separated by `,`"),
    };
    Err(error(&rest, message))
}

/// An error about the end of all there is has no place of its own; it is told, in these words, at what is cut short.
pub(super) fn placed(problem: Error, unfinished: TokenStream, message: &str) -> Error {
    let is_at_end = problem.to_string().starts_with("unexpected end of input");
    let last = unfinished.clone().into_iter().last();
    if is_at_end && !matches!(last, Some(TokenTree::Group(_))) {
        error(unfinished, message)
    } else {
        problem
    }
}

fn is_literal_text(value: &Expr) -> bool {
    matches!(value, Expr::Lit(literal) if matches!(literal.lit, Lit::Str(_)))
}

fn skip_to_comma(input: ParseStream) -> Result<TokenStream> {
    let mut skipped = TokenStream::new();
    while !input.is_empty() {
        if input.parse::<Token![,]>().is_ok() {
            break;
        }
        skipped.extend([input.parse::<TokenTree>()?]);
    }
    Ok(skipped)
}
