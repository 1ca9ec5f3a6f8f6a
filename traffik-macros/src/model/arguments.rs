//! The arguments of a handler and the names that their patterns bind.

use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::visit_mut::{VisitMut, visit_pat_mut, visit_type_mut};
use syn::{FnArg, Ident, Pat, PatType, Path, Signature, Type};

use super::expr;

/// The name of the hidden argument that holds a gate.
pub(super) const GATE: &str = "__traffik_gate";

/// The module that generated code takes its names from.
const PRIVATE: &str = "__private";

/// The arguments of a handler.
pub(crate) struct HandlerArguments<'a>(Vec<&'a FnArg>);

impl<'a> HandlerArguments<'a> {
    pub(crate) fn new(sig: &'a Signature) -> Self {
        Self(sig.inputs.iter().collect())
    }

    /// Returns the number of arguments.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns all bound names, as they were written.
    pub(crate) fn names(&self) -> Vec<String> {
        let patterns = self.0.iter().filter_map(|argument| typed(argument));
        let names = patterns.flat_map(|typed| bound_names(&typed.pat));
        names.map(|name| name.to_string()).collect()
    }

    /// Returns the index of the argument that binds a name.
    pub(crate) fn binding(&self, name: &Ident) -> Option<usize> {
        let binds = |argument: &&&FnArg| {
            typed(argument).is_some_and(|typed| {
                let mut names = bound_names(&typed.pat).into_iter();
                names.any(|bound| bound.unraw() == name.unraw())
            })
        };
        self.0.iter().position(|argument| binds(&argument))
    }

    /// Returns `true` if an argument has this pattern.
    pub(crate) fn has_pattern(&self, pattern: &Pat) -> bool {
        let text = expr::text(pattern);
        let mut patterns = self.0.iter().filter_map(|argument| typed(argument));
        patterns.any(|typed| contains_pattern(&typed.pat, &text))
    }

    /// Returns `true` if `cfg` may remove the argument at an index.
    pub(crate) fn is_conditional(&self, index: usize) -> bool {
        self.0
            .get(index)
            .is_some_and(|argument| is_conditional(argument))
    }

    /// Returns the source text of an argument's type, if it contains `impl Trait`.
    pub(crate) fn impl_trait_type(&self, index: usize) -> Option<String> {
        let typed = self.0.get(index).and_then(|argument| typed(argument))?;
        let mut ty = (*typed.ty).clone();
        let mut finder = ImplTraitFinder(false);
        finder.visit_type_mut(&mut ty);
        finder.0.then(|| expr::text(typed.ty.to_token_stream()))
    }
}

/// Returns `true` if a pattern has this source text, itself or within the wrapper that an attribute
/// further up has put around it.
fn contains_pattern(pattern: &Pat, text: &str) -> bool {
    if expr::text(pattern) == text {
        return true;
    }
    wrapped_patterns(pattern).is_some_and(|mut inner| {
        inner.any(|pattern| match pattern {
            Pat::Tuple(tuple) => tuple
                .elems
                .iter()
                .any(|pattern| contains_pattern(pattern, text)),
            pattern => contains_pattern(pattern, text),
        })
    })
}

/// Returns the names that a pattern binds, without those of gates.
pub(crate) fn bound_names(pattern: &Pat) -> Vec<Ident> {
    let mut names = bound_names_and_gates(pattern);
    names.retain(|name| !name.to_string().starts_with(GATE));
    names
}

/// Returns the names that a pattern binds, including those of gates.
pub(super) fn bound_names_and_gates(pattern: &Pat) -> Vec<Ident> {
    struct Names(Vec<Ident>);
    impl VisitMut for Names {
        fn visit_pat_mut(&mut self, pattern: &mut Pat) {
            if let Pat::Ident(binding) = pattern
                && !is_constant(&binding.ident.to_string())
            {
                self.0.push(binding.ident.clone());
            }
            visit_pat_mut(self, pattern);
        }
    }
    let mut names = Names(Vec::new());
    names.visit_pat_mut(&mut pattern.clone());
    names.0
}

/// Returns `true` if an identifier in a pattern is, by convention, a constant and not a binding.
pub(crate) fn is_constant(ident: &str) -> bool {
    ident.starts_with(char::is_uppercase)
}

/// Returns the patterns that an attribute further up has put into one of our own types.
fn wrapped_patterns(pattern: &Pat) -> Option<impl Iterator<Item = &Pat>> {
    let Pat::TupleStruct(wrapper) = pattern else {
        return None;
    };
    is_private(&wrapper.path).then(|| wrapper.elems.iter())
}

/// Returns `true` if a path names an item of the module for generated code.
pub(super) fn is_private(path: &Path) -> bool {
    let module = path.segments.iter().nth_back(1);
    module.is_some_and(|module| module.ident == PRIVATE)
}

/// Returns `true` if `cfg` may remove an argument.
pub(super) fn is_conditional(argument: &FnArg) -> bool {
    let attrs = match argument {
        FnArg::Receiver(receiver) => &receiver.attrs,
        FnArg::Typed(typed) => &typed.attrs,
    };
    attrs
        .iter()
        .any(|attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr"))
}

fn typed(argument: &FnArg) -> Option<&PatType> {
    match argument {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    }
}

/// Finds `impl Trait` in a type.
struct ImplTraitFinder(bool);

impl VisitMut for ImplTraitFinder {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        self.0 |= matches!(ty, Type::ImplTrait(_));
        visit_type_mut(self, ty);
    }
}
