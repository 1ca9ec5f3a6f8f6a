//! The fields of drafts 8 to 11: lists of named policies.

use std::time::Duration;

use http::header::{HeaderMap, HeaderName};

use crate::definition::policy_text::PolicyText;
use crate::http::headers::named_limit::{MAX_INTEGER, NamedLimit};
use crate::http::headers::prepend::prepend;
use crate::rate::Rate;
use crate::rejection::text::{Line, whole_seconds};

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Returns the values that these fields have already.
pub(super) fn existing(headers: &HeaderMap) -> String {
    if !has_fields(headers) {
        return String::new();
    }
    let lines = [RATELIMIT, RATELIMIT_POLICY].map(|name| headers.get_all(name));
    let lines = lines.into_iter().flatten();
    lines.filter_map(|line| line.to_str().ok()).collect()
}

/// Returns `true` if a response has one of these fields already.
pub(super) fn has_fields(headers: &HeaderMap) -> bool {
    // A response has few fields, and mostly none of these, so one pass is faster than two searches.
    headers
        .keys()
        .any(|name| [RATELIMIT, RATELIMIT_POLICY].contains(name))
}

/// Makes the text of a policy with this name.
pub(super) fn policy_text(rate: Rate, quota: u64, name: &str) -> PolicyText {
    let mut line = Line::default();
    line.text("\"").text(name).text("\"");
    let name_length = line.len();
    parameters(&mut line, rate, quota);
    PolicyText::new(rate, quota, line.to_text().into_owned(), name_length)
}

/// Writes lists of one policy and one limit to a response that has none of these fields.
pub(super) fn write_single(
    headers: &mut HeaderMap,
    policy: &PolicyText,
    remaining: u64,
    next: Option<Duration>,
) {
    let mut limit = Line::default();
    limit.text(policy.quoted_name);
    state(&mut limit, remaining, next);
    // Names are escaped, so each text is a valid value.
    if let Some(limit) = limit.value() {
        headers.insert(RATELIMIT_POLICY, policy.item.clone());
        headers.insert(RATELIMIT, limit);
    }
}

/// Writes the lists of policies and of limits.
pub(super) fn write<'a>(
    headers: &mut HeaderMap,
    named: impl Iterator<Item = (&'a NamedLimit<'a>, &'a str)>,
) {
    let (mut policies, mut limits) = (Line::default(), Line::default());
    for (limit, name) in named {
        item(&mut policies, name);
        parameters(&mut policies, limit.rate, limit.quota);
        // Without a law's decision, only the policy is known.
        let Some(report) = &limit.report else {
            continue;
        };
        item(&mut limits, name);
        state(&mut limits, report.remaining, report.next);
    }
    prepend(headers, RATELIMIT_POLICY, policies);
    if !limits.is_empty() {
        prepend(headers, RATELIMIT, limits);
    }
}

/// Writes the parameters of a policy.
fn parameters(line: &mut Line, rate: Rate, quota: u64) {
    line.text(";q=").number(quota.min(MAX_INTEGER));
    if !rate.is_subsecond() {
        line.text(";w=").number(whole_seconds(rate.period()));
    }
}

/// Writes the parameters of a limit.
fn state(line: &mut Line, remaining: u64, next: Option<Duration>) {
    line.text(";r=").number(remaining.min(MAX_INTEGER));
    if let Some(next) = next {
        line.text(";t=").number(whole_seconds(next));
    }
}

/// Begins an item of a list.
fn item(line: &mut Line, name: &str) {
    let separator = if line.is_empty() { "\"" } else { ", \"" };
    line.text(separator).text(name).text("\"");
}
