//! The responses to refusals and errors: problem details (RFC 9457).

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};

use crate::error::Error;
use crate::observe;
use crate::rejection::text::{Line, digits_value, whole_seconds};

macro_rules! quota_exceeded {
    () => {
        "https://iana.org/assignments/http-problem-types#quota-exceeded"
    };
}

pub(crate) const QUOTA_EXCEEDED: &str = quota_exceeded!();
/// The problem of nearly every refusal, up to its wait.
const REFUSED: &str = concat!(
    r#"{"type":""#,
    quota_exceeded!(),
    r#"","title":"Quota Exceeded","status":429,"detail":"Too many requests; "#,
);
const REDUCED_CAPACITY: &str =
    "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";
const NEVER_SATISFIABLE: &str = "urn:traffik:problem:never-satisfiable";

/// The `Cache-Control` of every refusal: it holds for one client and one moment, and a shared cache
/// would hand it to others.
pub(crate) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The reason why a request is never admitted, however long its client waits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Never {
    /// The throttle is closed, or a rate that was set at run time has no room for the cost of any
    /// request, until that is changed.
    ForNow,
    /// The request costs too much.
    TooExpensive,
    /// The body makes the request cost too much.
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

/// Creates a 429 with the names of the violated policies, escaped for quotes.
pub(crate) fn refused(
    wait: Duration,
    violated: &[Cow<'static, str>],
    headers: HeaderMap,
) -> Response<Bytes> {
    let mut body = Line::default();
    body.text(REFUSED);
    let seconds = try_again(&mut body, wait);
    end(&mut body, violated);
    problem(StatusCode::TOO_MANY_REQUESTS, headers, body, Some(seconds))
}

/// Creates a 429, 400 or 413 without `Retry-After`, because waiting does not help.
pub(crate) fn refused_for_ever(
    never: Never,
    violated: &[Cow<'static, str>],
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
    end(&mut body, violated);
    problem(status, headers, body, None)
}

/// Completes a problem with the names of the policies after its detail.
fn end(body: &mut Line, violated: &[Cow<'static, str>]) {
    body.text(r#"","violated-policies":["#);
    for (place, name) in violated.iter().enumerate() {
        let separator = if place == 0 { "\"" } else { ",\"" };
        body.text(separator).text(name).text("\"");
    }
    body.text("]}");
}

/// Creates a 429 for a request that no law has refused: the backend is away, and a policy
/// throttles.
pub(crate) fn throttled(wait: Duration, headers: HeaderMap) -> Response<Bytes> {
    away(
        StatusCode::TOO_MANY_REQUESTS,
        "Too Many Requests",
        wait,
        headers,
    )
}

/// Creates the response to an error: 503 if it is transient, otherwise 500.
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

/// Creates the response to a request while the backend is away.
fn away(status: StatusCode, title: &str, wait: Duration, headers: HeaderMap) -> Response<Bytes> {
    let mut body = begun(REDUCED_CAPACITY, title, status);
    body.text("The rate limiter cannot decide now; ");
    let seconds = try_again(&mut body, wait);
    body.text("\"}");
    problem(status, headers, body, Some(seconds))
}

/// Begins a problem, up to its detail.
fn begun(kind: &str, title: &str, status: StatusCode) -> Line {
    let mut body = Line::default();
    body.text(r#"{"type":""#).text(kind);
    body.text(r#"","title":""#).text(title);
    body.text(r#"","status":"#).text(status.as_str());
    body.text(r#","detail":""#);
    body
}

/// Writes the wait into the body, and returns the place of its seconds.
fn try_again(body: &mut Line, wait: Duration) -> Range<usize> {
    let seconds = whole_seconds(wait).max(1);
    let unit = if seconds == 1 { " second" } else { " seconds" };
    let start = body.text("try again in ").len();
    let end = body.number(seconds).len();
    body.text(unit);
    start..end
}

/// Creates a 500, and logs the error. The client does not get its text, unless this is a debug
/// build, where the developer is the client and logs are often filtered.
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
    let mut body = Line::default();
    body.text(r#"{"title":"Internal Server Error","status":500,"detail":""#);
    body.text(&detail).text(r#""}"#);
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    problem(status, HeaderMap::new(), body, None)
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

/// Creates the response. `Retry-After` is a part of the body, so that they share an allocation.
fn problem(
    status: StatusCode,
    mut headers: HeaderMap,
    body: Line,
    retry_after: Option<Range<usize>>,
) -> Response<Bytes> {
    let body = body.into_shared();
    if let Some(seconds) = retry_after {
        headers.insert(RETRY_AFTER, digits_value(body.slice(seconds)));
    }
    let content = HeaderValue::from_static("application/problem+json");
    headers.insert(CONTENT_TYPE, content);
    headers.insert(CACHE_CONTROL, NO_STORE);
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
