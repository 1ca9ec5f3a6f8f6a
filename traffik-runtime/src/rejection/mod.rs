//! The rejection of a request: a refusal, or an error.

pub(crate) mod problem;
pub(crate) mod text;

use std::error::Error as StdError;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode};

use crate::decision::Decision;
use crate::error::Error;
use crate::inline_vec::InlineVec1;
use crate::observe;
use crate::rejection::problem::Never;
use crate::rejection::text::whole_seconds;

/// A request that a throttle has refused, or that could not be decided.
///
/// The response has status 429, or 400 or 413 if the request can never be admitted, 503 or 500, and
/// a problem (RFC 9457); `on_throttled` or the error of a function of the application may replace
/// it. It has `Cache-Control: no-store`, unless `on_throttled` sets that field. The text of the
/// error may be shown to clients; details for operators are in [`uid`](Self::uid),
/// [`error`](Self::error) and `Debug`.
#[derive(Debug)]
pub struct Rejection(Box<Inner>);

#[derive(Debug)]
struct Inner {
    reason: Reason,
    response: http::Response<Bytes>,
    /// The request's head, while a function of the application makes the response.
    parts: Option<Parts>,
    /// The decisions that were made before, whose fields the response has too.
    earlier: Option<Earlier>,
}

/// Marks a response as a refusal, in its extensions. Header fields that have room for one policy
/// are not replaced in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal;

#[derive(Debug)]
enum Reason {
    Refused(RefusedRequest),
    Undecided(Error),
}

/// A refusal, as a [`Rejection`] reports it.
#[derive(Debug)]
pub(crate) struct RefusedRequest {
    pub(crate) decision: Decision,
    /// The wait that the client is told.
    pub(crate) wait: Option<Duration>,
    /// The reason why the request is never admitted; `None` if waiting helps.
    pub(crate) never: Option<Never>,
    /// The throttle that refused.
    pub(crate) uid: &'static str,
    /// The names of the policies that would not have admitted the request.
    pub(crate) violated: InlineVec1<String>,
}

impl Rejection {
    /// Returns the decision, if the request was refused.
    pub fn decision(&self) -> Option<&Decision> {
        match &self.0.reason {
            Reason::Refused(RefusedRequest { decision, .. }) => Some(decision),
            Reason::Undecided(_) => None,
        }
    }

    /// Returns the error, if there is no decision.
    pub fn error(&self) -> Option<&Error> {
        match &self.0.reason {
            Reason::Refused(_) => None,
            Reason::Undecided(error) => Some(error),
        }
    }

    /// Returns the uid of the throttle that refused the request; of a set, the one with the longest
    /// wait.
    pub fn uid(&self) -> Option<&str> {
        match &self.0.reason {
            Reason::Refused(RefusedRequest { uid, .. }) => Some(uid),
            Reason::Undecided(_) => None,
        }
    }

    /// Returns the names of the policies that would not have admitted the request, as header fields
    /// have them.
    pub fn violated(&self) -> &[String] {
        match &self.0.reason {
            Reason::Refused(RefusedRequest { violated, .. }) => violated,
            Reason::Undecided(_) => &[],
        }
    }

    /// Returns the wait that the client is told; `None` if the request can never be admitted, or
    /// there is no decision.
    pub fn wait(&self) -> Option<Duration> {
        match &self.0.reason {
            Reason::Refused(RefusedRequest { wait, .. }) => *wait,
            Reason::Undecided(_) => None,
        }
    }

    /// Returns the status of the response.
    pub fn status(&self) -> StatusCode {
        self.0.response.status()
    }

    /// Returns the header fields of the response, including `Retry-After`. The final response also
    /// has those of earlier decisions on the request, in front of these.
    pub fn headers(&self) -> &HeaderMap {
        self.0.response.headers()
    }

    /// Returns the head of the refused request, for `on_throttled`. Elsewhere there may be none.
    pub fn parts(&self) -> Option<&Parts> {
        self.0.parts.as_ref()
    }

    /// Makes the rejection of a refused request.
    pub(crate) fn refused(refused: RefusedRequest, response: http::Response<Bytes>) -> Self {
        Self::new(Reason::Refused(refused), response)
    }

    fn new(reason: Reason, response: http::Response<Bytes>) -> Self {
        Self(Box::new(Inner {
            reason,
            response,
            parts: None,
            earlier: None,
        }))
    }

    /// Sets the request's head, for a function of the application that makes the response.
    pub(crate) fn set_parts(&mut self, parts: Parts) {
        self.0.parts = Some(parts);
    }

    /// Replaces the response.
    pub(crate) fn set_response(&mut self, response: http::Response<Bytes>) {
        self.0.response = response;
    }

    /// Adds the header fields of earlier decisions on the request to the response, in front of its
    /// own.
    pub(crate) fn with_earlier(mut self, earlier: Option<Earlier>) -> Self {
        self.0.earlier = earlier;
        self
    }

    /// Returns the response, with all its header fields.
    pub(crate) fn into_http(self) -> http::Response<Bytes> {
        let Inner {
            reason,
            mut response,
            earlier,
            ..
        } = *self.0;
        if matches!(reason, Reason::Refused(_)) {
            response.extensions_mut().insert(Refusal);
        }
        if let Some(Earlier { fields, request }) = earlier {
            fields.write(request, &mut response);
        }
        response
    }

    /// Makes the rejection of a request that could not be decided. The response may be a function
    /// of the application's, which is awaited.
    pub(crate) async fn of_error(error: Error) -> Self {
        if let Some(own) = error.own_response() {
            own.read().await;
        }
        error.into()
    }

    /// Returns `true` if a function of the application has made the response.
    pub(crate) fn is_answered(&self) -> bool {
        self.error().and_then(Error::own_response).is_some()
    }
}

/// The header fields of decisions that were made before on a request.
#[derive(Debug)]
pub(crate) struct Earlier {
    pub(crate) fields: Arc<dyn EarlierFields>,
    /// The copy of the request whose decisions are meant.
    pub(crate) request: Option<NonZeroUsize>,
}

/// Header fields that wait for a response. The HTTP adapter implements it.
pub(crate) trait EarlierFields: fmt::Debug + Send + Sync {
    /// Writes the fields that wait for a response to a copy of the request.
    fn write(&self, request: Option<NonZeroUsize>, response: &mut http::Response<Bytes>);
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        let response = if let Some(own) = error.own_response() {
            observe::answered(&error);
            own.take()
        } else {
            problem::of_error(&error)
        };
        Self::new(Reason::Undecided(error), response)
    }
}

/// The response of a [`Rejection`] that has this error.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Rejection::from(self).into_response()
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        self.into_http().map(Body::from)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.reason {
            Reason::Refused(RefusedRequest {
                wait: Some(wait), ..
            }) => {
                let seconds = whole_seconds(*wait).max(1);
                let unit = if seconds == 1 { "second" } else { "seconds" };
                write!(f, "too many requests; try again in {seconds} {unit}")
            }
            Reason::Refused(RefusedRequest { never, .. }) => match never {
                Some(Never::ForNow) => f.write_str("no request is admitted for the time being"),
                _ => f.write_str("this request costs more than is ever admitted at once"),
            },
            Reason::Undecided(_) if self.is_answered() => {
                write!(f, "the request was answered with {}", self.status())
            }
            Reason::Undecided(error) if error.is_transient() => {
                f.write_str("the rate limiter cannot decide now; try again later")
            }
            Reason::Undecided(_) => f.write_str("the rate limiter could not decide"),
        }
    }
}

impl StdError for Rejection {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.reason {
            Reason::Refused(_) => None,
            Reason::Undecided(error) => Some(error),
        }
    }
}
