//! The header fields of a decision on any limits.

use std::borrow::Cow;
use std::time::Duration;

use http::HeaderMap;

use crate::clock::elapsed::Since;
use crate::decision::Report;
use crate::definition::Definition;
use crate::engine::detail::DetailedDecision;
use crate::engine::report::{LimitStatus, binding};
use crate::header_style::HeaderStyle;
use crate::http::admitted_limit::AdmittedLimit;
use crate::http::headers::names::{names, quotable};
use crate::http::headers::single::SingleLimit;
use crate::http::headers::writer::Writer;
use crate::http::response_style::ResponseStyle;
use crate::inline_vec::InlineVec1;
use crate::resilience::backoff::draw;

/// The reports on all limits of a decision, and what it takes to write them.
#[derive(Debug, Clone)]
pub(crate) struct Fields {
    pub(super) limits: InlineVec1<LimitStatus<&'static Definition>>,
    decided_at: Since,
    pub(super) style: ResponseStyle,
    /// The random part of the wait that a refused client is told, drawn once.
    spread: Duration,
}

/// The limits of a decision, each with the style of its fields.
type StyledLimits = InlineVec1<(HeaderStyle, LimitStatus<&'static str>)>;

impl Fields {
    pub(crate) fn new(detailed: DetailedDecision, style: ResponseStyle) -> Self {
        let DetailedDecision {
            decision,
            limits,
            decided_at,
        } = detailed;
        let spread = if decision.admitted || decision.wait.is_none() {
            Duration::ZERO
        } else {
            draw(style.spread(&limits))
        };
        Self {
            limits,
            decided_at,
            style,
            spread,
        }
    }

    /// Writes all header fields, and returns the time that has passed since the decision.
    pub(super) fn write(&self, headers: &mut HeaderMap) -> Duration {
        let (now, elapsed) = self.decided_at.now();
        if !self.write_single(headers, now, elapsed) {
            let (writer, limits) = self.writer_at(now, elapsed);
            writer.write(headers, &limits);
        }
        elapsed
    }

    /// Writes all header fields of a single limit that a law has decided, if that is all.
    fn write_single(&self, headers: &mut HeaderMap, now: u64, elapsed: Duration) -> bool {
        let [limit] = &*self.limits else { return false };
        let Some(report) = limit.report.filter(|_| !limit.listed) else {
            return false;
        };
        let single = SingleLimit {
            throttle: limit.throttle,
            rate: limit.rate,
            quota: limit.quota,
            remaining: report.remaining,
            next: self.next(limit, &report, elapsed),
        };
        let style = self.style.headers(limit);
        Writer::new(now).write_single(headers, &single, style)
    }

    /// Returns the names of the policies that would not have admitted the request.
    pub(crate) fn violated(&self) -> InlineVec1<Cow<'static, str>> {
        if let [limit] = &*self.limits
            && !limit.listed
        {
            let name = (!limit.fits).then(|| quotable(limit.throttle.policy()));
            return name.into_iter().collect();
        }
        let limits: InlineVec1<_> = self.limits.iter().map(with_name).collect();
        let names = names(limits.iter(), "").into_iter().zip(&limits);
        let violated = names.filter(|(_, limit)| !limit.fits);
        violated.map(|(name, _)| name).collect()
    }

    /// Returns the throttle that refused the request: of several, the one with the longest wait.
    pub(crate) fn refused_by(&self) -> Option<&'static Definition> {
        refused_by(&self.limits)
    }

    /// Returns the wait that a refused client is told, from the wait that was decided: at least
    /// `min_wait`, and the random part of `spread` more.
    pub(crate) fn wait(&self, decided: Duration) -> Duration {
        let wait = decided.max(self.min_wait());
        wait.saturating_add(self.spread)
    }

    /// Returns the longest `min_wait` of the throttles that would not have admitted the request.
    fn min_wait(&self) -> Duration {
        let waits = self.limits.iter().filter_map(min_wait);
        waits.max().unwrap_or_default()
    }

    /// Returns the time until more remains that a client is told now. Times count from the moment
    /// of the response.
    fn next(
        &self,
        limit: &LimitStatus<&'static Definition>,
        report: &Report,
        elapsed: Duration,
    ) -> Option<Duration> {
        let least = min_wait(limit).unwrap_or_default();
        let spread = if limit.fits {
            Duration::ZERO
        } else {
            self.spread
        };
        report.next.map(|next| {
            let left = next.saturating_sub(elapsed).max(least);
            left.saturating_add(spread)
        })
    }

    /// Returns the styles of the limits' fields.
    pub(super) fn styles(&self) -> impl Iterator<Item = HeaderStyle> {
        self.limits.iter().map(|limit| self.style.headers(limit))
    }

    /// Returns the writer of the fields as of now, and the reports with the styles of their fields.
    pub(super) fn writer(&self) -> (Writer, StyledLimits) {
        let (now, elapsed) = self.decided_at.now();
        self.writer_at(now, elapsed)
    }

    fn writer_at(&self, now: u64, elapsed: Duration) -> (Writer, StyledLimits) {
        let limits = self.limits.iter().map(|limit| {
            let mut named = with_name(limit);
            if let Some(report) = &mut named.report {
                report.next = self.next(limit, report, elapsed);
            }
            (self.style.headers(limit), named)
        });
        (Writer::new(now), limits.collect())
    }
}

impl From<AdmittedLimit> for Fields {
    fn from(limit: AdmittedLimit) -> Self {
        Self {
            limits: InlineVec1::from_buf([limit.status()]),
            decided_at: limit.since(),
            style: ResponseStyle {
                headers: Some(limit.style),
                ..ResponseStyle::default()
            },
            spread: Duration::ZERO,
        }
    }
}

/// Returns the throttle that refused a request with these limits.
pub(super) fn refused_by(
    limits: &[LimitStatus<&'static Definition>],
) -> Option<&'static Definition> {
    let violated = || limits.iter().filter(|it| !it.fits);
    let reports = violated().filter_map(|it| it.report.as_ref());
    let binds = binding(reports).unwrap_or_default();
    violated().nth(binds).map(|it| it.throttle)
}

fn min_wait(limit: &LimitStatus<&'static Definition>) -> Option<Duration> {
    let wait = limit.throttle.settings.min_wait;
    wait.filter(|_| !limit.fits)
}

fn with_name(limit: &LimitStatus<&'static Definition>) -> LimitStatus<&'static str> {
    limit.map_throttle(|throttle| &**throttle.policy())
}
