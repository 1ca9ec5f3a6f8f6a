//! The function below the attribute. Its body stays raw tokens, so that one that is being typed still expands.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::{Parse, ParseStream, discouraged::Speculative as _};
use syn::{AttrStyle, Attribute, Signature, Token, Visibility, braced};

use crate::diagnostics::{Error, Result, error};

/// A function, as written.
#[derive(Clone)]
pub(crate) struct Handler {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: TokenStream,
}

impl Parse for Handler {
    fn parse(input: ParseStream) -> Result<Self> {
        let mut attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let ahead = input.fork();
        let Ok(sig) = ahead.parse::<Signature>() else {
            return Err(not_a_function(input));
        };
        input.advance_to(&ahead);
        if input.peek(Token![;]) {
            return Err(error(
                sig,
                "a handler needs a body; traits cannot be throttled, their axum handlers can",
            ));
        }
        let content;
        braced!(content in input);
        attrs.extend(content.call(Attribute::parse_inner)?.into_iter().map(outer));
        Ok(Self {
            attrs,
            vis,
            sig,
            body: content.parse()?,
        })
    }
}

/// An attribute from the body's start keeps its meaning in front of the function, where our body may change.
fn outer(attribute: Attribute) -> Attribute {
    Attribute {
        style: AttrStyle::Outer,
        ..attribute
    }
}

fn not_a_function(input: ParseStream) -> Error {
    let found = input.fork().step(|cursor| match cursor.token_tree() {
        Some((token, rest)) => Ok((token, rest)),
        None => Err(cursor.error("")),
    });
    match found {
        Ok(token) => error(
            &token,
            format!("`#[throttled]` belongs on a handler, an `async fn`; this is a `{token}`"),
        ),
        Err(_) => input.error("`#[throttled]` belongs on a handler, an `async fn`"),
    }
}

impl ToTokens for Handler {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self {
            attrs,
            vis,
            sig,
            body,
        } = self;
        tokens.extend(quote::quote! { #(#attrs)* #vis #sig { #body } });
    }
}
