//! The position of the gate among a handler's arguments.

use proc_macro2::Span;
use quote::format_ident;
use syn::ext::IdentExt as _;
use syn::{FnArg, Ident, Pat, Type};

use super::arguments::{GATE, bound_names_and_gates, is_conditional, is_private};
use crate::parse::Handler;

/// The prefix of the hidden argument's name if the attribute defines a throttle.
const GATE_OF: &str = "__traffik_gate_of_";

/// The position of the gate: before the last argument, which may read the body, and after other
/// gates.
pub(crate) struct GatePlacement {
    /// The index among the arguments.
    pub(crate) index: usize,
    /// The number of this gate among the handler's gates, from 1.
    pub(crate) number: usize,
    /// The names of the throttles that other attributes define for this handler.
    pub(crate) defined: Vec<String>,
}

impl GatePlacement {
    /// Finds the position among a handler's arguments.
    pub(crate) fn find(handler: &Handler) -> Self {
        let inputs = &handler.sig.inputs;
        let gates: Vec<_> = inputs.iter().flat_map(gates).collect();
        // An argument that `cfg` may remove cannot be the one after the gate.
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

    /// Returns the name of the gate's argument, by which attributes further down recognise it.
    pub(crate) fn binding(defined: Option<&Ident>, span: Span) -> Ident {
        defined.map_or_else(
            || Ident::new(GATE, span),
            |name| format_ident!("{GATE_OF}{}", name.unraw(), span = span),
        )
    }
}

/// Returns the names of the gates in an argument: it is a gate of another attribute, or holds one
/// together with the arguments of closures.
fn gates(argument: &FnArg) -> Vec<String> {
    match argument {
        FnArg::Typed(typed) => bound_names_and_gates(&typed.pat)
            .iter()
            .map(Ident::to_string)
            .filter(|name| name.starts_with(GATE))
            .collect(),
        FnArg::Receiver(_) => Vec::new(),
    }
}

/// Returns `true` if an argument is nothing but another attribute's gate.
fn is_gate(argument: &FnArg) -> bool {
    match argument {
        FnArg::Typed(typed) => match &*typed.pat {
            Pat::TupleStruct(joined) => joined.elems.len() == 2 && !gates(argument).is_empty(),
            Pat::Ident(_) => !gates(argument).is_empty(),
            _ => false,
        },
        FnArg::Receiver(_) => false,
    }
}

/// Returns `true` if an attribute further up has added or wrapped an argument.
pub(crate) fn is_extracted_by_us(argument: &FnArg) -> bool {
    let FnArg::Typed(typed) = argument else {
        return false;
    };
    let Type::Path(ty) = &*typed.ty else {
        return false;
    };
    is_private(&ty.path)
}
