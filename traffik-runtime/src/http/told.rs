//! What a client is told of a decision.

use std::borrow::Cow;

use http::HeaderMap;

use super::headers::{HeaderOptions, Writing, names};
use crate::clock::Since;
use crate::throttle::{Few, HeaderStyle, Policy, Reported};

/// What all throttles of a decision said, and when.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) reported: Few<Reported<'static>>,
    pub(super) since: Since,
    /// The style of the header fields, whatever the throttles say.
    pub(super) style: Option<HeaderStyle>,
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
    pub(super) fn violated(&self) -> Few<String> {
        let policies: Few<_> = self.reported.iter().map(policy).collect();
        let names = names(&policies).into_iter().zip(&self.reported);
        names
            .filter(|(_, reported)| !reported.fits)
            .map(|(name, _)| name)
            .collect()
    }

    fn write_with(&self, headers: &mut HeaderMap, singles: bool) {
        let (now, elapsed) = self.since.now();
        let policies = self.reported.iter().map(|reported| {
            let mut policy = policy(reported);
            // Times count from the moment the answer is made.
            if let Some(report) = &mut policy.report {
                report.next = report.next.map(|next| next.saturating_sub(elapsed));
            }
            (self.style.unwrap_or(reported.definition.headers), policy)
        });
        let writing = Writing {
            options: HeaderOptions::chosen(),
            now,
            singles,
        };
        writing.write(headers, policies);
    }
}

fn policy(reported: &Reported<'static>) -> Policy<'static> {
    Policy {
        name: Cow::Borrowed(&reported.definition.name),
        rate: reported.rate,
        listed: reported.listed,
        report: reported.report,
    }
}
