//! What a client is told of a decision.

use std::borrow::Cow;
use std::time::Duration;

use http::HeaderMap;

use crate::callback::on_throttled::Responder;
use crate::clock::elapsed::Since;
use crate::definition::Definition;
use crate::engine::Admission;
use crate::engine::report::{Policy, Reported, binding};
use crate::header_style::HeaderStyle;
use crate::http::headers::Writing;
use crate::http::headers::names::names;
use crate::http::headers::options::HeaderOptions;
use crate::http::pending_fields::Tell;
use crate::inline_vec::InlineVec1;
use crate::resilience::backoff::draw;

/// What all throttles of a decision said, and when; nothing where a client who is admitted is told nothing. In a place of
/// its own, since it is handed on many times between the decision and the answer.
#[derive(Debug, Clone)]
pub(crate) struct Told(Option<Box<Said>>);

#[derive(Debug, Clone)]
struct Said {
    reported: InlineVec1<Reported<'static>>,
    since: Since,
    manner: Manner,
    /// The random part of what a refused client is told to wait, drawn once.
    drawn: Duration,
}

/// What one use of throttles says to a client in its own way, whatever the throttles say.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Manner {
    /// The style of the header fields.
    pub(super) style: Option<HeaderStyle>,
    /// The response to those who are refused.
    pub(super) respond: Option<fn() -> Responder>,
    /// The spread of what those who are refused are told to wait.
    pub(super) spread: Option<Duration>,
}

impl Tell for Said {
    fn decisions(self: Box<Self>) -> (InlineVec1<Told>, bool) {
        (InlineVec1::from_buf([Told(Some(self))]), false)
    }
}

impl Told {
    /// What there is to tell of a decision.
    pub(crate) fn new(admission: Admission, manner: Manner) -> Self {
        let Admission {
            decision,
            reported,
            since,
        } = admission;
        let mut styles = reported.iter().map(|reported| manner.style(reported));
        if decision.admitted && styles.all(|style| style == HeaderStyle::None) {
            return Self(None);
        }
        let drawn = if decision.admitted || decision.wait.is_none() {
            Duration::ZERO
        } else {
            draw(manner.spread(&reported))
        };
        Self(Some(Box::new(Said {
            reported,
            since,
            manner,
            drawn,
        })))
    }

    /// The same, for a handler to hold.
    pub(crate) fn kept(self) -> Option<Box<dyn Tell>> {
        self.0.map(|said| -> Box<dyn Tell> { said })
    }

    /// The response to those who are refused, on this use of the throttles.
    pub(crate) fn responder(&self) -> Option<Responder> {
        let said = self.0.as_ref()?;
        said.manner.respond.map(|respond| respond())
    }

    /// Returns whether there is nothing to write.
    pub(super) const fn is_silent(&self) -> bool {
        self.0.is_none()
    }

    /// Returns whether it writes fields that have room for one policy.
    pub(crate) fn sends_singles(&self) -> bool {
        let Some(said) = &self.0 else { return false };
        let mut styles = said.reported.iter().map(|it| said.manner.style(it));
        styles.any(|style| HeaderOptions::chosen().sends_singles(style))
    }

    /// Writes the header fields.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if let Some((writing, policies)) = self.writing() {
            writing.write(headers, &policies);
        }
    }

    /// Writes those header fields that are lists.
    pub(crate) fn write_lists(&self, headers: &mut HeaderMap) {
        if let Some((writing, policies)) = self.writing() {
            writing.write_lists(headers, &policies);
        }
    }

    /// Writes those header fields that have room for one policy, for several decisions on one request.
    pub(crate) fn write_singles(decisions: &[Self], headers: &mut HeaderMap) {
        let decisions: InlineVec1<_> = decisions.iter().filter_map(Self::writing).collect();
        Writing::write_singles_of_all(&decisions, headers);
    }

    /// The names of the policies that would not have admitted it.
    pub(crate) fn violated(&self) -> InlineVec1<String> {
        let policies: InlineVec1<_> = self.reported().iter().map(policy).collect();
        let names = names(policies.iter(), "").into_iter().zip(self.reported());
        names
            .filter(|(_, reported)| !reported.fits)
            .map(|(name, _)| name.into_owned())
            .collect()
    }

    /// The throttle that speaks for a refusal: the one with the longest wait.
    pub(crate) fn speaker(&self) -> Option<&'static Definition> {
        let violated: InlineVec1<_> = self.reported().iter().filter(|it| !it.fits).collect();
        let reports: InlineVec1<_> = violated.iter().filter_map(|it| it.report).collect();
        let speaks = binding(reports.iter()).unwrap_or_default();
        violated.get(speaks).map(|it| it.definition)
    }

    /// Returns what a refused client is told to wait, given what was decided: no less than `min_wait`, and
    /// a random part of `spread` more.
    pub(crate) fn wait(&self, decided: Duration) -> Duration {
        let least = decided.max(self.min_wait());
        least.saturating_add(self.drawn())
    }

    fn drawn(&self) -> Duration {
        self.0.as_ref().map(|said| said.drawn).unwrap_or_default()
    }

    /// The longest `min_wait` of those that would not have admitted it.
    fn min_wait(&self) -> Duration {
        let waits = self.reported().iter().filter_map(min_wait);
        waits.max().unwrap_or_default()
    }

    /// Returns what a refused client is told to wait now, given what was decided. Times count from the
    /// moment the answer is made.
    pub(crate) fn wait_left(&self, decided: Duration) -> Duration {
        let elapsed = self.0.as_ref().map(|said| said.since.now().1);
        self.wait(decided.saturating_sub(elapsed.unwrap_or_default()))
    }

    fn reported(&self) -> &[Reported<'static>] {
        self.0.as_ref().map_or(&[], |said| &said.reported)
    }

    /// Returns how the fields are written now, and the policies they tell of.
    fn writing(&self) -> Option<(Writing, InlineVec1<(HeaderStyle, Policy<'static>)>)> {
        let said = self.0.as_ref()?;
        let (now, elapsed) = said.since.now();
        let policies = said.reported.iter().map(|reported| {
            let mut policy = policy(reported);
            // As in `wait_left`.
            if let Some(report) = &mut policy.report {
                let least = min_wait(reported).unwrap_or_default();
                let more = if reported.fits {
                    Duration::ZERO
                } else {
                    said.drawn
                };
                report.next = report.next.map(|next| {
                    let left = next.saturating_sub(elapsed).max(least);
                    left.saturating_add(more)
                });
            }
            (said.manner.style(reported), policy)
        });
        let writing = Writing {
            options: HeaderOptions::chosen(),
            now,
        };
        Some((writing, policies.collect()))
    }
}

impl Manner {
    /// The style of one throttle's header fields.
    fn style(self, reported: &Reported<'_>) -> HeaderStyle {
        self.style.unwrap_or(reported.definition.settings.headers)
    }

    /// Returns the spread of a refusal: the longest of those that would not have admitted it.
    fn spread(self, reported: &[Reported<'_>]) -> Duration {
        self.spread.unwrap_or_else(|| {
            let violated = reported.iter().filter(|it| !it.fits);
            let spreads = violated.map(|it| it.definition.settings.spread.unwrap_or_default());
            spreads.max().unwrap_or_default()
        })
    }
}

fn min_wait(reported: &Reported<'static>) -> Option<Duration> {
    let wait = reported.definition.settings.min_wait;
    wait.filter(|_| !reported.fits)
}

fn policy(reported: &Reported<'static>) -> Policy<'static> {
    Policy {
        name: Cow::Borrowed(&**reported.definition.policy()),
        rate: reported.rate,
        quota: reported.quota,
        listed: reported.listed,
        report: reported.report,
    }
}
