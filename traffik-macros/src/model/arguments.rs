//! What the patterns of a handler's arguments bind.

use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::visit_mut::{VisitMut, visit_pat_mut, visit_type_mut};
use syn::{FnArg, Ident, Pat, PatType, Path, Signature, Type};

use super::expr;

/// What the hidden argument is called.
pub(super) const GATE: &str = "__traffik_gate";

/// The module that the names of generated code are taken from.
const PRIVATE: &str = "__private";

/// The arguments of a handler.
pub(crate) struct Arguments<'a>(Vec<&'a FnArg>);

impl<'a> Arguments<'a> {
    pub(crate) fn of(sig: &'a Signature) -> Self {
        Self(sig.inputs.iter().collect())
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Every name there is, as it is written.
    pub(crate) fn names(&self) -> Vec<String> {
        let patterns = self.0.iter().filter_map(|argument| typed(argument));
        let names = patterns.flat_map(|typed| names(&typed.pat));
        names.map(|name| name.to_string()).collect()
    }

    /// The argument that binds a name.
    pub(crate) fn binding(&self, name: &Ident) -> Option<usize> {
        let binds = |argument: &&&FnArg| {
            typed(argument).is_some_and(|typed| {
                let mut names = names(&typed.pat).into_iter();
                names.any(|bound| bound.unraw() == name.unraw())
            })
        };
        self.0.iter().position(|argument| binds(&argument))
    }

    /// Whether an argument's pattern is written like this.
    pub(crate) fn has_pattern(&self, pattern: &Pat) -> bool {
        let text = expr::text(pattern);
        let mut patterns = self.0.iter().filter_map(|argument| typed(argument));
        patterns.any(|typed| is_written(&typed.pat, &text))
    }

    /// Whether `cfg` may take an argument away.
    pub(crate) fn is_conditional(&self, place: usize) -> bool {
        self.0.get(place).is_some_and(|it| is_conditional(it))
    }

    /// The type of an argument that has no name, as it is written.
    pub(crate) fn nameless_type(&self, place: usize) -> Option<String> {
        let typed = self.0.get(place).and_then(|argument| typed(argument))?;
        let mut ty = (*typed.ty).clone();
        let mut found = Nameless(false);
        found.visit_type_mut(&mut ty);
        found.0.then(|| expr::text(typed.ty.to_token_stream()))
    }
}

/// Returns whether a pattern is written like this, by itself or within what an attribute further up
/// has put around it.
fn is_written(pattern: &Pat, text: &str) -> bool {
    if expr::text(pattern) == text {
        return true;
    }
    wrapped(pattern).is_some_and(|mut inner| {
        inner.any(|pattern| match pattern {
            Pat::Tuple(tuple) => tuple.elems.iter().any(|it| is_written(it, text)),
            pattern => is_written(pattern, text),
        })
    })
}

/// The names that a pattern binds, without those of gates.
pub(crate) fn names(pattern: &Pat) -> Vec<Ident> {
    let mut names = bound(pattern);
    names.retain(|name| !name.to_string().starts_with(GATE));
    names
}

/// The names that a pattern binds, those of gates included.
pub(super) fn bound(pattern: &Pat) -> Vec<Ident> {
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

/// Whether a word in a pattern is, by convention, no name but a value.
pub(crate) fn is_constant(word: &str) -> bool {
    word.starts_with(char::is_uppercase)
}

/// Returns the patterns that an attribute further up has put into one of our own types.
fn wrapped(pattern: &Pat) -> Option<impl Iterator<Item = &Pat>> {
    let Pat::TupleStruct(wrapper) = pattern else {
        return None;
    };
    is_private(&wrapper.path).then(|| wrapper.elems.iter())
}

/// Returns whether a path leads to a name of generated code.
pub(super) fn is_private(path: &Path) -> bool {
    let module = path.segments.iter().nth_back(1);
    module.is_some_and(|module| module.ident == PRIVATE)
}

/// Returns whether `cfg` may take an argument away.
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

/// Finds `impl Trait`.
struct Nameless(bool);

impl VisitMut for Nameless {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        self.0 |= matches!(ty, Type::ImplTrait(_));
        visit_type_mut(self, ty);
    }
}
