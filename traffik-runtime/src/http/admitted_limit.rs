//! The only limit of a request that was let through, as most responses report it.

use std::fmt;
use std::time::Duration;

use crate::clock::elapsed::Since;
use crate::decision::Report;
use crate::definition::Definition;
use crate::engine::detail::DetailedDecision;
use crate::engine::fast_path::FastDecision;
use crate::engine::report::LimitStatus;
use crate::header_style::HeaderStyle;
use crate::http::headers::single::SingleLimit;
use crate::http::response_style::ResponseStyle;
use crate::rate::Rate;
use crate::store::plan::Limit;

/// The limit that has admitted a request, on a backend with the system's clock: the part of its
/// report that header fields need.
///
/// Futures hold it until there is a response. The compiler proves of each that its parts are
/// `Send`, so the throttle is behind `dyn`: that is one step instead of two hundred.
#[derive(Clone, Copy)]
pub(crate) struct AdmittedLimit {
    throttle: &'static (dyn AsRef<Definition> + Sync),
    rate: Rate,
    quota: u64,
    remaining: u64,
    next: Option<Duration>,
    decided_at: u64,
    pub(super) style: HeaderStyle,
}

impl AdmittedLimit {
    /// Returns the limit of a decision that lets a request pass; `None` if its report has more that
    /// a response needs.
    #[inline]
    pub(super) fn new(
        throttle: &'static Definition,
        fast: &FastDecision<'static>,
        style: HeaderStyle,
    ) -> Option<Self> {
        if fast.has_own_clock {
            return None;
        }
        let Limit { rate, law } = fast.limit;
        Some(Self {
            throttle,
            rate: *rate,
            quota: law.quota(*rate, &fast.decision.report()),
            remaining: fast.decision.remaining,
            next: fast.decision.next,
            decided_at: fast.now,
            style,
        })
    }

    /// Returns the only limit of a decision that admitted a request.
    pub(super) fn of_decision(detailed: &DetailedDecision, style: ResponseStyle) -> Option<Self> {
        let [limit] = &*detailed.limits else {
            return None;
        };
        let report = limit.report.filter(|_| limit.fits && !limit.listed)?;
        let decided_at = detailed.decided_at.system_time()?;
        (report.wait == Some(Duration::ZERO)).then_some(Self {
            throttle: limit.throttle,
            rate: limit.rate,
            quota: limit.quota,
            remaining: report.remaining,
            next: report.next,
            decided_at,
            style: style.headers(limit),
        })
    }

    /// Returns the limit as of now, and the current time.
    pub(super) fn now(&self) -> (SingleLimit, u64) {
        let (now, elapsed) = self.since().now();
        let limit = SingleLimit {
            throttle: self.throttle.as_ref(),
            rate: self.rate,
            quota: self.quota,
            remaining: self.remaining,
            next: self.next.map(|next| next.saturating_sub(elapsed)),
        };
        (limit, now)
    }

    /// Returns the time since the decision.
    pub(super) const fn since(&self) -> Since {
        Since::new(self.decided_at, None)
    }

    /// Returns the report on the limit.
    pub(super) fn status(&self) -> LimitStatus<&'static Definition> {
        LimitStatus {
            throttle: self.throttle.as_ref(),
            rate: self.rate,
            quota: self.quota,
            listed: false,
            fits: true,
            report: Some(Report {
                limit: self.quota,
                remaining: self.remaining,
                wait: Some(Duration::ZERO),
                next: self.next,
                ..Report::default()
            }),
        }
    }
}

impl AsRef<Definition> for Definition {
    fn as_ref(&self) -> &Definition {
        self
    }
}

impl fmt::Debug for AdmittedLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdmittedLimit")
            .field("throttle", self.throttle.as_ref())
            .field("remaining", &self.remaining)
            .finish_non_exhaustive()
    }
}
