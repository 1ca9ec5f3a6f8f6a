//! What a law said: the [`Report`] a strategy gives, and the [`Decision`] code acts on.

#[cfg(feature = "engine")]
use std::cmp::Ordering;
use std::time::Duration;

/// What a law says about a client's state, for a hit of some cost.
///
/// All times count from the moment of the decision and are whole microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The most units that can be admitted at once as things are for this client now, were none of them taken: the limit in
    /// force. For most strategies that is the rate's limit; with `tiered` that of the client's tier, with `priority` the
    /// share of its priority, with `time_of_day` the limit of this window; with `quota_with_rollover` what was carried over
    /// is in it, and with `adaptive` what was cut is not. A bucket has its capacity (`burst` and `debt` together), a queue
    /// its size, and `gcra` the number of single hits that its tolerance lets through.
    pub limit: u64,
    /// The largest cost that would be admitted now.
    pub remaining: u64,
    /// The least time after which the hit would be admitted if nothing else were; zero if now, `None` if never.
    pub wait: Option<Duration>,
    /// The time until `remaining` grows; `None` if it cannot grow any more.
    pub next: Option<Duration>,
    /// The time until the state equals its initial state.
    pub reset: Duration,
    /// How long an admitted hit has to be held back before it may run.
    pub delay: Duration,
}

impl Report {
    /// What is said of that which has no limit.
    pub const UNLIMITED: Self = Self {
        limit: u64::MAX,
        remaining: u64::MAX,
        wait: Some(Duration::ZERO),
        next: Some(Duration::ZERO),
        reset: Duration::ZERO,
        delay: Duration::ZERO,
    };

    /// The report on two states of one client which both have to admit: the smaller numbers and the longer times.
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

/// The answer to a hit.
///
/// ```
/// use traffik::Decision;
///
/// let decision = Decision::unlimited();
/// assert!(decision.admitted);
/// assert_eq!(decision.remaining, u64::MAX);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// Whether the hit was admitted, and its cost taken.
    pub admitted: bool,
    /// Whether a law has decided. If not, the backend failed and `on_error` said what to do: nothing was counted, and of
    /// the numbers only `limit` and `wait` mean anything.
    pub decided: bool,
    /// The most units that can be admitted at once as things are for this client now, were none of them taken: the limit in
    /// force. For most strategies that is the rate's limit; with `tiered` that of the client's tier, with `priority` the
    /// share of its priority, with `time_of_day` the limit of this window; with `quota_with_rollover` what was carried over
    /// is in it, and with `adaptive` what was cut is not. A bucket has its capacity (`burst` and `debt` together), a queue
    /// its size, and `gcra` the number of single hits that its tolerance lets through.
    pub limit: u64,
    /// The largest cost that would be admitted now, after this decision.
    pub remaining: u64,
    /// The least time after which the same hit would be admitted if nothing else were until then: zero if it was
    /// admitted, `None` if it never can be.
    pub wait: Option<Duration>,
    /// The time until `remaining` grows; `None` if it cannot grow any more.
    pub next: Option<Duration>,
    /// The time until the client's state equals its initial state.
    pub reset: Duration,
    /// How long an admitted hit has to be held back before it may run; zero for all but queues.
    pub delay: Duration,
}

impl Decision {
    /// The decision of what has no limit: unlimited rates and exempt clients.
    pub const fn unlimited() -> Self {
        Self::new(true, Report::UNLIMITED)
    }

    /// The decision that a law's report stands for.
    pub const fn new(admitted: bool, report: Report) -> Self {
        Self {
            admitted,
            decided: true,
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

    /// Whether the hit was refused and can never be admitted: its cost is more than the law ever lets through.
    pub const fn never(&self) -> bool {
        self.wait.is_none()
    }
}
