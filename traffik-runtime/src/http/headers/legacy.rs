//! The `X-RateLimit-*` fields, which have room for one policy.

use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::http::headers::named_limit::{NamedLimit, binding_limit};
use crate::http::headers::options::LegacyReset;
use crate::rejection::text::{number, two_numbers, whole_seconds};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Writes the fields of the limit that binds.
pub(super) fn write<'a>(
    headers: &mut HeaderMap,
    mut limits: impl Iterator<Item = &'a NamedLimit<'a>> + Clone,
    reset: LegacyReset,
    now: u64,
) {
    let Some((quota, report)) = binding_limit(limits.clone()) else {
        if let Some(limit) = limits.next() {
            headers.insert(LIMIT, number(limit.quota));
            headers.remove(REMAINING);
            headers.remove(RESET);
        }
        return;
    };
    let limit = number(quota);
    write_values(headers, limit, report.remaining, report.next, (reset, now));
}

/// Writes the values of the three fields. The unit of the reset comes with the current time.
pub(super) fn write_values(
    headers: &mut HeaderMap,
    limit: HeaderValue,
    remaining: u64,
    next: Option<Duration>,
    (reset, now): (LegacyReset, u64),
) {
    headers.insert(LIMIT, limit);
    let Some(next) = next else {
        headers.insert(REMAINING, number(remaining));
        headers.remove(RESET);
        return;
    };
    let next = match reset {
        LegacyReset::Seconds => whole_seconds(next),
        LegacyReset::Epoch => whole_seconds(Duration::from_micros(now) + next),
    };
    let [remaining, next] = two_numbers(remaining, next);
    headers.insert(REMAINING, remaining);
    headers.insert(RESET, next);
}
