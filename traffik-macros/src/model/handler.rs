//! The function below the attribute: whether axum can take it, and where the gate goes.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens as _, format_ident};
use syn::ext::IdentExt as _;
use syn::{Attribute, FnArg, Ident, Pat, Path, Safety, Signature, Type};

use super::arguments::{Arguments, bound};
use super::can_stay;
use crate::diagnostics::Mistakes;
use crate::parse::Handler;

/// What the hidden argument is called, and what it is called when a throttle is defined beside it.
pub(super) const GATE: &str = "__traffik_gate";
const GATE_OF: &str = "__traffik_gate_of_";

/// The module that the names of generated code are taken from.
const PRIVATE: &str = "__private";

/// As many arguments as axum passes to a handler.
const ARGUMENTS: usize = 16;

/// Where the gate goes among the arguments: in front of the last, which may read the body, and behind other gates.
pub(crate) struct Seat {
    pub(crate) index: usize,
    /// This gate is the handler's first, second, …
    pub(crate) number: usize,
    /// The throttles other attributes defined for this handler.
    pub(crate) defined: Vec<String>,
}

impl Seat {
    /// The seat among a handler's arguments.
    pub(crate) fn find(handler: &Handler) -> Self {
        let inputs = &handler.sig.inputs;
        let gates: Vec<_> = inputs.iter().flat_map(gates).collect();
        // An argument that `cfg` may take away cannot be counted on to stand behind the gate.
        let last = inputs
            .iter()
            .rposition(|argument| !is_conditional(argument));
        Self {
            index: last.map_or(0, |last| {
                if is_gate(&inputs[last]) {
                    last + 1
                } else {
                    last
                }
            }),
            number: gates.len() + 1,
            defined: gates
                .iter()
                .filter_map(|gate| gate.strip_prefix(GATE_OF))
                .map(str::to_owned)
                .collect(),
        }
    }

    /// The name of the gate's argument, by which attributes further down recognise it.
    pub(crate) fn binding(defined: Option<&Ident>, span: Span) -> Ident {
        defined.map_or_else(
            || Ident::new(GATE, span),
            |name| format_ident!("{GATE_OF}{}", name.unraw(), span = span),
        )
    }
}

/// The names of the gates that other attributes put into an argument: it is one, or the arguments that closures look at
/// came together with one.
fn gates(argument: &FnArg) -> Vec<String> {
    match argument {
        FnArg::Typed(typed) => bound(&typed.pat)
            .iter()
            .map(Ident::to_string)
            .filter(|name| name.starts_with(GATE))
            .collect(),
        FnArg::Receiver(_) => Vec::new(),
    }
}

/// Whether another attribute's gate is all there is to an argument.
fn is_gate(argument: &FnArg) -> bool {
    match argument {
        FnArg::Typed(typed) => match &*typed.pat {
            Pat::TupleStruct(bundle) => bundle.elems.len() == 2 && !gates(argument).is_empty(),
            Pat::Ident(_) => !gates(argument).is_empty(),
            _ => false,
        },
        FnArg::Receiver(_) => false,
    }
}

/// Returns whether an argument is one that an attribute further up has put there or wrapped.
pub(crate) fn is_extracted_by_us(argument: &FnArg) -> bool {
    let FnArg::Typed(typed) = argument else {
        return false;
    };
    let Type::Path(ty) = &*typed.ty else {
        return false;
    };
    is_private(&ty.path)
}

/// Returns the patterns that an attribute further up has put into one of our own types.
pub(super) fn wrapped(pattern: &Pat) -> Option<impl Iterator<Item = &Pat>> {
    let Pat::TupleStruct(wrapper) = pattern else {
        return None;
    };
    is_private(&wrapper.path).then(|| wrapper.elems.iter())
}

/// Returns whether a path leads to a name of generated code.
fn is_private(path: &Path) -> bool {
    let module = path.segments.iter().nth_back(1);
    module.is_some_and(|module| module.ident == PRIVATE)
}

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

pub(super) fn is_conditional(argument: &FnArg) -> bool {
    let attrs = match argument {
        FnArg::Receiver(receiver) => &receiver.attrs,
        FnArg::Typed(typed) => &typed.attrs,
    };
    attrs
        .iter()
        .any(|attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr"))
}
