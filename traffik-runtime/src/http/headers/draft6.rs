//! The fields of draft 6: three numbers of one policy, and a list of all.

use http::header::{HeaderMap, HeaderName};

use crate::engine::report::Policy;
use crate::http::headers::{LARGEST, bound, prepend};
use crate::rejection::text::{Line, number, whole_seconds};

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Writes the list of all policies.
pub(super) fn write_list<'a>(
    headers: &mut HeaderMap,
    policies: impl Iterator<Item = &'a Policy<'a>>,
) {
    let mut limits = Line::default();
    // The window is required, and there are none of less than a second.
    for policy in policies.filter(|policy| !policy.rate.is_subsecond()) {
        if !limits.is_empty() {
            limits.text(", ");
        }
        limits.number(policy.quota.min(LARGEST));
        let window = whole_seconds(policy.rate.period());
        limits.text(";w=").number(window);
    }
    if !limits.is_empty() {
        prepend(headers, POLICY, limits);
    }
}

/// Writes the three numbers of the policy that binds.
pub(super) fn write_singles<'a>(
    headers: &mut HeaderMap,
    policies: impl Iterator<Item = &'a Policy<'a>> + Clone,
) {
    let Some((quota, report)) = bound(policies) else {
        // Where no law has decided, nobody knows how the client stands.
        for name in [LIMIT, REMAINING, RESET] {
            headers.remove(name);
        }
        return;
    };
    headers.insert(LIMIT, number(quota.min(LARGEST)));
    headers.insert(REMAINING, number(report.remaining.min(LARGEST)));
    // It is required, so what is all there already comes now.
    let reset = report.next.map_or(0, whole_seconds);
    headers.insert(RESET, number(reset));
}
