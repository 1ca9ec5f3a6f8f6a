use crate::error::{Error, ErrorKind};

/// Which failures a policy is about: those of some kinds, else all that may pass by themselves. Mistakes in the program or
/// its configuration are no failures of a backend, and never among them.
#[derive(Clone, Debug)]
pub(crate) struct Kinds(Option<Vec<ErrorKind>>);

impl Kinds {
    pub(crate) const ALL: Self = Self(None);

    pub(crate) fn of(kinds: impl IntoIterator<Item = ErrorKind>) -> Self {
        Self(Some(kinds.into_iter().collect()))
    }

    pub(crate) fn takes(&self, error: &Error) -> bool {
        let named = self.0.as_ref();
        error.is_transient() && named.is_none_or(|kinds| kinds.contains(&error.kind()))
    }

    pub(crate) fn has(&self, kind: ErrorKind) -> bool {
        self.0.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }
}
