//! [Choosing a strategy]: guide::strategies
//! [The laws]: guide::laws
//! [CONTRIBUTING.md]: https://docs.rs/crate/traffik/latest/source/CONTRIBUTING.md
#![cfg_attr(
    feature = "overrides",
    doc = "[while the service runs]: guide::operating"
)]
// The first definition of a link wins, so the links above replace the README's links to docs.rs.
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub mod guide;

pub use traffik_macros::{throttled, throttles};
#[cfg(feature = "memcached")]
pub use traffik_runtime::backend::MemcachedBackend;
#[cfg(feature = "redis")]
pub use traffik_runtime::backend::RedisBackend;
pub use traffik_runtime::backend::{
    Backend, LockGuard, LockOptions, MemoryBackend, redlock, set_default_backend,
    set_default_blocking, set_default_blocking_timeout, set_default_lock_ttl,
};
pub use traffik_runtime::callback::{Identifier, OnThrottled};
pub use traffik_runtime::client_ip::{
    ClientIp, ForwardingError, ForwardingHeader, PeerAddr, TrustedRange,
};
pub use traffik_runtime::clock::{Clock, ManualClock, SystemClock};
pub use traffik_runtime::decision::{Decision, Provenance, Report};
pub use traffik_runtime::definition::registry::{Registry, registry};
pub use traffik_runtime::error::{Error, ErrorKind};
pub use traffik_runtime::header_style::HeaderStyle;
#[cfg(feature = "utoipa")]
pub use traffik_runtime::http::openapi;
pub use traffik_runtime::http::{
    HeaderOptions, HeaderSyntax, LegacyReset, Limiter, ThrottleLayer, Throttled, filter, provide,
    set_header_options,
};
pub use traffik_runtime::identity::{Identity, Priority};
pub use traffik_runtime::on_error::{Failure, OnError, Verdict};
pub use traffik_runtime::rate::{self, Rate, RateError};
pub use traffik_runtime::rejection::Rejection;
pub use traffik_runtime::resilience::CircuitBreaker;
#[cfg(feature = "memcached")]
pub use traffik_runtime::store::MemcachedNodes;
pub use traffik_runtime::store::Store;
#[cfg(any(feature = "memcached", feature = "redis"))]
pub use traffik_runtime::store::Tls;
pub use traffik_runtime::throttle::{
    Deadline, DynThrottle, DynThrottleBuilder, Quota, Reservation, Stat, Throttle,
};
#[cfg(feature = "ws")]
pub use traffik_runtime::ws::{self, WsPolicy};

/// Policies for hits that a backend fails to decide: values for `on_error`.
///
/// [`allow`](failure::allow), [`throttle`](failure::throttle) and [`raise`](failure::raise) decide
/// at once, and so does a function of your own, from a [`Failure`] to a [`Verdict`].
/// [`retry`](failure::retry) calls the backend again, [`fallback`](failure::fallback) calls another
/// one, and [`failover`](failure::failover) does both behind a [`CircuitBreaker`]. If they get no
/// decision, the policy behind them ([`Retry::then`](failure::Retry::then)) applies; by default
/// that is `throttle`.
///
/// ```
/// use std::time::Duration;
/// use traffik::{Backend, Failure, Verdict};
/// use traffik::failure::{allow, failover, fallback, retry};
///
/// async fn last_resort(failure: &Failure<'_>) -> Verdict {
///     eprintln!("{} cannot be decided: {}", failure.uid, failure.error);
///     Verdict::Throttle(Duration::from_secs(5))
/// }
///
/// let local = fallback(Backend::memory()).instances(4);
/// let primary = Backend::memory().on_error(retry(2).then(local.then(last_resort)));
/// let careless = primary.clone().on_error(allow());
/// let careful = primary.clone().on_error(failover(Backend::memory()));
/// ```
pub mod failure {
    pub use traffik_runtime::backend::{failover, fallback};
    pub use traffik_runtime::on_error::{
        Failover, Failure, Fallback, Handler, OnError, Policy, Retry, Verdict, allow, custom,
        raise, retry, throttle, throttle_for,
    };
    pub use traffik_runtime::resilience::{
        Backoff, BreakerState, CircuitBreaker, Jitter, Permit, SharedBreaker,
    };
}

/// Types that the [`registry()`] takes and returns.
pub mod registry {
    pub use traffik_runtime::definition::registry::{
        Applied, Entry, Event, Listener, Outcome, Pending, Rates, ResolvedClient,
    };
}

/// The strategies as values, and the [`Strategy`](strategy::Strategy) trait for your own.
pub mod strategy {
    pub use traffik_runtime::strategy::{
        Adaptive, AdaptiveMetadata, CostBasedTokenBucket, CostBasedTokenBucketMetadata, Factor,
        FactorError, FixedWindow, FixedWindowMetadata, Gcra, GcraMetadata, Hit, LeakyBucket,
        LeakyBucketMetadata, LeakyBucketWithQueue, LeakyBucketWithQueueMetadata, Metadata,
        Priority, PriorityMetadata, QuotaWithRollover, QuotaWithRolloverMetadata, SlidingCounter,
        SlidingCounterMetadata, SlidingLog, SlidingLogMetadata, Strategy, StrategyError, Tiered,
        TieredMetadata, TimeOfDay, TimeOfDayMetadata, TokenBucket, TokenBucketMetadata, Who,
        catalog,
    };
}

/// A manual clock, a store that fails on command, and the conformance suite for stores.
#[cfg(feature = "test-util")]
pub mod testing {
    pub use traffik_runtime::clock::ManualClock;
    pub use traffik_runtime::testing::{Fault, FlakyStore, conformance};

    #[doc(hidden)]
    pub use traffik_runtime::simulation;
}
