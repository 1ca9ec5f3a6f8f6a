//! The responses to what is refused, and to what could not be decided: problem details (RFC 9457).

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};

use crate::error::Error;
use crate::observe;
use crate::rejection::text::{Line, number, whole_seconds};

pub(crate) const QUOTA_EXCEEDED: &str =
    "https://iana.org/assignments/http-problem-types#quota-exceeded";
const REDUCED_CAPACITY: &str =
    "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";
const NEVER_SATISFIABLE: &str = "urn:traffik:problem:never-satisfiable";

/// The `Cache-Control` of every refusal: it holds for one client and one moment, and a shared cache
/// would hand it to others.
pub(crate) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The reason why a request is never admitted, however long its client waits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Never {
    /// The throttle is closed, or a rate set at run time has no room for the cost of every request: until that is changed.
    ForNow,
    /// It costs too much.
    TooExpensive,
    /// Its body makes it cost too much.
    TooLarge,
}

impl Never {
    const fn status(self) -> StatusCode {
        match self {
            Self::ForNow => StatusCode::TOO_MANY_REQUESTS,
            Self::TooExpensive => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        }
    }
}

/// 429: these policies, by their quotable names, were violated.
pub(crate) fn refused(
    wait: Duration,
    violated: &[String],
    mut headers: HeaderMap,
) -> Response<Bytes> {
    let status = StatusCode::TOO_MANY_REQUESTS;
    let mut body = begun(QUOTA_EXCEEDED, "Quota Exceeded", status);
    body.text("Too many requests; ");
    try_again(&mut body, &mut headers, wait);
    ended(body, status, violated, headers)
}

/// 429, 400 or 413 without `Retry-After`: to wait does not help.
pub(crate) fn refused_for_ever(
    never: Never,
    violated: &[String],
    mut headers: HeaderMap,
) -> Response<Bytes> {
    let status = never.status();
    let (kind, title, detail) = match never {
        Never::ForNow => (
            QUOTA_EXCEEDED,
            "Quota Exceeded",
            "No request is admitted for the time being",
        ),
        Never::TooExpensive | Never::TooLarge => (
            NEVER_SATISFIABLE,
            "Never Satisfiable",
            "This request costs more than is ever admitted at once",
        ),
    };
    headers.remove(RETRY_AFTER);
    let mut body = begun(kind, title, status);
    body.text(detail);
    ended(body, status, violated, headers)
}

/// The problem with the names of the policies behind its detail.
fn ended(
    mut body: Line,
    status: StatusCode,
    violated: &[String],
    headers: HeaderMap,
) -> Response<Bytes> {
    body.text(r#"","violated-policies":["#);
    for (place, name) in violated.iter().enumerate() {
        let separator = if place == 0 { "\"" } else { ",\"" };
        body.text(separator).text(name).text("\"");
    }
    body.text("]}");
    problem(status, headers, body.bytes())
}

/// 429, without a law that has said so: the backend is away.
pub(crate) fn held_off(wait: Duration, headers: HeaderMap) -> Response<Bytes> {
    away(
        StatusCode::TOO_MANY_REQUESTS,
        "Too Many Requests",
        wait,
        headers,
    )
}

/// What an error is told as: 503 if it may pass, else 500.
pub(crate) fn of_error(error: &Error) -> Response<Bytes> {
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
    let mut body = begun(REDUCED_CAPACITY, title, status);
    body.text("The rate limiter cannot decide now; ");
    try_again(&mut body, &mut headers, wait);
    body.text("\"}");
    problem(status, headers, body.bytes())
}

/// A problem up to its detail.
fn begun(kind: &str, title: &str, status: StatusCode) -> Line {
    let mut body = Line::default();
    body.text(r#"{"type":""#).text(kind);
    body.text(r#"","title":""#).text(title);
    body.text(r#"","status":"#).text(status.as_str());
    body.text(r#","detail":""#);
    body
}

/// Says in how many seconds, both ways.
fn try_again(body: &mut Line, headers: &mut HeaderMap, wait: Duration) {
    let seconds = whole_seconds(wait).max(1);
    headers.insert(RETRY_AFTER, number(seconds));
    let unit = if seconds == 1 { " second" } else { " seconds" };
    body.text("try again in ").number(seconds).text(unit);
}

/// 500: the error is logged. A client learns no more than that the server is to be mended, unless this is a debug build:
/// there the developer is the client, and logs are often filtered.
fn undecided(error: &Error) -> Response<Bytes> {
    observe::undecided(error);
    let detail: Cow<'_, str> = match error {
        Error::NoClientAddress { .. } | Error::UnixPeer { .. } | Error::Configuration { .. }
            if cfg!(debug_assertions) =>
        {
            error.to_string().into()
        }
        Error::NoClientAddress { .. } | Error::UnixPeer { .. } => {
            "The client's address is not known to the rate limiter; the server's log says how to mend it".into()
        }
        _ => "The rate limiter could not decide; the server's log says why".into(),
    };
    let detail = escaped(&detail);
    let body = format!(r#"{{"title":"Internal Server Error","status":500,"detail":"{detail}"}}"#);
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    problem(status, HeaderMap::new(), body.as_bytes())
}

/// Returns a text as it stands between the quotes of a JSON string.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\\' => escaped.extend(['\\', character]),
            '\0'..='\x1f' => {
                // To write into a string cannot fail.
                let _ = write!(escaped, "\\u{:04x}", u32::from(character));
            }
            character => escaped.push(character),
        }
    }
    escaped
}

fn problem(status: StatusCode, headers: HeaderMap, body: &[u8]) -> Response<Bytes> {
    let mut response = Response::new(Bytes::copy_from_slice(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    let headers = response.headers_mut();
    let content = HeaderValue::from_static("application/problem+json");
    headers.insert(CONTENT_TYPE, content);
    headers.insert(CACHE_CONTROL, NO_STORE);
    response
}
