//! The fields of old, which have room for one policy only.

use std::time::Duration;

use http::header::{HeaderMap, HeaderName};

use super::line::number;
use super::{LegacyReset, Writing, bound, whole_seconds};
use crate::decision::Report;
use crate::rate::Rate;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

pub(super) fn write(
    headers: &mut HeaderMap,
    policies: &[(Rate, Option<Report>)],
    writing: Writing,
) {
    let Some((rate, report)) = bound(policies) else {
        if let Some((rate, None)) = policies.first() {
            headers.insert(LIMIT, number(rate.limit().into()));
            headers.remove(REMAINING);
            headers.remove(RESET);
        }
        return;
    };
    headers.insert(LIMIT, number(rate.limit().into()));
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
