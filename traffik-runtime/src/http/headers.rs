//! Header fields that tell a client how it stands.

use std::fmt::Write;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::decision::Report;
use crate::rate::Rate;
use crate::throttle::{Few, HeaderStyle, Policy, Stat, binding};

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const X_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// The largest integer a structured field can carry (RFC 9651).
const LARGEST: u64 = 999_999_999_999_999;

impl<M> Stat<M> {
    /// The header fields that tell a client this; none for what has no limit.
    pub fn headers(&self, style: HeaderStyle) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let policies = self.policies.iter().map(|policy| (style, policy.clone()));
        write_policies(&mut headers, policies);
        headers
    }
}

/// Writes the fields of all policies, each in its style. List fields go before those already there; the others replace
/// them.
pub(super) fn write_policies<'a>(
    headers: &mut HeaderMap,
    policies: impl Iterator<Item = (HeaderStyle, Policy<'a>)>,
) {
    let (styles, policies): (Few<_>, Few<_>) = policies.unzip();
    if styles.iter().copied().any(HeaderStyle::is_ietf) {
        // Named among all: a problem names those that send nothing, too.
        let named = policies.iter().zip(names(&policies)).zip(&styles);
        let sent = named.filter(|(_, style)| style.is_ietf());
        write_ietf(headers, sent.map(|(policy, _)| policy));
    }
    let legacy = policies.iter().zip(&styles);
    let legacy = legacy.filter(|(_, style)| style.is_legacy());
    let legacy: Few<_> = legacy
        .map(|(policy, _)| (policy.rate, policy.report))
        .collect();
    write_legacy(headers, &legacy);
}

fn write_ietf<'a>(
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

/// What the fields of old say; they have room for one policy only.
fn write_legacy(headers: &mut HeaderMap, policies: &[(Rate, Option<Report>)]) {
    let known: Few<_> = policies
        .iter()
        .filter_map(|(rate, report)| Some((*rate, (*report)?)))
        .collect();
    let Some(place) = binding(known.iter().map(|(_, report)| report)) else {
        if let Some((rate, None)) = policies.first() {
            headers.insert(X_LIMIT, rate.limit().into());
            headers.remove(X_REMAINING);
            headers.remove(X_RESET);
        }
        return;
    };
    let (rate, report) = known[place];
    headers.insert(X_LIMIT, rate.limit().into());
    headers.insert(X_REMAINING, report.remaining.into());
    match report.next {
        Some(next) => headers.insert(X_RESET, whole_seconds(next).into()),
        None => headers.remove(X_RESET),
    };
}

/// The names of policies as quoted strings carry them, each different from the others.
pub(crate) fn names(policies: &[Policy<'_>]) -> Few<String> {
    let mut names: Few<String> = Few::new();
    for policy in policies {
        let mut name = quotable(&policy.name);
        if policy.listed {
            let _ = write!(name, " {}", policy.rate);
        }
        let taken = |name: &String| names.contains(name);
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let name = if taken(&name) {
            numbered
                .into_iter()
                .find(|name| !taken(name))
                .unwrap_or_default()
        } else {
            name
        };
        names.push(name);
    }
    names
}

/// A name within quotes: no `r#`, nothing but printable ASCII, quotes and backslashes escaped.
fn quotable(name: &str) -> String {
    let mut quotable = String::with_capacity(name.len() + 16);
    for byte in name.strip_prefix("r#").unwrap_or(name).bytes() {
        match byte {
            b'"' | b'\\' => quotable.extend(['\\', byte as char]),
            b' '..=b'~' => quotable.push(byte as char),
            _ => {
                let _ = write!(quotable, "%{byte:02X}");
            }
        }
    }
    quotable
}

pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// Puts a value before those already there, in one field line.
fn prepend(headers: &mut HeaderMap, name: HeaderName, mut value: String) {
    for other in headers.get_all(&name) {
        if let Ok(other) = other.to_str() {
            value.push_str(", ");
            value.push_str(other);
        }
    }
    // Names are printable by now, so this always is a value.
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}
