//! Where the states of throttles live: the [`Backend`] handle, and the stores behind it.
//!
//! A throttle uses the first of: its own backend, the one that was [provided](crate::http::provide) for the request, the
//! process's default, the embedded one.

pub(crate) mod apply;
pub(crate) mod key;
mod memory;
pub(crate) mod outcome;
pub(crate) mod plan;
pub(crate) mod store;
pub(crate) mod wire;

use std::sync::{Arc, LazyLock};

use arc_swap::ArcSwapOption;

pub use memory::MemoryBackend;
use store::Store;

use crate::clock::{Clock, SystemClock};

/// The backend of the process, if one was set.
static DEFAULT: ArcSwapOption<Inner> = ArcSwapOption::const_empty();

/// The backend of whoever names none.
static EMBEDDED: LazyLock<Backend> = LazyLock::new(Backend::memory);

/// A handle to where states live; clones share it.
///
/// ```
/// use traffik_runtime::backend::Backend;
///
/// let backend = Backend::memory();
/// let same = backend.clone();
/// ```
#[derive(Clone, Debug)]
pub struct Backend {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    store: Arc<dyn Store>,
    clock: Option<Arc<dyn Clock>>,
}

impl Backend {
    /// A new, empty backend in this process's memory, for up to a million keys; see [`MemoryBackend`] for settings.
    pub fn memory() -> Self {
        MemoryBackend::builder().build()
    }

    /// The same states under another clock; default: the system's.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        Self::of(self.inner.store.clone(), Some(Arc::new(clock)))
    }

    fn of(store: Arc<dyn Store>, clock: Option<Arc<dyn Clock>>) -> Self {
        Self {
            inner: Arc::new(Inner { store, clock }),
        }
    }

    /// This backend, for the time of a decision.
    pub(crate) fn choose(&self) -> Chosen<'_> {
        Chosen::Named(&self.inner)
    }
}

/// The backend a throttle uses, for the time of a decision; to borrow it costs no shared counter.
pub(crate) enum Chosen<'a> {
    Named(&'a Inner),
    Default(arc_swap::Guard<Option<Arc<Inner>>>),
}

impl Chosen<'_> {
    /// The backend of throttles that name none and were provided none.
    pub(crate) fn default() -> Self {
        Self::Default(DEFAULT.load())
    }

    /// The time laws are told, in microseconds since 1970.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        match &self.inner().clock {
            None => SystemClock::new().now_micros(),
            Some(clock) => clock.now_micros(),
        }
    }

    /// The backend's clock, if it is not the system's.
    pub(crate) fn own_clock(&self) -> Option<Arc<dyn Clock>> {
        self.inner().clock.clone()
    }

    /// Whether both stand for the same states.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner().store, &other.inner().store)
    }

    #[inline]
    pub(crate) fn store(&self) -> &dyn Store {
        &*self.inner().store
    }

    #[inline]
    fn inner(&self) -> &Inner {
        match self {
            Self::Named(inner) => inner,
            Self::Default(inner) => inner.as_ref().unwrap_or(&EMBEDDED.inner),
        }
    }
}

/// Sets the backend of throttles that name none and were provided none, from their next hit on.
pub fn set_default_backend(backend: impl Into<Backend>) {
    DEFAULT.store(Some(backend.into().inner));
}
