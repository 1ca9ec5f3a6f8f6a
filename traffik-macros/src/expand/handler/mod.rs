//! The handler with its gate.

mod gate;
mod rewritten;
pub(super) mod usage;
mod wrapped;

use proc_macro2::TokenStream;

pub(super) use usage::usage;

use self::gate::{Gate, hidden};
use super::paths::Private;
use crate::model::{Outcome, Seat, Site, can_stay};
use crate::parse::Handler;

/// The handler, taking the gate and giving the gate's answer.
pub(crate) fn gated(site: &Site, handler: Handler, private: &Private) -> TokenStream {
    let binding = Seat::binding(
        site.defined.as_ref().map(Outcome::name),
        hidden(handler.sig.ident.span()),
    );
    let (_, ty, _) = usage::generics(site, &handler);
    let gate = Gate {
        site,
        binding,
        ty,
        private,
    };
    if can_stay(&handler) {
        wrapped::wrapped(&gate, handler)
    } else {
        rewritten::rewritten(&gate, handler)
    }
}
