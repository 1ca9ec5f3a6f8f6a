//! The backend that decides a hit: borrowed from its throttle, or the process's default.

use std::ops::Deref;
use std::sync::{Arc, LazyLock, OnceLock};

use arc_swap::{ArcSwap, Guard};

use crate::backend::{Backend, BackendParts};

/// The default backend of the process, once one was set.
static DEFAULT: OnceLock<ArcSwap<BackendParts>> = OnceLock::new();

/// The default backend until another one is set.
static EMBEDDED: LazyLock<Backend> = LazyLock::new(Backend::memory);

/// A backend, borrowed for the time of a decision without a change of a shared counter.
pub(crate) enum BackendRef<'a> {
    Borrowed(&'a Backend),
    Shared(Guard<Arc<BackendParts>>),
}

impl<'a> BackendRef<'a> {
    /// Returns a backend that is named, or else that of throttles and requests that name none.
    #[inline]
    pub(crate) fn named_or_default(named: Option<&'a Backend>) -> Self {
        named.map_or_else(Self::default, Self::Borrowed)
    }
}

impl BackendRef<'_> {
    /// Returns the backend of throttles and requests that name none.
    #[inline]
    pub(crate) fn default() -> Self {
        match DEFAULT.get() {
            None => Self::Borrowed(&EMBEDDED),
            Some(default) => Self::Shared(default.load()),
        }
    }

    /// Returns a reference that borrows nothing: it takes a share of the backend.
    pub(crate) fn into_owned(self) -> BackendRef<'static> {
        let parts = match self {
            Self::Borrowed(backend) => backend.clone().into_parts(),
            Self::Shared(parts) => Guard::into_inner(parts),
        };
        BackendRef::Shared(Guard::from_inner(parts))
    }

    /// Returns `true` if both refer to the states of one store.
    pub(crate) fn shares_states(&self, other: &Self) -> bool {
        self.store().shares_states(other.store())
    }
}

impl Clone for BackendRef<'_> {
    fn clone(&self) -> Self {
        match self {
            Self::Borrowed(backend) => Self::Borrowed(backend),
            Self::Shared(parts) => Self::Shared(Guard::from_inner((**parts).clone())),
        }
    }
}

impl Deref for BackendRef<'_> {
    type Target = BackendParts;

    #[inline]
    fn deref(&self) -> &BackendParts {
        match self {
            Self::Borrowed(backend) => backend.parts(),
            Self::Shared(parts) => parts,
        }
    }
}

/// Returns the backend of throttles and requests that name none, unless one was set.
#[inline]
pub(crate) fn embedded() -> Option<&'static Backend> {
    match DEFAULT.get() {
        None => Some(&EMBEDDED),
        Some(_) => None,
    }
}

/// Returns `true` if throttles and requests that name no backend use the embedded one.
pub(crate) fn default_is_embedded() -> bool {
    DEFAULT.get().is_none()
}

/// Sets the backend of throttles and requests that name none, from their next hit on.
pub fn set_default_backend(backend: impl Into<Backend>) {
    let parts = backend.into().into_parts();
    let default = DEFAULT.get_or_init(|| ArcSwap::new(parts.clone()));
    default.store(parts);
}
