use crate::error::{Error, ErrorKind};

/// Which failures a policy is about: those of some kinds, else all that may pass by themselves. Mistakes in the program or
/// its configuration are no failures of a backend, and never among them.
#[derive(Clone, Debug)]
pub(super) struct Kinds(Option<Vec<ErrorKind>>);

impl Kinds {
    pub(super) const ALL: Self = Self(None);

    pub(super) fn of(kinds: impl IntoIterator<Item = ErrorKind>) -> Self {
        Self(Some(kinds.into_iter().collect()))
    }

    pub(super) fn takes(&self, error: &Error) -> bool {
        let named = self.0.as_ref();
        error.is_transient() && named.is_none_or(|kinds| kinds.contains(&error.kind()))
    }

    pub(super) fn has(&self, kind: ErrorKind) -> bool {
        self.0.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }
}
