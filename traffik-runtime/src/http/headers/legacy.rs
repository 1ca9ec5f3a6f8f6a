//! The `X-RateLimit-*` fields, which have room for one policy.

use std::time::Duration;

use http::header::{HeaderMap, HeaderName};

use crate::http::headers::named_limit::{NamedLimit, binding_limit};
use crate::http::headers::options::LegacyReset;
use crate::rejection::text::{number, whole_seconds};

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
    headers.insert(LIMIT, number(quota));
    headers.insert(REMAINING, number(report.remaining));
    let reset_value = |next| match reset {
        LegacyReset::Seconds => whole_seconds(next),
        LegacyReset::Epoch => whole_seconds(Duration::from_micros(now) + next),
    };
    match report.next {
        Some(next) => headers.insert(RESET, number(reset_value(next))),
        None => headers.remove(RESET),
    };
}
