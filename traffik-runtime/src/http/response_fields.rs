//! The header fields of one decision.

use std::time::Duration;

use http::HeaderMap;

use crate::callback::on_throttled::Responder;
use crate::clock::elapsed::Since;
use crate::definition::Definition;
use crate::engine::detail::DetailedDecision;
use crate::engine::report::{LimitStatus, binding};
use crate::header_style::HeaderStyle;
use crate::http::headers::names::names;
use crate::http::headers::options::HeaderOptions;
use crate::http::headers::writer::Writer;
use crate::inline_vec::InlineVec1;
use crate::resilience::backoff::draw;

/// The header fields of a decision; none if the request is admitted and no throttle sends any.
///
/// They are on the heap, because they are moved many times between the decision and the response.
#[derive(Debug, Clone)]
pub(crate) struct ResponseFields(Option<Box<Fields>>);

/// The reports on all limits of a decision, and what it takes to write them.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    limits: InlineVec1<LimitStatus<&'static Definition>>,
    decided_at: Since,
    style: ResponseStyle,
    /// The random part of the wait that a refused client is told, drawn once.
    spread: Duration,
}

/// The options of one handler that replace those of its throttles.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ResponseStyle {
    /// The style of the header fields.
    pub(super) headers: Option<HeaderStyle>,
    /// The response to refused requests.
    pub(super) responder: Option<fn() -> Responder>,
    /// The maximum of the random part of the wait.
    pub(super) spread: Option<Duration>,
}

/// The limits of a decision, each with the style of its fields.
type StyledLimits = InlineVec1<(HeaderStyle, LimitStatus<&'static str>)>;

impl ResponseFields {
    /// Creates the fields of a decision.
    pub(crate) fn new(detailed: DetailedDecision, style: ResponseStyle) -> Self {
        let DetailedDecision {
            decision,
            limits,
            decided_at,
        } = detailed;
        let mut styles = limits.iter().map(|limit| style.headers(limit));
        if decision.admitted && styles.all(|style| style == HeaderStyle::None) {
            return Self(None);
        }
        let spread = if decision.admitted || decision.wait.is_none() {
            Duration::ZERO
        } else {
            draw(style.spread(&limits))
        };
        Self(Some(Box::new(Fields {
            limits,
            decided_at,
            style,
            spread,
        })))
    }

    /// Returns the fields on the heap, if there are any.
    pub(super) fn into_inner(self) -> Option<Box<Fields>> {
        self.0
    }

    pub(super) const fn from_inner(fields: Box<Fields>) -> Self {
        Self(Some(fields))
    }

    /// Returns the handler's own response to refused requests.
    pub(crate) fn responder(&self) -> Option<Responder> {
        let fields = self.0.as_ref()?;
        fields.style.responder.map(|responder| responder())
    }

    /// Returns `true` if there are no fields to write.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns `true` if there are fields that have room for one policy.
    pub(crate) fn has_singles(&self) -> bool {
        let Some(fields) = &self.0 else { return false };
        let mut styles = fields.limits.iter().map(|it| fields.style.headers(it));
        styles.any(|style| HeaderOptions::chosen().sends_singles(style))
    }

    /// Writes all header fields.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if let Some((writer, limits)) = self.writer() {
            writer.write(headers, &limits);
        }
    }

    /// Writes the header fields that are lists.
    pub(crate) fn write_lists(&self, headers: &mut HeaderMap) {
        if let Some((writer, limits)) = self.writer() {
            writer.write_lists(headers, &limits);
        }
    }

    /// Writes the header fields that have room for one policy, for several decisions on one
    /// request.
    pub(crate) fn write_singles(decisions: &[Self], headers: &mut HeaderMap) {
        let decisions: InlineVec1<_> = decisions.iter().filter_map(Self::writer).collect();
        Writer::write_singles_of_all(&decisions, headers);
    }

    /// Returns the names of the policies that would not have admitted the request.
    pub(crate) fn violated(&self) -> InlineVec1<String> {
        let limits: InlineVec1<_> = self.limits().iter().map(with_name).collect();
        let names = names(limits.iter(), "").into_iter().zip(&limits);
        names
            .filter(|(_, limit)| !limit.fits)
            .map(|(name, _)| name.into_owned())
            .collect()
    }

    /// Returns the throttle that refused the request: of several, the one with the longest wait.
    pub(crate) fn refused_by(&self) -> Option<&'static Definition> {
        let violated: InlineVec1<_> = self.limits().iter().filter(|it| !it.fits).collect();
        let reports: InlineVec1<_> = violated.iter().filter_map(|it| it.report).collect();
        let binds = binding(reports.iter()).unwrap_or_default();
        violated.get(binds).map(|it| it.throttle)
    }

    /// Returns the wait that a refused client is told, from the wait that was decided: at least
    /// `min_wait`, and the random part of `spread` more.
    pub(crate) fn wait(&self, decided: Duration) -> Duration {
        let wait = decided.max(self.min_wait());
        let spread = self.0.as_ref().map(|fields| fields.spread);
        wait.saturating_add(spread.unwrap_or_default())
    }

    /// Returns the longest `min_wait` of the throttles that would not have admitted the request.
    fn min_wait(&self) -> Duration {
        let waits = self.limits().iter().filter_map(min_wait);
        waits.max().unwrap_or_default()
    }

    /// Returns the wait that a refused client is told now, from the wait that was decided. Times
    /// count from the moment of the response.
    pub(crate) fn wait_left(&self, decided: Duration) -> Duration {
        let elapsed = self.0.as_ref().map(|fields| fields.decided_at.now().1);
        self.wait(decided.saturating_sub(elapsed.unwrap_or_default()))
    }

    fn limits(&self) -> &[LimitStatus<&'static Definition>] {
        self.0.as_ref().map_or(&[], |fields| &fields.limits)
    }

    /// Returns the writer of the fields as of now, and the reports with the styles of their fields.
    fn writer(&self) -> Option<(Writer, StyledLimits)> {
        let fields = self.0.as_ref()?;
        let (now, elapsed) = fields.decided_at.now();
        let limits = fields.limits.iter().map(|limit| {
            let mut named = with_name(limit);
            // As in `wait_left`.
            if let Some(report) = &mut named.report {
                let least = min_wait(limit).unwrap_or_default();
                let spread = if limit.fits {
                    Duration::ZERO
                } else {
                    fields.spread
                };
                report.next = report.next.map(|next| {
                    let left = next.saturating_sub(elapsed).max(least);
                    left.saturating_add(spread)
                });
            }
            (fields.style.headers(limit), named)
        });
        let writer = Writer {
            options: HeaderOptions::chosen(),
            now,
        };
        Some((writer, limits.collect()))
    }
}

impl ResponseStyle {
    /// Returns the style of one throttle's header fields.
    fn headers(self, limit: &LimitStatus<&'static Definition>) -> HeaderStyle {
        self.headers.unwrap_or(limit.throttle.settings.headers)
    }

    /// Returns the spread of a refusal: the longest of the throttles that would not have admitted
    /// it.
    fn spread(self, limits: &[LimitStatus<&'static Definition>]) -> Duration {
        self.spread.unwrap_or_else(|| {
            let violated = limits.iter().filter(|it| !it.fits);
            let spreads = violated.map(|it| it.throttle.settings.spread.unwrap_or_default());
            spreads.max().unwrap_or_default()
        })
    }
}

fn min_wait(limit: &LimitStatus<&'static Definition>) -> Option<Duration> {
    let wait = limit.throttle.settings.min_wait;
    wait.filter(|_| !limit.fits)
}

fn with_name(limit: &LimitStatus<&'static Definition>) -> LimitStatus<&'static str> {
    limit.map_throttle(|throttle| &**throttle.policy())
}
