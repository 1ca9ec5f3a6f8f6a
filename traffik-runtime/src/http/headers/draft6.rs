//! The fields of draft 6: three numbers of one policy, and a list of all.

use http::header::{HeaderMap, HeaderName};

use crate::http::headers::named_limit::{MAX_INTEGER, NamedLimit, binding_limit};
use crate::http::headers::prepend::prepend;
use crate::rejection::text::{Line, number, whole_seconds};

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Writes the list of all policies.
pub(super) fn write_list<'a>(
    headers: &mut HeaderMap,
    limits: impl Iterator<Item = &'a NamedLimit<'a>>,
) {
    let mut policies = Line::default();
    // The window is required, and a window of less than a second cannot be written.
    for limit in limits.filter(|limit| !limit.rate.is_subsecond()) {
        if !policies.is_empty() {
            policies.text(", ");
        }
        policies.number(limit.quota.min(MAX_INTEGER));
        let window = whole_seconds(limit.rate.period());
        policies.text(";w=").number(window);
    }
    if !policies.is_empty() {
        prepend(headers, POLICY, policies);
    }
}

/// Writes the three numbers of the policy that binds.
pub(super) fn write_singles<'a>(
    headers: &mut HeaderMap,
    limits: impl Iterator<Item = &'a NamedLimit<'a>> + Clone,
) {
    let Some((quota, report)) = binding_limit(limits) else {
        // Without a law's decision, the numbers are unknown.
        for name in [LIMIT, REMAINING, RESET] {
            headers.remove(name);
        }
        return;
    };
    headers.insert(LIMIT, number(quota.min(MAX_INTEGER)));
    headers.insert(REMAINING, number(report.remaining.min(MAX_INTEGER)));
    // The field is required, so it is 0 where everything is available already.
    let reset = report.next.map_or(0, whole_seconds);
    headers.insert(RESET, number(reset));
}
