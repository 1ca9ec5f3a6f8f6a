//! The fields of old, which have room for one policy only.

use std::time::Duration;

use http::header::{HeaderMap, HeaderName};

use crate::engine::report::Policy;
use crate::http::headers::options::LegacyReset;
use crate::http::headers::{Writing, bound};
use crate::rejection::text::{number, whole_seconds};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

pub(super) fn write<'a>(
    headers: &mut HeaderMap,
    mut policies: impl Iterator<Item = &'a Policy<'a>> + Clone,
    writing: Writing,
) {
    let Some((quota, report)) = bound(policies.clone()) else {
        if let Some(policy) = policies.next() {
            headers.insert(LIMIT, number(policy.quota));
            headers.remove(REMAINING);
            headers.remove(RESET);
        }
        return;
    };
    headers.insert(LIMIT, number(quota));
    headers.insert(REMAINING, number(report.remaining));
    let reset = |next| match writing.options.legacy_reset {
        LegacyReset::Seconds => whole_seconds(next),
        LegacyReset::Epoch => whole_seconds(Duration::from_micros(writing.now) + next),
    };
    match report.next {
        Some(next) => headers.insert(RESET, number(reset(next))),
        None => headers.remove(RESET),
    };
}
