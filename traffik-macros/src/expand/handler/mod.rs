//! The handler with its gate: wrapped as it was written, or rewritten.

mod gate;
mod rewritten;
pub(super) mod usage;
mod wrapped;

use proc_macro2::TokenStream;

pub(super) use usage::usage;

use self::gate::{Gate, hidden_span};
use super::paths::Private;
use crate::model::{DefinedThrottle, GatePlacement, ThrottledAttribute, is_wrappable};
use crate::parse::Handler;

/// Generates the handler with its gate.
pub(crate) fn handler(
    attribute: &ThrottledAttribute,
    handler: Handler,
    private: &Private,
) -> TokenStream {
    let binding = GatePlacement::binding(
        attribute.defined.as_ref().map(DefinedThrottle::name),
        hidden_span(handler.sig.ident.span()),
    );
    let (_, ty, _) = usage::generics(attribute, &handler);
    let gate = Gate {
        attribute,
        binding,
        ty,
        private,
    };
    if is_wrappable(&handler) {
        wrapped::wrapped(&gate, handler)
    } else {
        rewritten::rewritten(&gate, handler)
    }
}
