//! Where the gate goes among a handler's arguments.

use proc_macro2::Span;
use quote::format_ident;
use syn::ext::IdentExt as _;
use syn::{FnArg, Ident, Pat, Type};

use super::arguments::{GATE, bound, is_conditional, is_private};
use crate::parse::Handler;

/// What the hidden argument is called when a throttle is defined beside it.
const GATE_OF: &str = "__traffik_gate_of_";

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
