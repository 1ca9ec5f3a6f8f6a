//! The function below the attribute: whether axum can take it, and where the gate goes.

use proc_macro2::Span;
use quote::format_ident;
use syn::ext::IdentExt as _;
use syn::{FnArg, Ident, Pat};

use crate::diagnostics::Mistakes;
use crate::parse::Handler;

/// What the hidden argument is called, and what it is called when a throttle is defined beside it.
const GATE: &str = "__traffik_gate";
const GATE_OF: &str = "__traffik_gate_of_";

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
        let gates: Vec<_> = inputs.iter().filter_map(gate).collect();
        // An argument that `cfg` may take away cannot be counted on to stand behind the gate.
        let last = inputs
            .iter()
            .rposition(|argument| !is_conditional(argument));
        Self {
            index: last.map_or(0, |last| {
                if gate(&inputs[last]).is_some() {
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

/// The name of a gate that another attribute put in.
fn gate(argument: &FnArg) -> Option<String> {
    match argument {
        FnArg::Typed(typed) => match &*typed.pat {
            Pat::Ident(binding) => {
                Some(binding.ident.to_string()).filter(|name| name.starts_with(GATE))
            }
            _ => None,
        },
        FnArg::Receiver(_) => None,
    }
}

/// Notes what keeps a function from being a handler.
pub(crate) fn check(handler: &Handler, mistakes: &mut Mistakes) {
    let sig = &handler.sig;
    if sig.asyncness.is_none() {
        mistakes.at(
            sig.fn_token,
            format!("a handler is async; write `async fn {}`", sig.ident),
        );
    }
    if let Some(receiver) = sig.receiver() {
        mistakes.at(
            receiver,
            "a handler has no `self`; move it out of the `impl` and take the value as `State`",
        );
    }
    if let Some(argument) = sig
        .inputs
        .iter()
        .filter(|argument| !is_conditional(argument))
        .nth(ARGUMENTS - 1)
    {
        mistakes.at(argument, format!("too many arguments: axum passes {ARGUMENTS}, and `#[throttled]` needs one of them; join some in a tuple"));
    }
}

fn is_conditional(argument: &FnArg) -> bool {
    let attrs = match argument {
        FnArg::Receiver(receiver) => &receiver.attrs,
        FnArg::Typed(typed) => &typed.attrs,
    };
    attrs
        .iter()
        .any(|attribute| attribute.path().is_ident("cfg"))
}
