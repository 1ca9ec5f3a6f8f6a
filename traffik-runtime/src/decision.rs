//! The [`Report`] of a strategy on a client's state, and the [`Decision`] that code acts on.

#[cfg(feature = "engine")]
use std::cmp::Ordering;
use std::time::Duration;

/// A law's report on a client's state, for a hit of some cost.
///
/// All times begin at the decision and are whole microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The limit in force: the largest number of units that could be admitted to this client at
    /// once now, had it used none. For most strategies this is the rate's limit. It is the limit of
    /// the client's tier with `tiered`, the share of its priority with `priority`, and the limit of
    /// the current window with `time_of_day`. It includes what was carried over with
    /// `quota_with_rollover`, and excludes what was cut with `adaptive`. For a bucket it is the
    /// capacity (`burst` plus `debt`), for a queue its size, and for `gcra` the number of hits of
    /// cost 1 that its tolerance admits.
    pub limit: u64,
    /// The largest cost that would be admitted now.
    pub remaining: u64,
    /// The least time after which the hit would be admitted if no other hit came; zero if now,
    /// `None` if never.
    pub wait: Option<Duration>,
    /// The time until `remaining` grows; `None` if it cannot grow.
    pub next: Option<Duration>,
    /// The time until the state equals its initial state.
    pub reset: Duration,
    /// The time that an admitted hit has to wait before it may run.
    pub delay: Duration,
}

impl Report {
    /// The report of a hit that is not limited.
    pub const UNLIMITED: Self = Self {
        limit: u64::MAX,
        remaining: u64::MAX,
        wait: Some(Duration::ZERO),
        next: Some(Duration::ZERO),
        reset: Duration::ZERO,
        delay: Duration::ZERO,
    };

    /// Combines the reports on two states of one client that both have to admit: the smaller
    /// numbers and the longer times.
    #[cfg(feature = "engine")]
    pub(crate) fn limited_to(&self, other: &Self) -> Self {
        let later = |one: Option<Duration>, two: Option<Duration>| Some(one?.max(two?));
        Self {
            limit: self.limit.min(other.limit),
            remaining: self.remaining.min(other.remaining),
            wait: later(self.wait, other.wait),
            next: match self.remaining.cmp(&other.remaining) {
                Ordering::Less => self.next,
                Ordering::Equal => later(self.next, other.next),
                Ordering::Greater => other.next,
            },
            reset: self.reset.max(other.reset),
            delay: self.delay.max(other.delay),
        }
    }
}

/// The place where a hit was decided.
///
/// ```
/// use traffik::{Backend, DynThrottle, Identity, Provenance, Rate};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let posts = DynThrottle::builder("posts").rate(Rate::per_hour(20)).backend(Backend::memory());
/// let decision = posts.build()?.hit(&Identity::new("user:7"), 1).await?;
/// assert_eq!(decision.provenance, Provenance::Memory);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Provenance {
    /// This process: the memory backend, or nothing had to be counted, as for an exempt client.
    #[default]
    Memory,
    /// A shared store, which was called for this decision.
    Store,
    /// This process, by units of the client's quota that a shared store has counted for it in
    /// advance; see [`Backend::lease`](crate::backend::Backend::lease). The store was not called.
    Lease,
    /// This process, by a state with which a shared store has refused the client just before; see
    /// [`Backend::local_refusals`](crate::backend::Backend::local_refusals). The store was not
    /// called.
    LocalRefusal,
    /// `on_error`, because the backend failed: another backend decided, or the policy itself did.
    /// In the second case [`Decision::decided`] is `false`.
    Fallback,
}

#[cfg(feature = "engine")]
impl Provenance {
    /// Combines the places where two parts of a set were decided: the one that took more.
    pub(crate) fn and(self, other: Self) -> Self {
        if self.rank() < other.rank() {
            other
        } else {
            self
        }
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Memory => 0,
            Self::Lease => 1,
            Self::LocalRefusal => 2,
            Self::Store => 3,
            Self::Fallback => 4,
        }
    }
}

/// The answer to a hit.
///
/// ```
/// use traffik::Decision;
///
/// let decision = Decision::unlimited();
/// assert!(decision.admitted);
/// assert_eq!(decision.remaining, u64::MAX);
/// ```
#[derive(Clone, Copy, Debug, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// `true` if the hit was admitted and its cost counted.
    pub admitted: bool,
    /// `true` if a law decided. If not, the backend failed and `on_error` decided: nothing was
    /// counted, and only `limit` and `wait` are meaningful.
    pub decided: bool,
    /// The place where it was decided. Of a set over several backends, the place that took more: a
    /// store before a local refusal and a lease, a fallback before all.
    pub provenance: Provenance,
    /// The limit in force: the largest number of units that could be admitted to this client at
    /// once now, had it used none. For most strategies this is the rate's limit. It is the limit of
    /// the client's tier with `tiered`, the share of its priority with `priority`, and the limit of
    /// the current window with `time_of_day`. It includes what was carried over with
    /// `quota_with_rollover`, and excludes what was cut with `adaptive`. For a bucket it is the
    /// capacity (`burst` plus `debt`), for a queue its size, and for `gcra` the number of hits of
    /// cost 1 that its tolerance admits.
    pub limit: u64,
    /// The largest cost that would be admitted now, after this decision.
    pub remaining: u64,
    /// The least time after which an equal hit would be admitted if no other hit came until then:
    /// zero if this one was admitted, `None` if it can never be.
    pub wait: Option<Duration>,
    /// The time until `remaining` grows; `None` if it cannot grow.
    pub next: Option<Duration>,
    /// The time until the client's state equals its initial state.
    pub reset: Duration,
    /// The time that an admitted hit has to wait before it may run; zero for all strategies but
    /// queues.
    pub delay: Duration,
}

/// Compares what was decided, not where: decisions that differ only in their `provenance` are
/// equal.
impl PartialEq for Decision {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            admitted,
            decided,
            provenance: _,
            limit,
            remaining,
            wait,
            next,
            reset,
            delay,
        } = *other;
        self.admitted == admitted
            && self.decided == decided
            && self.limit == limit
            && self.remaining == remaining
            && self.wait == wait
            && self.next == next
            && self.reset == reset
            && self.delay == delay
    }
}

impl Decision {
    /// Returns the decision for unlimited rates and exempt clients.
    pub const fn unlimited() -> Self {
        Self::new(true, Report::UNLIMITED)
    }

    /// Makes a decision of a law's report, in this process.
    pub const fn new(admitted: bool, report: Report) -> Self {
        Self {
            admitted,
            decided: true,
            provenance: Provenance::Memory,
            limit: report.limit,
            remaining: report.remaining,
            wait: if admitted {
                Some(Duration::ZERO)
            } else {
                report.wait
            },
            next: report.next,
            reset: report.reset,
            delay: report.delay,
        }
    }

    /// Returns the report of the law that decided.
    #[cfg(feature = "engine")]
    pub(crate) const fn report(&self) -> Report {
        Report {
            limit: self.limit,
            remaining: self.remaining,
            wait: self.wait,
            next: self.next,
            reset: self.reset,
            delay: self.delay,
        }
    }

    /// Reports whether the hit was refused and can never be admitted, since its cost is above
    /// everything that the law admits.
    pub const fn never(&self) -> bool {
        self.wait.is_none()
    }
}
