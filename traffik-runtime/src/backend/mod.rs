//! Backends: a store, and the defaults of the throttles that use it.
//!
//! A throttle uses the first of: its own backend, the one that was
//! [provided](crate::http::provide) for the request, the process's default, the embedded one.

pub(crate) mod backend_ref;
pub(crate) mod defaults;
#[cfg(not(all(feature = "memcached", feature = "redis")))]
pub(crate) mod features;
pub(crate) mod key_value;
pub(crate) mod lock;
#[cfg(feature = "memcached")]
pub(crate) mod memcached;
pub(crate) mod memory;
pub(crate) mod policies;
#[cfg(feature = "redis")]
pub(crate) mod redis;
pub(crate) mod settings;

pub use backend_ref::set_default_backend;
pub use lock::defaults::{
    set_default_blocking, set_default_blocking_timeout, set_default_lock_ttl,
};
pub use lock::guard::LockGuard;
pub use lock::options::LockOptions;
pub use lock::redlock::redlock;
#[cfg(feature = "memcached")]
pub use memcached::MemcachedBackend;
pub use memory::MemoryBackend;
pub use policies::{failover, fallback};
#[cfg(feature = "redis")]
pub use redis::RedisBackend;

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;

use crate::callback::Callback;
use crate::callback::on_throttled::Responder;
use crate::client_ip::resolve::ClientIp;
use crate::clock::Clock;
use crate::error::Error;
use crate::identity::Identity;
use crate::on_error::policy::Policy;
use crate::store::byte_store::Store;
use crate::store::handle::StoreHandle;
use crate::store::memory::Memory;

/// A handle to a store of states; clones share the store.
///
/// ```
/// use traffik::Backend;
///
/// let backend = Backend::memory();
/// let same = backend.clone();
/// ```
#[derive(Clone, Debug)]
pub struct Backend {
    parts: Arc<BackendParts>,
}

/// The parts of a backend, which its clones share.
#[derive(Clone, Debug)]
pub(crate) struct BackendParts {
    store: Arc<StoreHandle>,
    /// The states, if they are in this process and nothing but their law decides.
    fast_memory: Option<Arc<Memory>>,
    /// Set if closing the backend leaves its keys in the store.
    persistent: bool,
    defaults: Defaults,
}

/// Settings of throttles that do not set them themselves.
#[derive(Clone, Debug)]
struct Defaults {
    on_error: Option<Policy>,
    timeout: Option<Duration>,
    identifier: Option<Callback<Parts, Result<Identity, Error>>>,
    on_throttled: Option<Responder>,
    lock_options: Option<LockOptions>,
    client_ip: ClientIp,
}

impl Backend {
    /// Creates a backend on a store.
    pub(crate) fn new(store: StoreHandle, persistent: bool) -> Self {
        Self::of(BackendParts {
            store: Arc::new(store),
            fast_memory: None,
            persistent,
            defaults: Defaults {
                on_error: None,
                timeout: None,
                identifier: None,
                on_throttled: None,
                lock_options: None,
                client_ip: ClientIp::new(),
            },
        })
    }

    fn of(parts: BackendParts) -> Self {
        let Defaults {
            client_ip,
            on_error,
            ..
        } = &parts.defaults;
        let needs_checks =
            client_ip.check().is_err() || on_error.as_ref().is_some_and(Policy::may_bypass_backend);
        let memory = parts.store.memory().filter(|_| !needs_checks);
        let fast_memory = memory.cloned();
        Self {
            parts: Arc::new(BackendParts {
                fast_memory,
                ..parts
            }),
        }
    }

    /// Creates a backend whose keys are in a store of your own.
    pub fn custom(store: impl Store) -> Self {
        Self::new(StoreHandle::custom(store), true)
    }

    /// Returns a handle to these states with another clock; default: the system's.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        self.with_store(|store| store.with_clock(Arc::new(clock)))
    }

    /// Returns a handle to these states with another handle of the store.
    fn with_store(self, change: impl FnOnce(&StoreHandle) -> StoreHandle) -> Self {
        let parts = Arc::unwrap_or_clone(self.parts);
        Self::of(BackendParts {
            store: Arc::new(change(&parts.store)),
            ..parts
        })
    }

    /// Returns a handle to these states with other defaults.
    fn with_defaults(self, change: impl FnOnce(&mut Defaults)) -> Self {
        let mut parts = Arc::unwrap_or_clone(self.parts);
        change(&mut parts.defaults);
        Self::of(parts)
    }

    #[inline]
    pub(crate) fn parts(&self) -> &BackendParts {
        &self.parts
    }

    pub(crate) fn into_parts(self) -> Arc<BackendParts> {
        self.parts
    }

    /// Returns the store, its clock and its namespace.
    pub(crate) fn store(&self) -> &Arc<StoreHandle> {
        &self.parts.store
    }
}

impl<S: Store> From<S> for Backend {
    fn from(store: S) -> Self {
        Self::custom(store)
    }
}

impl BackendParts {
    /// Returns the store, its clock and its namespace.
    #[inline]
    pub(crate) const fn store(&self) -> &Arc<StoreHandle> {
        &self.store
    }

    /// Returns the states, if they are in this process, nothing but their law decides, and the
    /// backend is not closed.
    #[inline]
    pub(crate) fn fast_memory(&self) -> Option<&Memory> {
        let memory = self.fast_memory.as_deref();
        memory.filter(|memory| !memory.is_closed())
    }

    /// Returns the policy for failures of the store, if one is set.
    #[inline]
    pub(crate) const fn on_error(&self) -> Option<&Policy> {
        self.defaults.on_error.as_ref()
    }

    /// Returns the function that identifies clients, if one is set.
    #[inline]
    pub(crate) const fn identifier(&self) -> Option<&Callback<Parts, Result<Identity, Error>>> {
        self.defaults.identifier.as_ref()
    }

    /// Returns the responder for refused requests, if one is set.
    pub(crate) const fn responder(&self) -> Option<&Responder> {
        self.defaults.on_throttled.as_ref()
    }

    /// Returns the time limit of a decision, if one is set.
    pub(crate) const fn timeout(&self) -> Option<Duration> {
        self.defaults.timeout
    }

    /// Returns the source of client addresses.
    #[inline]
    pub(crate) const fn client_ip(&self) -> &ClientIp {
        &self.defaults.client_ip
    }

    /// Returns an error if a setting is malformed.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.defaults.client_ip.check()
    }
}
