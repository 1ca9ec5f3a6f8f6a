//! What a client is told of a decision.

use std::borrow::Cow;

use http::HeaderMap;

use super::headers::{names, write_policies};
use crate::clock::Since;
use crate::throttle::{Definition, Few, HeaderStyle, Policy, Reported, binding};

/// What all throttles of a decision said, and when.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(super) reported: Few<Reported<'static>>,
    pub(super) since: Since,
    /// The style of the header fields, whatever the throttles say.
    pub(super) style: Option<HeaderStyle>,
}

impl Told {
    /// Writes the header fields.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        self.write_styled(headers, |style| style);
    }

    /// The same for a response in which something further in was refused: the fields of old, which have room for one
    /// policy, stay with that.
    pub(super) fn write_beside_refusal(&self, headers: &mut HeaderMap) {
        self.write_styled(headers, |style| match style {
            HeaderStyle::Ietf | HeaderStyle::Both => HeaderStyle::Ietf,
            HeaderStyle::Legacy | HeaderStyle::None => HeaderStyle::None,
        });
    }

    /// The names of the policies that would not have admitted it.
    pub(crate) fn violated(&self) -> Few<String> {
        let policies: Few<_> = self.reported.iter().map(policy).collect();
        let names = names(&policies).into_iter().zip(&self.reported);
        names
            .filter(|(_, reported)| !reported.fits)
            .map(|(name, _)| name)
            .collect()
    }

    /// The throttle that speaks for a refusal: the one with the longest wait.
    pub(crate) fn speaker(&self) -> Option<&'static Definition> {
        let violated: Few<_> = self.reported.iter().filter(|it| !it.fits).collect();
        let reports: Few<_> = violated.iter().filter_map(|it| it.report).collect();
        let speaks = binding(reports.iter()).unwrap_or_default();
        violated.get(speaks).map(|it| it.definition)
    }

    fn write_styled(&self, headers: &mut HeaderMap, styled: impl Fn(HeaderStyle) -> HeaderStyle) {
        let elapsed = self.since.elapsed();
        let policies = self.reported.iter().map(|reported| {
            let mut policy = policy(reported);
            // Times count from the moment the answer is made.
            if let Some(report) = &mut policy.report {
                report.next = report.next.map(|next| next.saturating_sub(elapsed));
            }
            let style = self.style.unwrap_or(reported.definition.headers);
            (styled(style), policy)
        });
        write_policies(headers, policies);
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
