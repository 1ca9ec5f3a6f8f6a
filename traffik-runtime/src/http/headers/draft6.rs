//! The fields of draft 6: three numbers of one policy, and a list of all.

use std::fmt::Write;

use http::header::{HeaderMap, HeaderName};

use super::{LARGEST, Writing, bound, prepend, whole_seconds};
use crate::decision::Report;
use crate::rate::Rate;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

pub(super) fn write(
    headers: &mut HeaderMap,
    policies: &[(Rate, Option<Report>)],
    writing: Writing,
) {
    let mut limits = String::new();
    // The window is required, and there are none of less than a second.
    for (rate, _) in policies.iter().filter(|(rate, _)| !rate.is_subsecond()) {
        let separator = if limits.is_empty() { "" } else { ", " };
        let window = whole_seconds(rate.period());
        let _ = write!(limits, "{separator}{};w={window}", rate.limit());
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
    headers.insert(LIMIT, rate.limit().into());
    headers.insert(REMAINING, report.remaining.min(LARGEST).into());
    // It is required, so what is all there already comes now.
    let reset = report.next.map_or(0, whole_seconds);
    headers.insert(RESET, reset.into());
}
