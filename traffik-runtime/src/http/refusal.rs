//! The responses to what is refused, and to what could not be decided: problem details (RFC 9457).

use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};

use super::headers::whole_seconds;
use crate::error::Error;
use crate::observe;

pub(super) const QUOTA_EXCEEDED: &str =
    "https://iana.org/assignments/http-problem-types#quota-exceeded";
const REDUCED_CAPACITY: &str =
    "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";
const NEVER_SATISFIABLE: &str = "urn:traffik:problem:never-satisfiable";

/// 429: these policies, by their quotable names, were violated; the wait is nothing if it has no end.
pub(super) fn refused(
    wait: Option<Duration>,
    violated: &[String],
    mut headers: HeaderMap,
) -> Response<Bytes> {
    let mut names = String::new();
    for name in violated {
        let separator = if names.is_empty() { "" } else { "," };
        let _ = write!(names, "{separator}\"{name}\"");
    }
    let body = match wait {
        Some(wait) => {
            let seconds = whole_seconds(wait).max(1);
            headers.insert(RETRY_AFTER, seconds.into());
            let unit = if seconds == 1 { "second" } else { "seconds" };
            format!(
                r#"{{"type":"{QUOTA_EXCEEDED}","title":"Quota Exceeded","status":429,"detail":"Too many requests; try again in {seconds} {unit}","violated-policies":[{names}]}}"#
            )
        }
        None => {
            headers.remove(RETRY_AFTER);
            format!(
                r#"{{"type":"{NEVER_SATISFIABLE}","title":"Never Satisfiable","status":429,"detail":"This request costs more than is ever admitted at once","violated-policies":[{names}]}}"#
            )
        }
    };
    problem(StatusCode::TOO_MANY_REQUESTS, headers, body)
}

/// 429, without a law that has said so: the backend is away.
pub(super) fn held_off(wait: Duration, headers: HeaderMap) -> Response<Bytes> {
    away(
        StatusCode::TOO_MANY_REQUESTS,
        "Too Many Requests",
        wait,
        headers,
    )
}

/// What an error is told as: 503 if it may pass, else 500.
pub(super) fn of_error(error: &Error) -> Response<Bytes> {
    if !error.is_transient() {
        return undecided(error);
    }
    observe::undecided(error);
    let wait = match error {
        Error::CircuitOpen { left: Some(left) } => *left,
        _ => Duration::from_secs(1),
    };
    let status = StatusCode::SERVICE_UNAVAILABLE;
    away(status, "Service Unavailable", wait, HeaderMap::new())
}

/// The backend is away, and this is how long the client is to be.
fn away(
    status: StatusCode,
    title: &str,
    wait: Duration,
    mut headers: HeaderMap,
) -> Response<Bytes> {
    let seconds = whole_seconds(wait).max(1);
    headers.insert(RETRY_AFTER, seconds.into());
    let unit = if seconds == 1 { "second" } else { "seconds" };
    let body = format!(
        r#"{{"type":"{REDUCED_CAPACITY}","title":"{title}","status":{},"detail":"The rate limiter cannot decide now; try again in {seconds} {unit}"}}"#,
        status.as_u16()
    );
    problem(status, headers, body)
}

/// 500: what is wrong stands in the log; the client learns only what is the server's to mend.
fn undecided(error: &Error) -> Response<Bytes> {
    observe::undecided(error);
    let detail = match error {
        Error::NoClientAddress { .. } => {
            "The client's address is not known to the rate limiter; the server's log says how to mend it"
        }
        _ => "The rate limiter could not decide; the server's log says why",
    };
    let body = format!(r#"{{"title":"Internal Server Error","status":500,"detail":"{detail}"}}"#);
    problem(StatusCode::INTERNAL_SERVER_ERROR, HeaderMap::new(), body)
}

fn problem(status: StatusCode, headers: HeaderMap, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response
}
