//! The function below the attribute. Its body stays raw tokens, so that one that is being typed still expands.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream, Parser as _, discouraged::Speculative as _};
use syn::{AttrStyle, Attribute, Path, Signature, Token, Visibility, token};

use crate::diagnostics::{Error, Result, error};

/// A function, as written.
pub(crate) struct Handler {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    /// The braces and what is in them.
    pub(crate) body: Group,
}

impl Parse for Handler {
    fn parse(input: ParseStream) -> Result<Self> {
        let mut attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let ahead = input.fork();
        let sig = ahead
            .parse::<Signature>()
            .map_err(|error| no_function(input).unwrap_or(error))?;
        input.advance_to(&ahead);
        if input.peek(Token![;]) {
            let message = "a handler has a body; write `{ … }` instead of `;`";
            return Err(error(input.parse::<Token![;]>()?, message));
        }
        if !input.peek(token::Brace) {
            return Err(input.error("expected the handler's body, `{ … }`"));
        }
        let (inner, body) = without_attributes(braced(input)?);
        attrs.extend(inner);
        Ok(Self {
            attrs,
            vis,
            sig,
            body,
        })
    }
}

/// Braces and what is in them, also a `block` that comes from a `macro_rules!` within delimiters no one sees.
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

/// Takes `#![…]` from the start of a body: in front of the function they mean the same, and stay legal when the body
/// becomes a part of another.
fn without_attributes(body: Group) -> (Vec<Attribute>, Group) {
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

/// Braces that stand where other ones stood.
pub(crate) fn braces(tokens: TokenStream, place: Span) -> Group {
    let mut braces = Group::new(Delimiter::Brace, tokens);
    braces.set_span(place);
    braces
}

/// The error for an item that is something else.
fn no_function(input: ParseStream) -> Option<Error> {
    let word = input
        .fork()
        .step(|cursor| cursor.ident().ok_or_else(|| cursor.error("")))
        .ok()?;
    let ahead = input.fork();
    if Path::parse_mod_style(&ahead).is_ok() && ahead.peek(Token![!]) {
        let message = "`#[throttled]` belongs on a handler, an `async fn`, not on this macro";
        return Some(error(&word, message));
    }
    let known = [
        "const", "enum", "extern", "impl", "mod", "static", "struct", "trait", "type", "union",
        "use",
    ];
    let message =
        format!("`#[throttled]` belongs on a handler, an `async fn`, not on this `{word}`");
    known
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
