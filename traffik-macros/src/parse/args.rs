//! What stands between the parentheses: `Burst, rate = "5/10s", shadow, allow(zero_cost)`.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _, discouraged::Speculative as _};
use syn::{Expr, Ident, Lit, LitStr, Path, Token, parenthesized, token};

use super::punctuation::{unreadable, wrong_signs};
use super::recovery::{placed, skip_to_comma};
use crate::diagnostics::{Mistakes, Result, error};

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

impl Args {
    /// Returns whether a key of this name is written.
    pub(crate) fn has(&self, name: &str) -> bool {
        let is_it = |item: &Item| matches!(item, Item::Pair(pair) if pair.key == name);
        self.items.iter().any(is_it)
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
    if let Some(key) = behind_a_path(input) {
        let value = skip_to_comma(&input.fork())?.to_string();
        let value = value.rsplit_once("= ").map_or("…", |(_, value)| value);
        let last = key.segments.last().map(|last| last.ident.to_string());
        let last = last.unwrap_or_default();
        let message = format!("a key stands without a path; write `{last} = {value}`");
        return Err(error(&key, message));
    }
    if is_pair(input) {
        pair(input).map(Item::Pair)
    } else if input.peek2(token::Paren) {
        list(input)
    } else if is_joined_otherwise(input) {
        let key = Ident::parse_any(input)?;
        let rest = skip_to_comma(&input.fork())?;
        // Signs stand in front of the value, which is more than a sign.
        let value = rest
            .into_iter()
            .skip_while(|token| matches!(token, TokenTree::Punct(_)));
        let value = value.collect::<TokenStream>().to_string();
        let value = if value.is_empty() { "…" } else { &value };
        Err(error(
            &key,
            format!("`{key}` and its value are joined by `=`; write `{key} = {value}`"),
        ))
    } else {
        input.parse().map(Item::Bare)
    }
}

/// The path of several words that stands in a key's place.
fn behind_a_path(input: ParseStream) -> Option<Path> {
    let ahead = input.fork();
    let path = Path::parse_mod_style(&ahead).ok()?;
    let is_key = path.segments.len() > 1 && ahead.peek(Token![=]) && !ahead.peek(Token![==]);
    is_key.then_some(path)
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
    if let Some(error) = wrong_signs(&key, input)? {
        return Err(error);
    }
    let ahead = input.fork();
    match ahead.parse() {
        Ok(value) => {
            input.advance_to(&ahead);
            Ok(Pair { key, value })
        }
        Err(problem) => Err(unreadable(&key, skip_to_comma(&input.fork())?).unwrap_or(problem)),
    }
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
        Item::Pair(Pair { key, value }) if key == "rate" && input.peek(LitStr) => {
            let first = value.to_token_stream();
            format!("several rates are a list; write `rate = [{first}, {rest}]`")
        }
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

fn is_literal_text(value: &Expr) -> bool {
    matches!(value, Expr::Lit(literal) if matches!(literal.lit, Lit::Str(_)))
}
