//! A filter of errors by their kind.

use crate::error::{Error, ErrorKind};

/// The errors that a policy handles: those of some kinds, otherwise all that may pass by
/// themselves.
///
/// Mistakes in the program or its configuration are not failures of a backend, and never match.
#[derive(Clone, Debug)]
pub(crate) struct ErrorKinds(Option<Vec<ErrorKind>>);

impl ErrorKinds {
    /// Every kind.
    pub(crate) const ALL: Self = Self(None);

    /// The given kinds.
    pub(crate) fn new(kinds: impl IntoIterator<Item = ErrorKind>) -> Self {
        Self(Some(kinds.into_iter().collect()))
    }

    /// Returns `true` if the error may pass by itself and is of one of the kinds.
    pub(crate) fn matches(&self, error: &Error) -> bool {
        error.is_transient() && self.contains(error.kind())
    }

    /// Returns `true` if the filter contains a kind.
    pub(crate) fn contains(&self, kind: ErrorKind) -> bool {
        self.0.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }
}
