//! Decides if a handler can be wrapped as it was written.

use syn::visit_mut::{VisitMut, visit_path_segment_mut, visit_type_reference_mut};
use syn::{
    Attribute, FnArg, Lifetime, PatType, PathSegment, ReturnType, Safety, Type, TypeImplTrait,
    TypeReference,
};

use crate::parse::Handler;

/// Returns `true` if a handler can be wrapped as it was written. A generic handler may borrow, and
/// other attributes below may look at its arguments, so those get the gate as an argument of their
/// own. So does a handler whose last argument is a `Throttled`, because its decision is reported
/// only where the gate has started the request's state.
pub(crate) fn is_wrappable(handler: &Handler) -> bool {
    let Handler { attrs, sig, .. } = handler;
    let is_async_fn = sig.asyncness.is_some()
        && sig.constness.is_none()
        && matches!(sig.safety, Safety::Default)
        && sig.abi.is_none()
        && sig.variadic.is_none();
    is_async_fn
        && sig.generics.params.is_empty()
        && sig.generics.where_clause.is_none()
        && sig.inputs.iter().all(is_owned)
        && !sig.inputs.last().is_some_and(is_throttled)
        && is_owned_output(&sig.output)
        && attrs.iter().all(is_inert)
}

/// Returns `true` if an attribute does not change a function.
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
            let contents = TypeContents::of(ty);
            attrs.is_empty() && !contents.borrows && !contents.impl_trait
        }
        FnArg::Receiver(_) => false,
    }
}

/// Returns `true` if an argument makes a decision of its own.
fn is_throttled(argument: &FnArg) -> bool {
    matches!(argument, FnArg::Typed(PatType { ty, .. }) if TypeContents::of(ty).throttled)
}

fn is_owned_output(output: &ReturnType) -> bool {
    match output {
        ReturnType::Default => true,
        ReturnType::Type(_, ty) => !matches!(**ty, Type::Never(_)) && !TypeContents::of(ty).borrows,
    }
}

/// Properties of a type and of the types in it.
#[derive(Default)]
struct TypeContents {
    /// A lifetime other than `'static`.
    borrows: bool,
    impl_trait: bool,
    /// A `Throttled` extractor.
    throttled: bool,
}

impl TypeContents {
    fn of(ty: &Type) -> Self {
        let mut contents = Self::default();
        contents.visit_type_mut(&mut ty.clone());
        contents
    }
}

impl VisitMut for TypeContents {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        self.borrows |= lifetime.ident != "static";
    }

    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        self.borrows |= reference.lifetime.is_none();
        visit_type_reference_mut(self, reference);
    }

    fn visit_path_segment_mut(&mut self, segment: &mut PathSegment) {
        self.throttled |= segment.ident == "Throttled";
        visit_path_segment_mut(self, segment);
    }

    fn visit_type_impl_trait_mut(&mut self, _: &mut TypeImplTrait) {
        self.impl_trait = true;
    }
}
