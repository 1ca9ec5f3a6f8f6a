//! Checks that axum accepts the function below the attribute as a handler.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Attribute, Ident, Safety, Signature};

use super::arguments::{HandlerArguments, is_conditional};
use super::is_wrappable;
use crate::diagnostics::Errors;
use crate::parse::Handler;

/// The largest number of arguments of an axum handler.
const MAX_ARGUMENTS: usize = 16;

/// Reports everything that keeps a function from being a handler. The gate needs an argument of its
/// own, unless it shares one with the arguments of closures or holds them all.
pub(crate) fn check(handler: &Handler, shares_argument: bool, errors: &mut Errors) {
    let sig = &handler.sig;
    if is_entry_point(handler) {
        let message = format!(
            "`{}` is not a handler; write `#[throttled]` on the function that a route calls",
            sig.ident
        );
        return errors.report(&sig.ident, message);
    }
    if let Some(word) = find_self(sig).filter(|_| sig.receiver().is_none()) {
        let message = "`#[throttled]` cannot define a throttle in an `impl`; move the handler out of it, and write the type's name instead of `Self`";
        return errors.report(word, message);
    }
    if let Some(abi) = &sig.abi {
        let abi = abi.to_token_stream();
        errors.report(
            &abi,
            format!("axum cannot call an `extern` function; remove `{abi}`"),
        );
    }
    let arguments = HandlerArguments::new(sig);
    for (index, argument) in sig.inputs.iter().enumerate() {
        if let Some(ty) = arguments.impl_trait_type(index) {
            let ty = ty.replace(" < ", "<").replace(" >", ">");
            let message = format!(
                "axum cannot infer the type of `{ty}`; write a type without `impl`, such as `String`"
            );
            errors.report(argument, message);
        }
    }
    if sig.asyncness.is_none() {
        errors.report(
            sig.fn_token,
            format!("a handler must be async; write `async fn {}`", sig.ident),
        );
    }
    if let Safety::Unsafe(token) = &sig.safety {
        errors.report(
            token,
            "axum cannot call an `unsafe` function; remove `unsafe`",
        );
    }
    if let Some(receiver) = sig.receiver() {
        errors.report(
            receiver,
            "a handler cannot take `self`; move it out of the `impl` and take the value as `State`",
        );
    }
    let needs_argument = !shares_argument && !is_wrappable(handler);
    if let Some(argument) = sig
        .inputs
        .iter()
        .filter(|argument| !is_conditional(argument))
        .nth(MAX_ARGUMENTS - usize::from(needs_argument))
    {
        errors.report(argument, too_many_arguments(needs_argument));
    }
}

/// Returns `true` if a function is the entry point of a program or a test.
fn is_entry_point(handler: &Handler) -> bool {
    let sig = &handler.sig;
    let is_named = |attribute: &Attribute| {
        let last = attribute.path().segments.last();
        last.is_some_and(|last| last.ident == "main" || last.ident == "test")
    };
    let is_main = sig.ident == "main" && sig.asyncness.is_none();
    is_main || handler.attrs.iter().any(is_named)
}

/// Returns `true` if a function can only stand in an `impl` or a trait, where no type can be
/// defined.
pub(crate) fn is_method(handler: &Handler) -> bool {
    handler.sig.receiver().is_some() || find_self(&handler.sig).is_some()
}

/// Returns the first `Self` in a signature.
fn find_self(sig: &Signature) -> Option<Ident> {
    fn find(tokens: TokenStream) -> Option<Ident> {
        tokens.into_iter().find_map(|token| match token {
            TokenTree::Ident(word) => (word == "Self").then_some(word),
            TokenTree::Group(group) => find(group.stream()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => None,
        })
    }
    find(sig.to_token_stream())
}

fn too_many_arguments(needs_argument: bool) -> String {
    let note = if needs_argument {
        ", and `#[throttled]` needs one of them"
    } else {
        ""
    };
    format!("too many arguments: axum passes {MAX_ARGUMENTS}{note}; combine some in a tuple")
}
