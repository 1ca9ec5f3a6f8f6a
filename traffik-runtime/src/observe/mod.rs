//! What is reported to the application's log and to its metrics, in one place.
//!
//! Events have the target `traffik`. Metrics, with the feature `metrics`; the label `throttle` is the uid, or the label of a
//! throttle built at run time:
//!
//! | name | labels | counts |
//! |---|---|---|
//! | `traffik_decisions_total` | `throttle`, `outcome` | decisions: `admitted`, `refused`; in shadow `shadowed`; without a law `allowed`, `throttled`, `raised` |
//! | `traffik_backend_errors_total` | `backend`, `kind` | failures of a backend, each attempt by itself |
//! | `traffik_retries_total` | `throttle`, `backend` | attempts after the first |
//! | `traffik_fallbacks_total` | `throttle`, `backend` | decisions that another backend made |
//! | `traffik_given_back_total` | | parts of a set that were refunded, because another part stopped the set |
//! | `traffik_refunds_failed_total` | `backend` | refunds that could not be made: the units stay taken until they expire |
//! | `traffik_breaker_changes_total` | `backend`, `to` | changes of a breaker: to `open`, `half_open`, `closed` |

use std::fmt::Display;
#[cfg(feature = "metrics")]
use std::sync::Once;
#[cfg(feature = "metrics")]
use std::sync::OnceLock;

#[cfg(feature = "tracing")]
use tracing::Level;
#[cfg(feature = "tracing")]
use tracing::level_filters::LevelFilter;

use crate::error::Error;
use crate::resilience::circuit::BreakerState;

/// What became of a hit on one throttle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The law admitted it.
    Admitted,
    /// The law refused it.
    Refused,
    /// The backend failed, and `on_error` admitted it: nothing was counted.
    Allowed,
    /// The backend failed, and `on_error` refused it.
    Throttled,
    /// The backend failed, and the answer was an error.
    Raised,
    /// Would have been refused, but for the throttle being in shadow.
    Shadowed,
}

impl Outcome {
    /// In the order of their numbers.
    #[cfg(feature = "metrics")]
    const ALL: [Self; 6] = [
        Self::Admitted,
        Self::Refused,
        Self::Allowed,
        Self::Throttled,
        Self::Raised,
        Self::Shadowed,
    ];

    pub(crate) const fn of(admitted: bool) -> Self {
        if admitted {
            Self::Admitted
        } else {
            Self::Refused
        }
    }

    #[cfg(feature = "tracing")]
    const fn level(self) -> Level {
        match self {
            Self::Shadowed => Level::INFO,
            Self::Refused | Self::Throttled => Level::DEBUG,
            Self::Admitted | Self::Allowed | Self::Raised => Level::TRACE,
        }
    }

    #[cfg(any(feature = "tracing", feature = "metrics"))]
    const fn word(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Refused => "refused",
            Self::Allowed => "allowed",
            Self::Throttled => "throttled",
            Self::Raised => "raised",
            Self::Shadowed => "shadowed",
        }
    }
}

/// Each counter, and what its unit counts.
#[cfg(feature = "metrics")]
const DESCRIPTIONS: [(&str, &str); 7] = [
    (
        "traffik_decisions_total",
        "Decisions on one throttle, by outcome: admitted, refused, shadowed, allowed, throttled, raised",
    ),
    (
        "traffik_backend_errors_total",
        "Failures of a backend, each attempt by itself",
    ),
    (
        "traffik_retries_total",
        "Attempts of a decision after the first",
    ),
    (
        "traffik_fallbacks_total",
        "Decisions that another backend made, admissions and refusals",
    ),
    (
        "traffik_given_back_total",
        "Parts of a set that were refunded because another part stopped the set",
    ),
    (
        "traffik_refunds_failed_total",
        "Refunds that could not be made, so that the units stay taken until they expire",
    ),
    (
        "traffik_breaker_changes_total",
        "Changes of a circuit breaker to open, half_open or closed",
    ),
];

/// Describes all counters to the recorder, once.
#[cfg(feature = "metrics")]
fn describe() {
    static DESCRIBED: Once = Once::new();
    DESCRIBED.call_once(|| {
        for (name, description) in DESCRIPTIONS {
            metrics::describe_counter!(name, metrics::Unit::Count, description);
        }
    });
}

/// The counters of one throttle, one for each outcome. To find a counter allocates, so that is done once, with the
/// recorder that is there at the first decision.
pub(crate) struct Counters {
    #[cfg(feature = "metrics")]
    outcomes: OnceLock<[metrics::Counter; 6]>,
}

impl Counters {
    pub(crate) const fn new() -> Self {
        Self {
            #[cfg(feature = "metrics")]
            outcomes: OnceLock::new(),
        }
    }

    #[cfg(feature = "metrics")]
    fn count(&self, label: &str, outcome: Outcome) {
        let register = |outcome: Outcome| {
            let label = label.to_owned();
            metrics::counter!("traffik_decisions_total", "throttle" => label, "outcome" => outcome.word())
        };
        let outcomes = self.outcomes.get_or_init(|| {
            describe();
            Outcome::ALL.map(register)
        });
        outcomes[outcome as usize].increment(1);
    }
}

/// A decision on one throttle, which metrics know by its label, for this client, which is resolved only where a line is logged.
#[inline]
pub(crate) fn decided<C: Display>(
    uid: &str,
    label: &str,
    counters: &Counters,
    outcome: Outcome,
    client: impl Fn() -> C,
) {
    #[cfg(feature = "tracing")]
    if LevelFilter::current() >= outcome.level() {
        log(uid, outcome, client);
    }
    #[cfg(feature = "metrics")]
    counters.count(label, outcome);
    #[cfg(not(feature = "tracing"))]
    let _ = client;
    let _ = (uid, label, counters, outcome);
}

/// Kept out of the way of those who log nothing.
#[cfg(feature = "tracing")]
#[cold]
fn log<C: Display>(uid: &str, outcome: Outcome, client: impl Fn() -> C) {
    match outcome {
        Outcome::Shadowed => {
            tracing::info!(target: "traffik", throttle = uid, client = %client(), "in shadow: would have been refused");
        }
        Outcome::Refused | Outcome::Throttled => {
            tracing::debug!(target: "traffik", throttle = uid, client = %client(), outcome = outcome.word(), "refused");
        }
        Outcome::Admitted | Outcome::Allowed | Outcome::Raised => {
            tracing::trace!(target: "traffik", throttle = uid, client = %client(), outcome = outcome.word(), "decided");
        }
    }
}

/// A request that could not be decided, and was answered with an error.
pub(crate) fn undecided(error: &Error) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: "traffik", kind = ?error.kind(), "{error}");
    let _ = error;
}

/// A request that a function of the application's answered itself, with a response as its error.
pub(crate) fn answered(error: &Error) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "traffik", kind = ?error.kind(), "{error}");
    let _ = error;
}

/// A backend that was asked and has failed.
pub(crate) fn backend_failed(backend: &'static str, error: &Error) {
    #[cfg(feature = "tracing")]
    if error.is_open_circuit() {
        // The breaker has said so when it opened.
        tracing::trace!(target: "traffik", backend, "{error}");
    } else {
        tracing::debug!(target: "traffik", backend, kind = ?error.kind(), "{error}");
    }
    #[cfg(feature = "metrics")]
    if !error.is_open_circuit() {
        describe();
        metrics::counter!("traffik_backend_errors_total", "backend" => backend, "kind" => error.kind().word())
            .increment(1);
    }
    let _ = (backend, error);
}

/// A backend that is asked again.
pub(crate) fn retried(uid: &str, label: &str, backend: &'static str) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "traffik", throttle = uid, backend, "asking again");
    #[cfg(feature = "metrics")]
    {
        describe();
        metrics::counter!("traffik_retries_total", "throttle" => label.to_owned(), "backend" => backend)
            .increment(1);
    }
    let _ = (uid, label, backend);
}

/// A decision that another backend has made.
pub(crate) fn fell_back(uid: &str, label: &str, backend: &'static str) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "traffik", throttle = uid, backend, "decided by the fallback");
    #[cfg(feature = "metrics")]
    {
        describe();
        metrics::counter!("traffik_fallbacks_total", "throttle" => label.to_owned(), "backend" => backend)
            .increment(1);
    }
    let _ = (uid, label, backend);
}

/// A breaker that has changed, if it has: from one state to another.
pub(crate) fn breaker_changed(backend: &'static str, change: Option<(BreakerState, BreakerState)>) {
    let Some((from, to)) = change else { return };
    #[cfg(feature = "tracing")]
    match to {
        BreakerState::Open => {
            tracing::warn!(target: "traffik", backend, from = from.word(), "breaker open: the backend is left alone");
        }
        BreakerState::HalfOpen => {
            tracing::info!(target: "traffik", backend, from = from.word(), "breaker half-open: the backend is tried");
        }
        BreakerState::Closed => {
            tracing::info!(target: "traffik", backend, from = from.word(), "breaker closed: the backend is used again");
        }
    }
    #[cfg(feature = "metrics")]
    {
        describe();
        metrics::counter!("traffik_breaker_changes_total", "backend" => backend, "to" => to.word())
            .increment(1);
    }
    let _ = (backend, from, to);
}

/// A connection to a backend that is gone, or could not be made.
#[cfg(any(feature = "memcached", feature = "redis"))]
pub(crate) fn disconnected(backend: &'static str, error: &dyn std::error::Error) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: "traffik", backend, "no connection: {error}");
    #[cfg(not(feature = "tracing"))]
    let _ = (backend, error);
}

/// A connection to a backend that is there, or there again.
#[cfg(any(feature = "memcached", feature = "redis"))]
pub(crate) fn connected(backend: &'static str) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "traffik", backend, "connected");
    #[cfg(not(feature = "tracing"))]
    let _ = backend;
}

/// A throttle that was built, but was hardly meant like that.
pub(crate) fn doubtful(uid: &str, warning: &str, message: &str) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: "traffik", uid, warning, "throttle `{uid}` is doubtful: {message}");
    #[cfg(not(feature = "tracing"))]
    let _ = (uid, warning, message);
}

/// The outcome of a refund: what one part of a set took, because another part stopped the set.
pub(crate) fn refunded(backend: &'static str, refunded: Result<(), Error>) {
    match refunded {
        Ok(()) => {
            #[cfg(feature = "tracing")]
            tracing::debug!(target: "traffik", backend, "refunded: another part of the set stopped it");
            #[cfg(feature = "metrics")]
            {
                describe();
                metrics::counter!("traffik_given_back_total").increment(1);
            }
        }
        Err(error) => not_refunded(backend, &error),
    }
}

/// A refund, or another settlement, that could not be made. What was taken stays taken until it expires.
pub(crate) fn not_refunded(backend: &'static str, why: &dyn Display) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        target: "traffik",
        backend,
        "units could not be given back, so they stay taken until they expire: {why}"
    );
    #[cfg(feature = "metrics")]
    {
        describe();
        metrics::counter!("traffik_refunds_failed_total", "backend" => backend).increment(1);
    }
    let _ = (backend, why);
}

/// Rates that waited for a throttle to be registered, which it cannot have.
pub(crate) fn pending_rates_refused(uid: &str, error: &Error) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: "traffik", uid, "pending rates are not applied: {error}");
    #[cfg(not(feature = "tracing"))]
    let _ = (uid, error);
}

/// What a file of overrides says of a throttle that was used now, and cannot be.
#[cfg(feature = "overrides")]
pub(crate) fn override_refused(uid: &str, error: &Error) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: "traffik", uid, "the file of overrides is not heeded: {error}");
    #[cfg(not(feature = "tracing"))]
    let _ = (uid, error);
}
