//! Where the states of throttles live: the [`Backend`] handle, and the stores behind it.
//!
//! A throttle uses the first of: its own backend, the one that was [provided](crate::http::provide) for the request, the
//! process's default, the embedded one.

mod apply;
mod bytes;
mod clients;
mod erased;
pub(crate) mod key;
mod lock;
#[cfg(any(feature = "memcached", feature = "redis"))]
mod longest;
#[cfg(feature = "memcached")]
mod memcached;
mod memory;
pub(crate) mod name;
mod operations;
pub(crate) mod outcome;
pub(crate) mod plan;
mod primitives;
#[cfg(feature = "redis")]
mod redis;
mod retry;
pub(crate) mod settle;
pub(crate) mod store;
mod swap;
mod wire;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use arc_swap::ArcSwapOption;

use bytes::Bytes;
pub(crate) use erased::{Answer, Primitives};
pub use lock::{
    LockGuard, LockOptions, redlock, set_default_blocking, set_default_blocking_timeout,
    set_default_lock_ttl,
};
#[cfg(feature = "memcached")]
pub use memcached::{MemcachedBackend, MemcachedNodes};
pub use memory::MemoryBackend;
pub use primitives::Store;
#[cfg(feature = "redis")]
pub use redis::RedisBackend;
use store::Decide;
use swap::Swap;

use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::failure::Policy;
use crate::http::{ClientIp, Identifier, OnThrottled, Question, Responder};
use crate::identity::Identity;

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

#[derive(Clone, Debug)]
pub(crate) struct Inner {
    store: Arc<dyn Decide>,
    clock: Option<Arc<dyn Clock>>,
    keys: Keys,
    /// Encoded; a part of every key.
    namespace: String,
    /// Whether closing leaves what there is.
    persistent: bool,
    defaults: Defaults,
    /// How throttles on this backend find the addresses of their clients.
    client_ip: ClientIp,
}

/// What holds for throttles that say nothing else.
#[derive(Clone, Debug, Default)]
struct Defaults {
    on_error: Option<Policy>,
    timeout: Option<Duration>,
    identifier: Option<Arc<dyn Question<Identity>>>,
    on_throttled: Option<Responder>,
    lock_options: Option<LockOptions>,
}

/// Where the primitives' keys are.
#[derive(Clone, Debug)]
enum Keys {
    /// In this process, which always answers at once.
    Here(Bytes),
    There(Arc<dyn Primitives>),
}

/// The namespace of a backend that was given none.
const NAMESPACE: &str = "traffik";

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

    /// What happens when it fails, for throttles that do not say that themselves; default: they refuse, as
    /// [`throttle`](crate::failure::throttle) says.
    ///
    /// ```
    /// use traffik_runtime::backend::Backend;
    /// use traffik_runtime::failure::fallback;
    ///
    /// let local = Backend::memory();
    /// let backend = Backend::memory().on_error(fallback(local));
    /// ```
    #[must_use]
    pub fn on_error(self, policy: impl Into<Policy>) -> Self {
        let mut inner = self.into_inner();
        inner.defaults.on_error = Some(policy.into());
        Self::new(inner)
    }

    /// How long a decision may take, retries and fallbacks included, for throttles that do not say that themselves; default
    /// 250 ms, or what the backend's own settings say of an operation.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        let mut inner = self.into_inner();
        inner.defaults.timeout = Some(timeout);
        Self::new(inner)
    }

    /// Who is asking, for throttles that do not say that themselves; default: the client's address. A function of the
    /// request's head, async or not, fallible or not.
    ///
    /// ```
    /// use http::request::Parts;
    /// use traffik_runtime::backend::Backend;
    /// use traffik_runtime::identity::Identity;
    ///
    /// fn tenant(parts: &Parts) -> Identity {
    ///     let host = parts.headers.get("host");
    ///     host.map_or(Identity::ip(), |host| Identity::new(host.as_bytes()))
    /// }
    ///
    /// let backend = Backend::memory().identifier(tenant);
    /// ```
    #[must_use]
    pub fn identifier<M>(self, identifier: impl Identifier<M>) -> Self {
        let mut inner = self.into_inner();
        inner.defaults.identifier = Some(identifier.question());
        Self::new(inner)
    }

    /// The response to those who are refused, for throttles that do not say that themselves; default: 429 with a problem
    /// (RFC 9457). See [`OnThrottled`].
    #[must_use]
    pub fn on_throttled<M>(self, respond: impl OnThrottled<M>) -> Self {
        let mut inner = self.into_inner();
        inner.defaults.on_throttled = Some(Responder::new(respond));
        Self::new(inner)
    }

    /// How locks are taken where [`lock`](Self::lock) is not told; default: [`LockOptions::default`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use traffik_runtime::backend::{Backend, LockOptions};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let backend = Backend::memory().lock_options(LockOptions::default().ttl(Duration::from_secs(1)));
    /// let report = backend.lock("report", None).await?;
    /// assert!(report.remaining() <= Duration::from_secs(1));
    /// # Ok::<(), traffik_runtime::error::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn lock_options(self, options: LockOptions) -> Self {
        let mut inner = self.into_inner();
        inner.defaults.lock_options = Some(options);
        Self::new(inner)
    }

    /// A backend whose keys are in a store of your own.
    pub fn custom(store: impl Store) -> Self {
        let store: Arc<dyn Primitives> = Arc::new(store);
        let swap = Arc::new(Swap::new(store.clone()));
        Self::of_store(swap, store, NAMESPACE, true)
    }

    fn of(store: Arc<dyn Decide>, clock: Option<Arc<dyn Clock>>, capacity: usize) -> Self {
        Self::new(Inner {
            store,
            clock: clock.clone(),
            keys: Keys::Here(Bytes::new(capacity, clock)),
            namespace: NAMESPACE.to_owned(),
            persistent: true,
            defaults: Defaults::default(),
            client_ip: ClientIp::new(),
        })
    }

    fn of_store(
        store: Arc<dyn Decide>,
        keys: Arc<dyn Primitives>,
        namespace: &str,
        persistent: bool,
    ) -> Self {
        Self::new(Inner {
            store,
            clock: None,
            keys: Keys::There(keys),
            namespace: namespace.to_owned(),
            persistent,
            defaults: Defaults::default(),
            client_ip: ClientIp::new(),
        })
    }

    fn new(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
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
        self.inner.store.kind()
    }

    /// The time its laws are told, in microseconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        self.choose().now()
    }

    fn primitives(&self) -> &dyn Primitives {
        match &self.inner.keys {
            Keys::Here(bytes) => bytes,
            Keys::There(store) => &**store,
        }
    }

    /// This backend, for the time of a decision.
    pub(crate) fn choose(&self) -> Chosen<'_> {
        Chosen::Named(self)
    }
}

/// The backend a throttle uses, for the time of a decision; to borrow it costs no shared counter.
pub(crate) enum Chosen<'a> {
    Named(&'a Backend),
    Default(arc_swap::Guard<Option<Arc<Inner>>>),
}

impl<'a> Chosen<'a> {
    /// The same once more.
    pub(crate) fn again(&self) -> Chosen<'a> {
        match self {
            Self::Named(backend) => Chosen::Named(backend),
            Self::Default(inner) => Chosen::Default(arc_swap::Guard::from_inner((**inner).clone())),
        }
    }
}

impl Chosen<'_> {
    /// The backend of throttles that name none and were provided none.
    pub(crate) fn default() -> Self {
        Self::Default(DEFAULT.load())
    }

    /// A handle to it, to keep.
    pub(crate) fn handle(&self) -> Backend {
        match self {
            Self::Named(backend) => (*backend).clone(),
            Self::Default(inner) => match &**inner {
                Some(inner) => Backend {
                    inner: inner.clone(),
                },
                None => EMBEDDED.clone(),
            },
        }
    }

    /// The time laws are told, in microseconds since 1970.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        match &self.inner().clock {
            None => SystemClock::new().now_micros(),
            Some(clock) => clock.now_micros(),
        }
    }

    /// The time laws are told, if it is not the store's own.
    pub(crate) fn own_time(&self) -> Option<u64> {
        let clock = self.inner().clock.as_ref()?;
        Some(clock.now_micros())
    }

    /// The namespace of its keys, encoded, if they are names.
    pub(crate) fn namespace(&self) -> Option<&str> {
        match &self.inner().keys {
            Keys::Here(_) => None,
            Keys::There(_) => Some(&self.inner().namespace),
        }
    }

    /// The backend's clock, if it is not the system's.
    pub(crate) fn own_clock(&self) -> Option<Arc<dyn Clock>> {
        self.inner().clock.clone()
    }

    /// What happens when it fails, if it was told.
    #[inline]
    pub(crate) fn on_error(&self) -> Option<&Policy> {
        self.inner().defaults.on_error.as_ref()
    }

    /// Who is asking, if it was told how to find out.
    #[inline]
    pub(crate) fn identifier(&self) -> Option<&Arc<dyn Question<Identity>>> {
        self.inner().defaults.identifier.as_ref()
    }

    /// The response to those who are refused, if it was told.
    pub(crate) fn responder(&self) -> Option<&Responder> {
        self.inner().defaults.on_throttled.as_ref()
    }

    /// How long a decision may take, if it was told.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.inner().defaults.timeout
    }

    /// What kind of store it is, in a word.
    pub(crate) fn kind(&self) -> &'static str {
        self.store().kind()
    }

    /// Whether both stand for the same states.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner().store, &other.inner().store)
    }

    /// How its throttles find the addresses of their clients.
    #[inline]
    pub(crate) fn client_ip(&self) -> &ClientIp {
        &self.inner().client_ip
    }

    /// An error if the handle was given settings that make no sense.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.client_ip().check()
    }

    #[inline]
    pub(crate) fn store(&self) -> &dyn Decide {
        &*self.inner().store
    }

    #[inline]
    fn inner(&self) -> &Inner {
        match self {
            Self::Named(backend) => &backend.inner,
            Self::Default(inner) => inner.as_ref().unwrap_or(&EMBEDDED.inner),
        }
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

/// Sets the backend of throttles that name none and were provided none, from their next hit on.
pub fn set_default_backend(backend: impl Into<Backend>) {
    DEFAULT.store(Some(backend.into().inner));
}
