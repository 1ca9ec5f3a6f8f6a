//! The fields of drafts 8 to 11: lists of named policies.

use http::header::{HeaderMap, HeaderName};

use crate::http::headers::named_limit::{MAX_INTEGER, NamedLimit};
use crate::http::headers::prepend::prepend;
use crate::rejection::text::{Line, whole_seconds};

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Returns the values that these fields have already.
pub(super) fn existing(headers: &HeaderMap) -> String {
    // A response has few fields, and mostly none of these, so one pass is faster than two searches.
    if !headers
        .keys()
        .any(|name| [RATELIMIT, RATELIMIT_POLICY].contains(name))
    {
        return String::new();
    }
    let lines = [RATELIMIT, RATELIMIT_POLICY].map(|name| headers.get_all(name));
    let lines = lines.into_iter().flatten();
    lines.filter_map(|line| line.to_str().ok()).collect()
}

/// Writes the lists of policies and of limits.
pub(super) fn write<'a>(
    headers: &mut HeaderMap,
    named: impl Iterator<Item = (&'a NamedLimit<'a>, &'a str)>,
) {
    let (mut policies, mut limits) = (Line::default(), Line::default());
    for (limit, name) in named {
        item(&mut policies, name);
        policies.text(";q=").number(limit.quota.min(MAX_INTEGER));
        if !limit.rate.is_subsecond() {
            let window = whole_seconds(limit.rate.period());
            policies.text(";w=").number(window);
        }
        // Without a law's decision, only the policy is known.
        let Some(report) = &limit.report else {
            continue;
        };
        item(&mut limits, name);
        limits.text(";r=").number(report.remaining.min(MAX_INTEGER));
        if let Some(next) = report.next {
            limits.text(";t=").number(whole_seconds(next));
        }
    }
    prepend(headers, RATELIMIT_POLICY, policies);
    if !limits.is_empty() {
        prepend(headers, RATELIMIT, limits);
    }
}

/// Begins an item of a list.
fn item(line: &mut Line, name: &str) {
    let separator = if line.is_empty() { "\"" } else { ", \"" };
    line.text(separator).text(name).text("\"");
}
