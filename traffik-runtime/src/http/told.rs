//! What a client is told of a decision.

use std::borrow::Cow;
use std::time::Duration;

use http::HeaderMap;

use super::Responder;
use super::headers::{HeaderOptions, Writing, names};
use crate::clock::Since;
use crate::throttle::{Definition, Few, HeaderStyle, Policy, Reported, binding};

/// What all throttles of a decision said, and when.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(super) reported: Few<Reported<'static>>,
    pub(super) since: Since,
    pub(super) manner: Manner,
}

/// What one use of throttles says to a client in its own way, whatever the throttles say.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Manner {
    /// The style of the header fields.
    pub(super) style: Option<HeaderStyle>,
    /// The response to those who are refused.
    pub(super) respond: Option<fn() -> Responder>,
}

impl Told {
    /// Writes the header fields.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        self.write_with(headers, true);
    }

    /// The same for a response in which something further in was refused: the fields that have room for one policy stay
    /// with that.
    pub(super) fn write_beside_refusal(&self, headers: &mut HeaderMap) {
        self.write_with(headers, false);
    }

    /// The names of the policies that would not have admitted it.
    pub(crate) fn violated(&self) -> Few<String> {
        let policies: Few<_> = self.reported.iter().map(policy).collect();
        let names = names(&policies).into_iter().zip(&self.reported);
        names
            .filter(|(_, reported)| !reported.fits)
            .map(|(name, _)| name.into_owned())
            .collect()
    }

    /// The throttle that speaks for a refusal: the one with the longest wait.
    pub(crate) fn speaker(&self) -> Option<&'static Definition> {
        let violated: Few<_> = self.reported.iter().filter(|it| !it.fits).collect();
        let reports: Few<_> = violated.iter().filter_map(|it| it.report).collect();
        let speaks = binding(reports.iter()).unwrap_or_default();
        violated.get(speaks).map(|it| it.definition)
    }

    /// What the client is told to wait at least: the longest `min_wait` of those that would not have admitted it.
    pub(crate) fn min_wait(&self) -> Duration {
        let waits = self.reported.iter().filter_map(min_wait);
        waits.max().unwrap_or_default()
    }

    fn write_with(&self, headers: &mut HeaderMap, singles: bool) {
        let style = |reported: &Reported<'_>| {
            let own = reported.definition.headers;
            self.manner.style.unwrap_or(own)
        };
        // Where there is nothing to write, nobody asks what time it is.
        if self
            .reported
            .iter()
            .all(|it| style(it) == HeaderStyle::None)
        {
            return;
        }
        let (now, elapsed) = self.since.now();
        let policies = self.reported.iter().map(|reported| {
            let mut policy = policy(reported);
            // Times count from the moment the answer is made.
            if let Some(report) = &mut policy.report {
                let least = min_wait(reported).unwrap_or_default();
                let next = report.next.map(|next| next.saturating_sub(elapsed));
                report.next = next.map(|next| next.max(least));
            }
            (style(reported), policy)
        });
        let writing = Writing {
            options: HeaderOptions::chosen(),
            now,
            singles,
        };
        writing.write(headers, policies);
    }
}

fn min_wait(reported: &Reported<'static>) -> Option<Duration> {
    let wait = reported.definition.own_min_wait();
    wait.filter(|_| !reported.fits)
}

fn policy(reported: &Reported<'static>) -> Policy<'static> {
    Policy {
        name: Cow::Borrowed(&reported.definition.name),
        rate: reported.rate,
        listed: reported.listed,
        report: reported.report,
    }
}
