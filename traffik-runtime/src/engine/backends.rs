//! The backends of the hits of one request, looked up once for all steps but the fast path of one
//! limit, which looks up its own.

use std::ptr;

use http::request::Parts;

use crate::backend::BackendParts;
use crate::backend::backend_ref::BackendRef;
use crate::definition::Definition;

/// The backend of each hit of a request.
#[derive(Clone)]
pub(crate) enum HitBackends<'a> {
    /// One backend for all hits.
    Common(BackendRef<'a>),
    /// The backends in the order of the hits.
    Each(Vec<BackendRef<'a>>),
}

impl<'a> HitBackends<'a> {
    /// Looks up the backends of these throttles, for a request or for none.
    pub(crate) fn of(
        mut throttles: impl Iterator<Item = &'a Definition> + Clone,
        parts: Option<&'a Parts>,
    ) -> Self {
        let all = throttles.clone();
        let Some(first) = throttles.next() else {
            return Self::Each(Vec::new());
        };
        let first = first.named_backend(parts);
        let is_first = |throttle: &'a Definition| match (first, throttle.named_backend(parts)) {
            (Some(first), Some(other)) => ptr::eq(first.parts(), other.parts()),
            (first, other) => first.is_none() && other.is_none(),
        };
        if throttles.all(is_first) {
            return Self::Common(BackendRef::named_or_default(first));
        }
        Self::Each(all.map(|it| it.chosen_backend(parts)).collect())
    }

    /// Returns the backend of a hit, by the hit's index.
    pub(crate) fn of_hit(&self, index: usize) -> &BackendRef<'a> {
        match self {
            Self::Common(backend) => backend,
            Self::Each(backends) => &backends[index],
        }
    }

    /// Returns the backend of all hits; `None` if they have several, or if there is no hit.
    pub(crate) fn common(&self) -> Option<&BackendParts> {
        match self {
            Self::Common(backend) => Some(backend),
            Self::Each(_) => None,
        }
    }

    /// Returns the backends for a decision that outlives the borrows of its request.
    pub(crate) fn into_owned(self) -> HitBackends<'static> {
        match self {
            Self::Common(backend) => HitBackends::Common(backend.into_owned()),
            Self::Each(backends) => {
                HitBackends::Each(backends.into_iter().map(BackendRef::into_owned).collect())
            }
        }
    }
}
