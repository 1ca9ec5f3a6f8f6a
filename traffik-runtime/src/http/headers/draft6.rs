//! The fields of draft 6: three numbers of one policy, and a list of all.

use http::header::{HeaderMap, HeaderName};

use super::line::{Line, number};
use super::{LARGEST, Writing, bound, prepend, whole_seconds};
use crate::throttle::Policy;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

pub(super) fn write<'a>(
    headers: &mut HeaderMap,
    policies: impl Iterator<Item = &'a Policy<'a>> + Clone,
    writing: Writing,
) {
    let mut limits = Line::default();
    // The window is required, and there are none of less than a second.
    let rates = policies.clone().map(|policy| policy.rate);
    for rate in rates.filter(|rate| !rate.is_subsecond()) {
        if !limits.is_empty() {
            limits.text(", ");
        }
        limits.number(rate.limit().into());
        limits.text(";w=").number(whole_seconds(rate.period()));
    }
    if !limits.is_empty() {
        prepend(headers, POLICY, limits);
    }
    if !writing.singles {
        return;
    }
    let Some((rate, report)) = bound(policies) else {
        // Where no law has decided, nobody knows how the client stands.
        for name in [LIMIT, REMAINING, RESET] {
            headers.remove(name);
        }
        return;
    };
    headers.insert(LIMIT, number(rate.limit().into()));
    headers.insert(REMAINING, number(report.remaining.min(LARGEST)));
    // It is required, so what is all there already comes now.
    let reset = report.next.map_or(0, whole_seconds);
    headers.insert(RESET, number(reset));
}
