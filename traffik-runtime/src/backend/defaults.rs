//! Setters of the defaults of a backend's throttles.

use std::time::Duration;

use crate::backend::Backend;
use crate::backend::lock::options::LockOptions;
use crate::callback::identifier::Identifier;
use crate::callback::on_throttled::{OnThrottled, Responder};
use crate::client_ip::resolve::ClientIp;
use crate::on_error::policy::Policy;

/// Every setter returns a handle to the same states.
impl Backend {
    /// Sets the policy for failures of the backend, for throttles without one of their own;
    /// default: hits are refused, as by [`throttle`](crate::on_error::policy::throttle).
    ///
    /// ```
    /// use traffik::{Backend, failure::fallback};
    ///
    /// let local = Backend::memory();
    /// let backend = Backend::memory().on_error(fallback(local));
    /// ```
    #[must_use]
    pub fn on_error(self, policy: impl Into<Policy>) -> Self {
        let policy = policy.into();
        self.with_defaults(|defaults| defaults.on_error = Some(policy))
    }

    /// Sets the time limit of a decision, retries and fallbacks included, for throttles without one
    /// of their own; default: the timeout of the backend's operations, or 250 ms in memory.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with_defaults(|defaults| defaults.timeout = Some(timeout))
    }

    /// Sets the time for which a hit is refused without a call of the store, after the store has
    /// refused the client; default a second. [`Duration::ZERO`] switches it off.
    ///
    /// With a refusal a shared store returns the state of the client. While the law of a hit
    /// refuses by that state, whatever the store's clock may show by now, the store can only refuse
    /// it too, so it is not called: a client that is refused at full speed costs the store about
    /// one decision in this time. The answer is that of the store, at the present time, and
    /// [`Decision::provenance`](crate::decision::Decision::provenance) is
    /// [`LocalRefusal`](crate::decision::Provenance::LocalRefusal).
    ///
    /// The exception is quota that comes back in another way than by time: a refund by another
    /// process, a key that was removed from the server, a server whose clock is set forward.
    /// Clients may notice that so much later. Refunds, [`clear`](Self::clear) and the
    /// [`registry`](crate::definition::registry::registry) of this process are noticed at once.
    ///
    /// States of some 32 000 clients are remembered in a process. `stat` and `check` always call
    /// the store. In memory the setting has no effect, nor does it for `cost_based_token_bucket`,
    /// `adaptive` with `load` and strategies of your own.
    ///
    /// ```
    /// use std::time::Duration;
    /// use traffik::Backend;
    ///
    /// let backend = Backend::memory().local_refusals(Duration::ZERO);
    /// ```
    #[must_use]
    pub fn local_refusals(self, time: Duration) -> Self {
        self.with_store(|store| store.with_local_refusals(time))
    }

    /// Sets the life of leases, for throttles without one of their own; default: no leases, as with
    /// [`Duration::ZERO`].
    ///
    /// A hit of a client that hits often takes more of the client's quota from a shared store than
    /// it needs, in the same command: as much as this process has admitted over the last life of a
    /// lease, and at most a quarter of what remains. The next hits are admitted by this process at
    /// the speed of memory, and
    /// [`Decision::provenance`](crate::decision::Decision::provenance) is
    /// [`Lease`](crate::decision::Provenance::Lease). When the lease ends, the next command refunds
    /// what was not used. Clients that hit rarely, and those whose quota is scarce, have no leases.
    ///
    /// # Worst case
    ///
    /// Strategies that count in windows (`fixed_window`, `tiered`, `time_of_day`,
    /// `quota_with_rollover`) never admit more than without leases: a unit counts in the window in
    /// which it was leased, and is gone when that ends. For all others, no stretch of time of a
    /// length D admits more than the law admits in a stretch of D and the life of a lease. What a
    /// process has leased and does not use is refused to others, for one life at the longest. A
    /// process that crashes has used what it had leased; [`close`](Self::close) refunds it.
    ///
    /// In memory the setting has no effect, nor does it for `adaptive`,
    /// `cost_based_token_bucket`, `leaky_bucket_with_queue`, `priority` and strategies of your own,
    /// for throttles in shadow, for sets over several backends, and for reservations. On Memcached
    /// only single throttles that count in windows have leases, but not rollovers.
    ///
    /// ```
    /// use std::time::Duration;
    /// use traffik::Backend;
    ///
    /// let backend = Backend::memory().lease(Duration::from_millis(200));
    /// ```
    #[must_use]
    pub fn lease(self, life: Duration) -> Self {
        self.with_store(|store| store.with_lease(life))
    }

    /// Sets the function that identifies clients, for throttles without one of their own; default:
    /// the client's address. It takes the request's head, and may be async and fallible.
    ///
    /// ```
    /// use http::request::Parts;
    /// use traffik::{Backend, Identity};
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
        self.with_defaults(|defaults| defaults.identifier = Some(identifier.into_callback()))
    }

    /// Sets the response to refused requests, for throttles without one of their own; default: 429
    /// with a problem (RFC 9457). See [`OnThrottled`].
    #[must_use]
    pub fn on_throttled<M>(self, respond: impl OnThrottled<M>) -> Self {
        self.with_defaults(|defaults| defaults.on_throttled = Some(Responder::new(respond)))
    }

    /// Sets the options of [`lock`](Self::lock) where it is called without any; default:
    /// [`LockOptions::default`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use traffik::{Backend, LockOptions};
    ///
    /// # use tokio::runtime::Builder;
    /// # Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let options = LockOptions::default().ttl(Duration::from_secs(1));
    /// let backend = Backend::memory().lock_options(options);
    /// let report = backend.lock("report", None).await?;
    /// assert!(report.remaining() <= Duration::from_secs(1));
    /// # Ok::<(), traffik::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn lock_options(self, options: LockOptions) -> Self {
        self.with_defaults(|defaults| defaults.lock_options = Some(options))
    }

    /// Trusts proxies, besides those that are trusted already: addresses, ranges such as
    /// `10.0.0.0/8`, or the word `unix` for every peer of a Unix socket.
    ///
    /// The client's address is then read from `X-Forwarded-For`, or from the header that
    /// [`client_ip`](Self::client_ip) sets.
    ///
    /// A malformed range is remembered: every decision, and [`ready`](Self::ready), then returns
    /// [`Error::BackendConfiguration`](crate::error::Error::BackendConfiguration), which names it.
    ///
    /// ```
    /// use traffik::Backend;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let backend = Backend::memory().trusted_proxies(["10.0.0.0/8", "2001:db8::/32"]);
    /// assert!(backend.ready().await.is_ok());
    /// let error = backend.trusted_proxies(["proxy.internal"]).ready().await.unwrap_err();
    /// assert!(error.to_string().contains("`proxy.internal` is not an address"));
    /// # });
    /// ```
    #[must_use]
    pub fn trusted_proxies(self, ranges: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let client_ip = self.parts().client_ip().clone().trusted(ranges);
        self.client_ip(client_ip)
    }

    /// Sets the source of client addresses; default: the peer's address.
    ///
    /// It resolves [`Identity::ip`](crate::identity::Identity::ip) for throttles on this handle.
    /// Errors are remembered as in [`trusted_proxies`](Self::trusted_proxies).
    #[must_use]
    pub fn client_ip(self, client_ip: ClientIp) -> Self {
        self.with_defaults(|defaults| defaults.client_ip = client_ip)
    }
}
