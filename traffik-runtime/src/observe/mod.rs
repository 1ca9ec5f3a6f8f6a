//! Log lines and metrics of decisions and backends, in one place.
//!
//! Log events have the target `traffik`. The metrics need the feature `metrics`. Their label
//! `throttle` is the uid, or the label of a throttle built at run time:
//!
//! | name | labels | counts |
//! |---|---|---|
//! | `traffik_decisions_total` | `throttle`, `outcome` | decisions: `admitted`, `refused`; in shadow `shadowed`; without a law `allowed`, `throttled`, `raised` |
//! | `traffik_backend_errors_total` | `backend`, `kind` | failures of a backend, each attempt by itself |
//! | `traffik_retries_total` | `throttle`, `backend` | attempts after the first |
//! | `traffik_fallbacks_total` | `throttle`, `backend` | decisions that another backend made |
//! | `traffik_given_back_total` | | parts of a set that were refunded, because another part stopped the set |
//! | `traffik_refunds_failed_total` | `backend` | refunds that failed: the units stay counted until they expire |
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

/// The outcome of a hit on one throttle.
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
    /// The backend failed, and `on_error` returned the error.
    Raised,
    /// The law refused it, but the throttle is in shadow: it was admitted.
    Shadowed,
}

impl Outcome {
    /// All outcomes, in the order of their numbers.
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

/// The counters with their descriptions.
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

/// The counters of one throttle, one for each outcome. Looking a counter up allocates, so that is
/// done once, with the recorder of the first decision.
#[cfg(feature = "metrics")]
pub(crate) struct Counters {
    outcomes: OnceLock<[metrics::Counter; 6]>,
}

#[cfg(feature = "metrics")]
impl Counters {
    pub(crate) const fn new() -> Self {
        Self {
            outcomes: OnceLock::new(),
        }
    }

    /// Counts a decision under a label.
    pub(crate) fn count(&self, label: &str, outcome: Outcome) {
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

/// Returns `true` if decisions of this outcome are logged.
#[inline(always)]
pub(crate) fn is_logged(outcome: Outcome) -> bool {
    #[cfg(feature = "tracing")]
    return LevelFilter::current() >= outcome.level();
    #[cfg(not(feature = "tracing"))]
    {
        let _ = outcome;
        false
    }
}

/// Logs a decision on one throttle. The client is resolved only if a line is logged.
pub(crate) fn decided<C: Display>(uid: &str, outcome: Outcome, client: impl Fn() -> C) {
    #[cfg(feature = "tracing")]
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
    let _ = (uid, outcome, client);
}

/// Logs a request that could not be decided and was answered with an error.
pub(crate) fn undecided(error: &Error) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: "traffik", kind = ?error.kind(), "{error}");
    let _ = error;
}

/// Logs a request that a callback answered, with a response as its error.
pub(crate) fn answered(error: &Error) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "traffik", kind = ?error.kind(), "{error}");
    let _ = error;
}

/// Records a failure of a backend.
pub(crate) fn backend_failed(backend: &'static str, error: &Error) {
    #[cfg(feature = "tracing")]
    if error.is_open_circuit() {
        // A line was logged when the breaker opened.
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

/// Records a retry.
pub(crate) fn retried(uid: &str, label: &str, backend: &'static str) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "traffik", throttle = uid, backend, "retrying");
    #[cfg(feature = "metrics")]
    {
        describe();
        metrics::counter!("traffik_retries_total", "throttle" => label.to_owned(), "backend" => backend)
            .increment(1);
    }
    let _ = (uid, label, backend);
}

/// Records a decision of a fallback.
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

/// Records a change of a breaker, if there is one.
pub(crate) fn breaker_changed(backend: &'static str, change: Option<(BreakerState, BreakerState)>) {
    let Some((from, to)) = change else { return };
    #[cfg(feature = "tracing")]
    match to {
        BreakerState::Open => {
            tracing::warn!(target: "traffik", backend, from = from.word(), "breaker open: the backend is not called");
        }
        BreakerState::HalfOpen => {
            tracing::info!(target: "traffik", backend, from = from.word(), "breaker half-open: the backend is probed");
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

/// Logs a connection to a backend that was lost or could not be made.
#[cfg(any(feature = "memcached", feature = "redis"))]
pub(crate) fn disconnected(backend: &'static str, error: &dyn std::error::Error) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: "traffik", backend, "no connection: {error}");
    #[cfg(not(feature = "tracing"))]
    let _ = (backend, error);
}

/// Logs a connection to a backend that was made.
#[cfg(any(feature = "memcached", feature = "redis"))]
pub(crate) fn connected(backend: &'static str) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "traffik", backend, "connected");
    #[cfg(not(feature = "tracing"))]
    let _ = backend;
}

/// Logs a warning about a throttle that was built.
pub(crate) fn doubtful(uid: &str, warning: &str, message: &str) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: "traffik", uid, warning, "throttle `{uid}` is doubtful: {message}");
    #[cfg(not(feature = "tracing"))]
    let _ = (uid, warning, message);
}

/// Records the result of a refund of one part of a set, since another part stopped the set.
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

/// Records a refund or another settlement that failed. The units stay counted until they expire.
pub(crate) fn not_refunded(backend: &'static str, why: &dyn Display) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        target: "traffik",
        backend,
        "units could not be refunded, so they stay counted until they expire: {why}"
    );
    #[cfg(feature = "metrics")]
    {
        describe();
        metrics::counter!("traffik_refunds_failed_total", "backend" => backend).increment(1);
    }
    let _ = (backend, why);
}

/// Logs pending rates that do not fit the throttle that was registered.
pub(crate) fn pending_rates_refused(uid: &str, error: &Error) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: "traffik", uid, "pending rates are not applied: {error}");
    #[cfg(not(feature = "tracing"))]
    let _ = (uid, error);
}

/// Logs an override that does not fit the throttle that was registered.
#[cfg(feature = "overrides")]
pub(crate) fn override_refused(uid: &str, error: &Error) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: "traffik", uid, "override ignored: {error}");
    #[cfg(not(feature = "tracing"))]
    let _ = (uid, error);
}
