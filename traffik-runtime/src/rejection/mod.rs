//! Why a request was not let through.

pub(crate) mod problem;
pub(crate) mod text;

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, StatusCode};

use crate::callback::on_throttled::Responder;
use crate::decision::Decision;
use crate::definition::Definition;
use crate::definition::cost_source::CostSource;
use crate::error::Error;
use crate::http::layer::request_state::Trail;
use crate::http::response_fields::Told;
use crate::inline_vec::InlineVec1;
use crate::observe;
use crate::rejection::problem::Never;
use crate::rejection::text::whole_seconds;

/// A request that a throttle refused, or that none could decide on.
///
/// As a response it is 429, or 400 or 413 where it can never be admitted, 503 or 500, with a problem (RFC 9457), or what `on_throttled` or the error of a function of the
/// application's says; as an error it says the same
/// in words that may be shown to clients: what only operators are to read is in [`uid`](Self::uid), [`error`](Self::error)
/// and `Debug`. The response carries `Cache-Control: no-store`, unless `on_throttled` sets that field.
#[derive(Debug)]
pub struct Rejection(Box<Inner>);

#[derive(Debug)]
struct Inner {
    why: Why,
    response: http::Response<Bytes>,
    /// The request's head, where somebody is to see it.
    parts: Option<Parts>,
    /// The decisions that were made before, for the response to tell of.
    trail: Option<Trail>,
}

/// In a response's extensions: that it is a refusal, wherever a handler got it from. The fields that have room for one
/// policy stay with that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal;

#[derive(Debug)]
enum Why {
    Refused {
        decision: Decision,
        wait: Option<Duration>,
        /// The reason why it is never admitted; `None` if waiting helps.
        never: Option<Never>,
        uid: &'static str,
        violated: InlineVec1<String>,
    },
    Undecided(Error),
}

impl Rejection {
    /// The decision, if it was one.
    pub fn decision(&self) -> Option<&Decision> {
        match &self.0.why {
            Why::Refused { decision, .. } => Some(decision),
            Why::Undecided(_) => None,
        }
    }

    /// Why there is no decision, if there is none.
    pub fn error(&self) -> Option<&Error> {
        match &self.0.why {
            Why::Refused { .. } => None,
            Why::Undecided(error) => Some(error),
        }
    }

    /// The throttle that refused; of a set, the one with the longest wait.
    pub fn uid(&self) -> Option<&str> {
        match &self.0.why {
            Why::Refused { uid, .. } => Some(uid),
            Why::Undecided(_) => None,
        }
    }

    /// The names of the policies that would not have admitted it, as header fields have them.
    pub fn violated(&self) -> &[String] {
        match &self.0.why {
            Why::Refused { violated, .. } => violated,
            Why::Undecided(_) => &[],
        }
    }

    /// How long the client is told to wait; `None` if it can never be admitted, or where there is no decision.
    pub fn wait(&self) -> Option<Duration> {
        match &self.0.why {
            Why::Refused { wait, .. } => *wait,
            Why::Undecided(_) => None,
        }
    }

    /// The status of the response.
    pub fn status(&self) -> StatusCode {
        self.0.response.status()
    }

    /// The header fields of the response, `Retry-After` among them. As a response it also has those of decisions that were
    /// made for the request before, in front of these.
    pub fn headers(&self) -> &HeaderMap {
        self.0.response.headers()
    }

    /// The head of the request that was refused, for `on_throttled`; else there may be none.
    pub fn parts(&self) -> Option<&Parts> {
        self.0.parts.as_ref()
    }

    /// What is refused, with the response that the throttle, its backend or nobody has of its own.
    pub(crate) async fn of_refusal(
        decision: &Decision,
        told: &Told,
        parts: &Parts,
        cost_source: impl Fn(&Definition) -> CostSource,
    ) -> Self {
        let speaker = told.speaker();
        let never = decision
            .never()
            .then(|| Never::new(decision, speaker, cost_source));
        let rejection = Self::told(*decision, told, speaker, never);
        let Some(speaker) = speaker else {
            return rejection;
        };
        let own = told.responder();
        let own = own.or_else(|| speaker.settings.on_throttled.get().cloned());
        let responder = own.or_else(|| {
            let backend = speaker.chosen_backend(Some(parts));
            backend.responder().cloned()
        });
        match responder {
            Some(responder) => Box::pin(rejection.answered(responder, told, parts)).await,
            None => rejection,
        }
    }

    /// The same with the response that nobody has of their own.
    fn told(
        decision: Decision,
        told: &Told,
        speaker: Option<&'static Definition>,
        never: Option<Never>,
    ) -> Self {
        // What a law said stays exact; what a client is told of it need not be.
        let wait = decision.wait.map(|wait| told.wait(wait));
        let violated = told.violated();
        let mut headers = HeaderMap::new();
        told.write(&mut headers);
        let response = if decision.decided {
            match never {
                Some(never) => problem::refused_for_ever(never, &violated, headers),
                None => {
                    let wait = left(&decision, told).unwrap_or_default();
                    problem::refused(wait, &violated, headers)
                }
            }
        } else {
            problem::held_off(wait.unwrap_or_default(), headers)
        };
        Self(Box::new(Inner {
            why: Why::Refused {
                decision,
                wait,
                never,
                uid: speaker.map_or("", |speaker| speaker.uid()),
                violated,
            },
            response,
            parts: None,
            trail: None,
        }))
    }

    /// The same with a response of the application's own.
    async fn answered(mut self, responder: Responder, told: &Told, parts: &Parts) -> Self {
        self.0.parts = Some(parts.clone());
        let response = responder.respond(&self).await;
        let (mut head, body) = response.into_parts();
        // It is kept, and may be sent where bodies have another type. One that fails says nothing.
        let body = axum::body::to_bytes(body, usize::MAX).await;
        if head.status == StatusCode::OK {
            head.status = self.status();
        }
        for (name, value) in &self.fields(told) {
            if !head.headers.contains_key(name) {
                head.headers.append(name, value.clone());
            }
        }
        self.0.response = http::Response::from_parts(head, body.unwrap_or_default());
        self
    }

    /// The fields of a refusal, true of this moment.
    fn fields(&self, told: &Told) -> HeaderMap {
        let mut headers = HeaderMap::new();
        told.write(&mut headers);
        if let Why::Refused { decision, .. } = &self.0.why
            && let Some(wait) = left(decision, told)
        {
            headers.insert(RETRY_AFTER, whole_seconds(wait).max(1).into());
        }
        headers.insert(CACHE_CONTROL, problem::NO_STORE);
        headers
    }

    /// Has the response tell of the decisions that were made before this one.
    pub(crate) fn after(mut self, trail: Option<&Trail>) -> Self {
        self.0.trail = trail.map(Trail::share);
        self
    }

    pub(crate) fn into_http(self) -> http::Response<Bytes> {
        let Inner {
            why,
            mut response,
            trail,
            ..
        } = *self.0;
        if matches!(why, Why::Refused { .. }) {
            response.extensions_mut().insert(Refusal);
        }
        if let Some(trail) = trail {
            trail.write(&mut response);
        }
        response
    }
}

/// Returns what a client is told to wait now. A wait that no law has said begins with the answer.
fn left(decision: &Decision, told: &Told) -> Option<Duration> {
    decision.wait.map(|wait| {
        if decision.decided {
            told.wait_left(wait)
        } else {
            told.wait(wait)
        }
    })
}

impl Rejection {
    /// The response to an error, which may have to be waited for.
    pub(crate) async fn of_error(error: Error) -> Self {
        if let Some(own) = error.own_response() {
            own.read().await;
        }
        error.into()
    }

    /// Returns whether a function of the application's has answered the request.
    pub(crate) fn is_answered(&self) -> bool {
        self.error().and_then(Error::own_response).is_some()
    }
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        let response = if let Some(own) = error.own_response() {
            observe::answered(&error);
            own.take()
        } else {
            problem::of_error(&error)
        };
        Self(Box::new(Inner {
            response,
            why: Why::Undecided(error),
            parts: None,
            trail: None,
        }))
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
        match &self.0.why {
            Why::Refused {
                wait: Some(wait), ..
            } => {
                let seconds = whole_seconds(*wait).max(1);
                let unit = if seconds == 1 { "second" } else { "seconds" };
                write!(f, "too many requests; try again in {seconds} {unit}")
            }
            Why::Refused { never, .. } => match never {
                Some(Never::ForNow) => f.write_str("no request is admitted for the time being"),
                _ => f.write_str("this request costs more than is ever admitted at once"),
            },
            Why::Undecided(_) if self.is_answered() => {
                write!(f, "the request was answered with {}", self.status())
            }
            Why::Undecided(error) if error.is_transient() => {
                f.write_str("the rate limiter cannot decide now; try again later")
            }
            Why::Undecided(_) => f.write_str("the rate limiter could not decide"),
        }
    }
}

impl StdError for Rejection {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.why {
            Why::Refused { .. } => None,
            Why::Undecided(error) => Some(error),
        }
    }
}
