//! The arguments of the attribute or of a throttle: `Burst, rate = "5/10s", shadow`.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _, discouraged::Speculative as _};
use syn::{Expr, Ident, Lit, LitStr, Path, Token, parenthesized, token};

use super::punctuation::{explain_unparsable, wrong_delimiters};
use super::recovery::{at_incomplete, skip_to_comma};
use crate::diagnostics::{Errors, Result, error};

/// The arguments between the parentheses, in order.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) list: Vec<Arg>,
    /// `true` if an argument could not be parsed.
    pub(crate) has_garbage: bool,
}

/// One argument, up to its comma.
pub(crate) enum Arg {
    /// `Burst` or `shadow`: a throttle, or a key without a value.
    Bare(Path),
    /// `key = value`.
    Pair(Pair),
    /// `allow(…)`: a key and the tokens in its parentheses.
    List(Ident, TokenStream),
    /// `"100/minute"`: a value without a key.
    Literal(Lit),
}

/// A `key = value` pair.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) key: Ident,
    pub(crate) value: Box<Expr>,
}

impl Args {
    /// Parses all arguments. Those that cannot be parsed are reported and left out.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let parser = |input: ParseStream| {
            let mut args = Self::default();
            while !input.is_empty() {
                let ahead = input.fork();
                match arg(&ahead).and_then(|arg| finish(arg, &ahead)) {
                    Ok(arg) => {
                        input.advance_to(&ahead);
                        args.list.push(arg);
                    }
                    Err(error) => {
                        args.has_garbage = true;
                        let message = "this is incomplete; complete it, or remove it";
                        errors.push(at_incomplete(error, skip_to_comma(input)?, message));
                    }
                }
            }
            Ok(args)
        };
        parser.parse2(tokens).unwrap_or_default()
    }
}

impl Args {
    /// Returns `true` if there is a pair with this key.
    pub(crate) fn has_pair(&self, name: &str) -> bool {
        let has_name = |arg: &Arg| matches!(arg, Arg::Pair(pair) if pair.key == name);
        self.list.iter().any(has_name)
    }
}

fn arg(input: ParseStream) -> Result<Arg> {
    if input.peek(Lit) {
        return input.parse().map(Arg::Literal);
    }
    if input.peek(token::Paren) {
        return Err(input.error("throttles are named without parentheses: `Burst, Sustained`"));
    }
    if !input.peek(Ident::peek_any) && !input.peek(Token![::]) {
        return Err(input.error("expected a throttle, or `key = value`"));
    }
    if let Some(key) = qualified_key(input) {
        let value = skip_to_comma(&input.fork())?.to_string();
        let value = value.rsplit_once("= ").map_or("…", |(_, value)| value);
        let last = key.segments.last().map(|last| last.ident.to_string());
        let last = last.unwrap_or_default();
        let message = format!("a key is a single word, not a path; write `{last} = {value}`");
        return Err(error(&key, message));
    }
    if is_pair(input) {
        pair(input).map(Arg::Pair)
    } else if input.peek2(token::Paren) {
        list(input)
    } else if has_wrong_separator(input) {
        let key = Ident::parse_any(input)?;
        let rest = skip_to_comma(&input.fork())?;
        // The separator may be several tokens, such as `=` and `>`.
        let value = rest
            .into_iter()
            .skip_while(|token| matches!(token, TokenTree::Punct(_)));
        let value = value.collect::<TokenStream>().to_string();
        let value = if value.is_empty() { "…" } else { &value };
        Err(error(
            &key,
            format!("expected `=` between `{key}` and its value; write `{key} = {value}`"),
        ))
    } else {
        input.parse().map(Arg::Bare)
    }
}

/// Returns the path of several segments that was written instead of a key.
fn qualified_key(input: ParseStream) -> Option<Path> {
    let ahead = input.fork();
    let path = Path::parse_mod_style(&ahead).ok()?;
    let is_key = path.segments.len() > 1 && ahead.peek(Token![=]) && !ahead.peek(Token![==]);
    is_key.then_some(path)
}

fn is_pair(input: ParseStream) -> bool {
    input.peek(Ident::peek_any) && input.peek2(Token![=]) && !has_wrong_separator(input)
}

/// Returns `true` if a key and its value are separated by anything but `=`.
fn has_wrong_separator(input: ParseStream) -> bool {
    let colon = input.peek2(Token![:]) && !input.peek2(Token![::]);
    let wrong = colon || input.peek2(Token![==]) || input.peek2(Token![=>]);
    wrong && !input.peek(Token![::])
}

fn pair(input: ParseStream) -> Result<Pair> {
    let key = Ident::parse_any(input)?;
    input.parse::<Token![=]>()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(error(
            &key,
            format!("`{key} =` has no value; write one, or remove the key"),
        ));
    }
    if let Some(error) = wrong_delimiters(&key, input)? {
        return Err(error);
    }
    let ahead = input.fork();
    match ahead.parse() {
        Ok(value) => {
            input.advance_to(&ahead);
            Ok(Pair { key, value })
        }
        Err(problem) => {
            Err(explain_unparsable(&key, skip_to_comma(&input.fork())?).unwrap_or(problem))
        }
    }
}

fn list(input: ParseStream) -> Result<Arg> {
    let key = Ident::parse_any(input)?;
    let content;
    parenthesized!(content in input);
    Ok(Arg::List(key, content.parse()?))
}

/// Consumes the comma after an argument. Anything else there is an error.
fn finish(arg: Arg, input: ParseStream) -> Result<Arg> {
    if input.is_empty() || input.parse::<Token![,]>().is_ok() {
        return Ok(arg);
    }
    let rest = skip_to_comma(&input.fork())?;
    let message = match arg {
        _ if is_pair(input) => format!("a `,` is missing before `{rest}`"),
        Arg::Pair(Pair { key, value }) if key == "rate" && input.peek(LitStr) => {
            let first = value.to_token_stream();
            format!("several rates need a list; write `rate = [{first}, {rest}]`")
        }
        Arg::Pair(Pair { key, value }) if input.peek(Ident::peek_any) && !is_string(&value) => {
            let value = value.to_token_stream();
            format!("unexpected `{rest}`; quote the value: `{key} = \"{value} {rest}\"`")
        }
        Arg::Bare(key) if input.peek(Lit) || input.peek(token::Bracket) => {
            let key = key.to_token_stream();
            format!("expected `=` between a key and its value; write `{key} = {rest}`")
        }
        _ => format!("unexpected `{rest}`; arguments are separated by `,`"),
    };
    Err(error(&rest, message))
}

fn is_string(value: &Expr) -> bool {
    matches!(value, Expr::Lit(literal) if matches!(literal.lit, Lit::Str(_)))
}
