//! Lists of named policies, as drafts 8 to 11 have them.

use http::header::{HeaderMap, HeaderName};

use crate::engine::report::Policy;
use crate::http::headers::{LARGEST, prepend};
use crate::rejection::text::{Line, whole_seconds};

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What these fields say already.
pub(super) fn there(headers: &HeaderMap) -> String {
    // A response has few fields, and mostly none of these: to look at all is quicker than to look for two.
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

pub(super) fn write<'a>(
    headers: &mut HeaderMap,
    policies: impl Iterator<Item = (&'a Policy<'a>, &'a str)>,
) {
    let (mut limits, mut standings) = (Line::default(), Line::default());
    for (policy, name) in policies {
        item(&mut limits, name);
        limits.text(";q=").number(policy.quota.min(LARGEST));
        if !policy.rate.is_subsecond() {
            let window = whole_seconds(policy.rate.period());
            limits.text(";w=").number(window);
        }
        // Where no law has decided, nobody knows how the client stands.
        let Some(report) = &policy.report else {
            continue;
        };
        item(&mut standings, name);
        standings.text(";r=").number(report.remaining.min(LARGEST));
        if let Some(next) = report.next {
            standings.text(";t=").number(whole_seconds(next));
        }
    }
    prepend(headers, RATELIMIT_POLICY, limits);
    if !standings.is_empty() {
        prepend(headers, RATELIMIT, standings);
    }
}

/// Begins an item of a list.
fn item(line: &mut Line, name: &str) {
    let separator = if line.is_empty() { "\"" } else { ", \"" };
    line.text(separator).text(name).text("\"");
}
