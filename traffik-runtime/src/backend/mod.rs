//! Where the states of throttles live: the [`Backend`] handle, and the stores behind it.
//!
//! A throttle uses the first of: its own backend, the one that was [provided](crate::http::provide) for the request, the
//! process's default, the embedded one.

pub(crate) mod backend_ref;
pub(crate) mod clients;
pub(crate) mod defaults;
#[cfg(not(all(feature = "memcached", feature = "redis")))]
pub(crate) mod features;
pub(crate) mod key_value;
pub(crate) mod lock;

pub use lock::defaults::{
    set_default_blocking, set_default_blocking_timeout, set_default_lock_ttl,
};
pub use lock::guard::LockGuard;
pub use lock::options::LockOptions;
pub use lock::redlock;

use std::sync::{Arc, LazyLock, OnceLock};

use arc_swap::ArcSwap;

use crate::backend::backend_ref::Chosen;
use crate::backend::defaults::Defaults;
use crate::client_ip::resolve::ClientIp;
use crate::clock::Clock;
use crate::on_error::policy::Policy;
use crate::store::Decide;
use crate::store::background::Background;
use crate::store::byte_store::Store;
use crate::store::cas::Swap;
use crate::store::erased::Primitives;
use crate::store::memory::bytes::Bytes;
use crate::store::memory::{Memory, MemoryBackend};

/// The backend of the process, once one was set.
static DEFAULT: OnceLock<ArcSwap<Inner>> = OnceLock::new();

/// The backend of whoever names none.
static EMBEDDED: LazyLock<Backend> = LazyLock::new(Backend::memory);

/// A handle to where states live; clones share it.
///
/// ```
/// use traffik::Backend;
///
/// let backend = Backend::memory();
/// let same = backend.clone();
/// ```
#[derive(Clone, Debug)]
pub struct Backend {
    inner: Arc<Inner>,
}

#[derive(Clone, Debug)]
pub(crate) struct Inner {
    store: Arc<dyn Decide>,
    /// The same, if it is the embedded one.
    memory: Option<Arc<Memory>>,
    /// Whether there is more to a decision than to ask it.
    is_involved: bool,
    clock: Option<Arc<dyn Clock>>,
    keys: Keys,
    /// What goes on without its caller, for all handles that share the states.
    background: Arc<Background>,
    /// Encoded; a part of every key.
    namespace: String,
    /// Whether closing leaves what there is.
    persistent: bool,
    defaults: Defaults,
    /// How throttles on this backend find the addresses of their clients.
    client_ip: ClientIp,
}

/// Where the primitives' keys are.
#[derive(Clone, Debug)]
enum Keys {
    /// In this process, which always answers at once.
    Here(Bytes),
    There(Arc<dyn Primitives>),
}

/// The namespace of a backend that was given none.
pub(crate) const NAMESPACE: &str = "traffik";

impl Backend {
    /// A new, empty backend in this process's memory, for up to a million keys; see [`MemoryBackend`] for settings.
    pub fn memory() -> Self {
        MemoryBackend::builder().build()
    }

    /// The same states under another clock; default: the system's.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(clock);
        let keys = match &self.inner.keys {
            Keys::Here(bytes) => Keys::Here(bytes.clock(clock.clone())),
            Keys::There(store) => Keys::There(store.clone()),
        };
        Self::new(Inner {
            clock: Some(clock),
            keys,
            ..self.into_inner()
        })
    }

    /// A backend whose keys are in a store of your own.
    pub fn custom(store: impl Store) -> Self {
        let store: Arc<dyn Primitives> = Arc::new(store);
        let swap = Arc::new(Swap::new(store.clone()));
        Self::of_store(swap, store, NAMESPACE, true)
    }

    pub(crate) fn of(memory: Arc<Memory>, clock: Option<Arc<dyn Clock>>, capacity: usize) -> Self {
        Self::new(Inner {
            store: memory.clone(),
            memory: Some(memory),
            is_involved: false,
            clock: clock.clone(),
            keys: Keys::Here(Bytes::new(capacity, clock)),
            background: Arc::new(Background::new()),
            namespace: NAMESPACE.to_owned(),
            persistent: true,
            defaults: Defaults::default(),
            client_ip: ClientIp::new(),
        })
    }

    pub(crate) fn of_store(
        store: Arc<dyn Decide>,
        keys: Arc<dyn Primitives>,
        namespace: &str,
        persistent: bool,
    ) -> Self {
        Self::new(Inner {
            store,
            memory: None,
            is_involved: true,
            clock: None,
            keys: Keys::There(keys),
            background: Arc::new(Background::new()),
            namespace: namespace.to_owned(),
            persistent,
            defaults: Defaults::default(),
            client_ip: ClientIp::new(),
        })
    }

    fn new(inner: Inner) -> Self {
        let policy = inner.defaults.on_error.as_ref();
        let is_involved =
            inner.client_ip.check().is_err() || policy.is_some_and(Policy::stands_before);
        Self {
            inner: Arc::new(Inner {
                is_involved,
                ..inner
            }),
        }
    }

    fn into_inner(self) -> Inner {
        Arc::unwrap_or_clone(self.inner)
    }

    /// Whether it answers at once, without asking anybody else.
    pub(crate) fn is_here(&self) -> bool {
        matches!(self.inner.keys, Keys::Here(_))
    }

    /// What kind of store it is, in a word.
    pub(crate) fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    /// The time its laws are told, in microseconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        self.inner.now()
    }

    fn primitives(&self) -> &dyn Primitives {
        match &self.inner.keys {
            Keys::Here(bytes) => bytes,
            Keys::There(store) => &**store,
        }
    }

    #[inline]
    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    /// This backend, for the time of a decision.
    pub(crate) fn choose(&self) -> Chosen<'_> {
        Chosen::Named(self)
    }
}

impl<S: Store> From<S> for Backend {
    fn from(store: S) -> Self {
        Self::custom(store)
    }
}

/// Bytes in this process's memory, for a store to be made of.
#[cfg(feature = "test-util")]
pub(crate) fn embedded_bytes() -> impl Store {
    Bytes::new(1_000_000, None)
}

/// Reports whether throttles that name no backend and were provided none use the embedded one.
pub(crate) fn default_is_embedded() -> bool {
    DEFAULT.get().is_none()
}

/// Sets the backend of throttles that name none and were provided none, from their next hit on.
pub fn set_default_backend(backend: impl Into<Backend>) {
    let inner = backend.into().inner;
    let default = DEFAULT.get_or_init(|| ArcSwap::new(inner.clone()));
    default.store(inner);
}
