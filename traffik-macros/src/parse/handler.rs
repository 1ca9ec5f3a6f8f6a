//! The function below the attribute. Its body stays raw tokens, so that an incomplete one still
//! expands.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream, Parser as _, discouraged::Speculative as _};
use syn::{AttrStyle, Attribute, Path, Signature, Token, Visibility, token};

use crate::diagnostics::{Error, Result, error};

/// A function as it was written.
pub(crate) struct Handler {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    /// The braces with the statements in them.
    pub(crate) body: Group,
}

impl Parse for Handler {
    fn parse(input: ParseStream) -> Result<Self> {
        let mut attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let ahead = input.fork();
        let sig = ahead
            .parse::<Signature>()
            .map_err(|error| not_a_function(input).unwrap_or(error))?;
        input.advance_to(&ahead);
        if input.peek(Token![;]) {
            let message = "a handler needs a body; write `{ … }` instead of `;`";
            return Err(error(input.parse::<Token![;]>()?, message));
        }
        if !input.peek(token::Brace) {
            return Err(input.error("expected the handler's body, `{ … }`"));
        }
        let (inner, body) = split_inner_attributes(braced(input)?);
        attrs.extend(inner);
        Ok(Self {
            attrs,
            vis,
            sig,
            body,
        })
    }
}

/// Parses a group in braces. A `block` fragment of a `macro_rules!` comes in invisible delimiters.
fn braced(input: ParseStream) -> Result<Group> {
    let ahead = input.fork();
    if let Ok(body) = ahead.parse() {
        input.advance_to(&ahead);
        return Ok(body);
    }
    let content;
    let brace = syn::braced!(content in input);
    Ok(braces(content.parse()?, brace.span.join()))
}

/// Splits `#![…]` from the start of a body and makes them outer attributes of the function, where
/// they mean the same and stay legal when the body is moved into another function.
fn split_inner_attributes(body: Group) -> (Vec<Attribute>, Group) {
    let split = |input: ParseStream| {
        let inner = input.call(Attribute::parse_inner)?;
        Ok((inner, input.parse::<TokenStream>()?))
    };
    match split.parse2(body.stream()) {
        Ok((inner, rest)) if !inner.is_empty() => {
            let outer = inner.into_iter().map(|attribute| Attribute {
                style: AttrStyle::Outer,
                ..attribute
            });
            (outer.collect(), braces(rest, body.span()))
        }
        _ => (Vec::new(), body),
    }
}

/// Creates braces around tokens, with the span of other braces.
pub(crate) fn braces(tokens: TokenStream, span: Span) -> Group {
    let mut braces = Group::new(Delimiter::Brace, tokens);
    braces.set_span(span);
    braces
}

/// Returns the error about an item that is not a function.
fn not_a_function(input: ParseStream) -> Option<Error> {
    let word = input
        .fork()
        .step(|cursor| cursor.ident().ok_or_else(|| cursor.error("")))
        .ok()?;
    let ahead = input.fork();
    if Path::parse_mod_style(&ahead).is_ok() && ahead.peek(Token![!]) {
        let message = "`#[throttled]` belongs on a handler, an `async fn`, not on this macro";
        return Some(error(&word, message));
    }
    let items = [
        "const", "enum", "extern", "impl", "mod", "static", "struct", "trait", "type", "union",
        "use",
    ];
    let message =
        format!("`#[throttled]` belongs on a handler, an `async fn`, not on this `{word}`");
    items
        .iter()
        .any(|item| word == item)
        .then(|| error(&word, message))
}

impl ToTokens for Handler {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self {
            attrs,
            vis,
            sig,
            body,
        } = self;
        tokens.extend(quote!(#(#attrs)* #vis #sig #body));
    }
}
