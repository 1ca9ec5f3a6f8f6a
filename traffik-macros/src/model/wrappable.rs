//! Whether a handler can stay as it was written.

use syn::visit_mut::{VisitMut, visit_path_segment_mut, visit_type_reference_mut};
use syn::{
    Attribute, FnArg, Lifetime, PatType, PathSegment, ReturnType, Safety, Type, TypeImplTrait,
    TypeReference,
};

use crate::parse::Handler;

/// Whether a handler can stay as it was written. One with generics may borrow, and what is still to come of other attributes
/// may be about its arguments: these are given the gate themselves. So is one whose last argument is a `Throttled`, whose
/// decision is told only where the gate has begun a trail for it.
pub(crate) fn can_stay(handler: &Handler) -> bool {
    let Handler { attrs, sig, .. } = handler;
    let is_plain = sig.asyncness.is_some()
        && sig.constness.is_none()
        && matches!(sig.safety, Safety::Default)
        && sig.abi.is_none()
        && sig.variadic.is_none();
    is_plain
        && sig.generics.params.is_empty()
        && sig.generics.where_clause.is_none()
        && sig.inputs.iter().all(is_owned)
        && !sig.inputs.last().is_some_and(decides)
        && is_answer(&sig.output)
        && attrs.iter().all(is_inert)
}

/// Whether an attribute changes nothing about a function.
fn is_inert(attribute: &Attribute) -> bool {
    const BUILT_IN: [&str; 10] = [
        "allow",
        "cfg",
        "cold",
        "deny",
        "deprecated",
        "doc",
        "expect",
        "forbid",
        "inline",
        "warn",
    ];
    const TOOLS: [&str; 3] = ["clippy", "diagnostic", "rustfmt"];
    let path = attribute.path();
    let first = path.segments.first();
    BUILT_IN.iter().any(|name| path.is_ident(name))
        || path.segments.len() > 1
            && first.is_some_and(|first| TOOLS.iter().any(|tool| first.ident == tool))
}

fn is_owned(argument: &FnArg) -> bool {
    match argument {
        FnArg::Typed(PatType { attrs, ty, .. }) => {
            let found = Found::within(ty);
            attrs.is_empty() && !found.borrowed && !found.opaque
        }
        FnArg::Receiver(_) => false,
    }
}

/// Reports whether an argument makes a decision of its own.
fn decides(argument: &FnArg) -> bool {
    matches!(argument, FnArg::Typed(PatType { ty, .. }) if Found::within(ty).throttled)
}

fn is_answer(output: &ReturnType) -> bool {
    match output {
        ReturnType::Default => true,
        ReturnType::Type(_, ty) => !matches!(**ty, Type::Never(_)) && !Found::within(ty).borrowed,
    }
}

/// What there is in a type.
#[derive(Default)]
struct Found {
    borrowed: bool,
    opaque: bool,
    throttled: bool,
}

impl Found {
    fn within(ty: &Type) -> Self {
        let mut found = Self::default();
        found.visit_type_mut(&mut ty.clone());
        found
    }
}

impl VisitMut for Found {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        self.borrowed |= lifetime.ident != "static";
    }

    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        self.borrowed |= reference.lifetime.is_none();
        visit_type_reference_mut(self, reference);
    }

    fn visit_path_segment_mut(&mut self, segment: &mut PathSegment) {
        self.throttled |= segment.ident == "Throttled";
        visit_path_segment_mut(self, segment);
    }

    fn visit_type_impl_trait_mut(&mut self, _: &mut TypeImplTrait) {
        self.opaque = true;
    }
}
