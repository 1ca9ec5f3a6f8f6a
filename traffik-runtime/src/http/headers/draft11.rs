//! Lists of named policies, as drafts 8 to 11 have them.

use std::fmt::Write;

use http::header::{HeaderMap, HeaderName};

use super::{LARGEST, prepend, whole_seconds};
use crate::throttle::Policy;

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

pub(super) fn write<'a>(
    headers: &mut HeaderMap,
    policies: impl Iterator<Item = (&'a Policy<'a>, String)>,
) {
    let (mut limits, mut standings) = (String::with_capacity(48), String::with_capacity(48));
    for (policy, name) in policies {
        let separator = if limits.is_empty() { "" } else { ", " };
        let _ = write!(limits, "{separator}\"{name}\";q={}", policy.rate.limit());
        if !policy.rate.is_subsecond() {
            let _ = write!(limits, ";w={}", whole_seconds(policy.rate.period()));
        }
        // Where no law has decided, nobody knows how the client stands.
        let Some(report) = policy.report else {
            continue;
        };
        let separator = if standings.is_empty() { "" } else { ", " };
        let remaining = report.remaining.min(LARGEST);
        let _ = write!(standings, "{separator}\"{name}\";r={remaining}");
        if let Some(next) = report.next {
            let _ = write!(standings, ";t={}", whole_seconds(next));
        }
    }
    prepend(headers, RATELIMIT_POLICY, limits);
    if !standings.is_empty() {
        prepend(headers, RATELIMIT, standings);
    }
}
