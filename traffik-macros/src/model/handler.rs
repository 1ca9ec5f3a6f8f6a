//! The function below the attribute: whether axum can take it.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Attribute, Ident, Safety, Signature};

use super::arguments::{Arguments, is_conditional};
use super::can_stay;
use crate::diagnostics::Mistakes;
use crate::parse::Handler;

/// As many arguments as axum passes to a handler.
const ARGUMENTS: usize = 16;

/// Notes what keeps a function from being a handler; the gate needs an argument, unless it is joined with some or holds them
/// all.
pub(crate) fn check(handler: &Handler, joined: bool, mistakes: &mut Mistakes) {
    let sig = &handler.sig;
    if is_entry(handler) {
        let message = format!(
            "`{}` is no handler; write `#[throttled]` on the function that a route names",
            sig.ident
        );
        return mistakes.at(&sig.ident, message);
    }
    if let Some(itself) = mentions_self(sig).filter(|_| sig.receiver().is_none()) {
        let message = "`Self` is named in an `impl` only, where `#[throttled]` cannot define a throttle; move the handler out of it, and write the type's name";
        return mistakes.at(itself, message);
    }
    if let Some(abi) = &sig.abi {
        let abi = abi.to_token_stream();
        mistakes.at(
            &abi,
            format!("axum calls no `extern` function; take `{abi}` away"),
        );
    }
    let arguments = Arguments::of(sig);
    for (place, argument) in sig.inputs.iter().enumerate() {
        if let Some(ty) = arguments.nameless_type(place) {
            let ty = ty.replace(" < ", "<").replace(" >", ">");
            let message = format!(
                "no route can choose the type of `{ty}`; write one without `impl`, such as `String`"
            );
            mistakes.at(argument, message);
        }
    }
    if sig.asyncness.is_none() {
        mistakes.at(
            sig.fn_token,
            format!("a handler is async; write `async fn {}`", sig.ident),
        );
    }
    if let Safety::Unsafe(token) = &sig.safety {
        mistakes.at(token, "axum calls no `unsafe` handler; take the word away");
    }
    if let Some(receiver) = sig.receiver() {
        mistakes.at(
            receiver,
            "a handler has no `self`; move it out of the `impl` and take the value as `State`",
        );
    }
    let alone = !joined && !can_stay(handler);
    if let Some(argument) = sig
        .inputs
        .iter()
        .filter(|argument| !is_conditional(argument))
        .nth(ARGUMENTS - usize::from(alone))
    {
        mistakes.at(argument, too_many(alone));
    }
}

/// Returns whether a program or a test starts at a function.
fn is_entry(handler: &Handler) -> bool {
    let sig = &handler.sig;
    let is_named = |attribute: &Attribute| {
        let last = attribute.path().segments.last();
        last.is_some_and(|last| last.ident == "main" || last.ident == "test")
    };
    let is_main = sig.ident == "main" && sig.asyncness.is_none();
    is_main || handler.attrs.iter().any(is_named)
}

/// Returns whether a function can only stand in an `impl` or a trait, where no type can be defined.
pub(crate) fn is_method(handler: &Handler) -> bool {
    handler.sig.receiver().is_some() || mentions_self(&handler.sig).is_some()
}

/// The first `Self` in a signature.
fn mentions_self(sig: &Signature) -> Option<Ident> {
    fn find(tokens: TokenStream) -> Option<Ident> {
        tokens.into_iter().find_map(|token| match token {
            TokenTree::Ident(word) => (word == "Self").then_some(word),
            TokenTree::Group(group) => find(group.stream()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => None,
        })
    }
    find(sig.to_token_stream())
}

fn too_many(alone: bool) -> String {
    let needed = if alone {
        ", and `#[throttled]` needs one of them"
    } else {
        ""
    };
    format!("too many arguments: axum passes {ARGUMENTS}{needed}; join some in a tuple")
}
