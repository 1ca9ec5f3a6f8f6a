//! What `#[throttled]` puts in front of a handler's last argument.

use std::fmt;
use std::future::{Future, ready};
use std::marker::PhantomData;

use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::HeaderMap;
use http::request::Parts;

use super::pass::pass;
use super::rejection::Refusal;
use super::told::{Manner, Told};
use super::trail::{Leaving, Trail};
use super::{Rejection, Responder};
use crate::error::Error;
use crate::throttle::{Asking, HeaderStyle, Throttle};

/// One use of throttles on one handler, as the macros write it down.
#[doc(hidden)]
pub trait Site: Send + Sync {
    /// What is decided.
    type Throttle: Throttle;

    /// Header fields on this handler, whatever the members say.
    const HEADERS: Option<HeaderStyle> = None;

    /// The response to those who are refused on this handler, whatever the members say.
    const RESPOND: Option<fn() -> Responder> = None;

    /// Whether anything is decided on this handler, whatever the members say.
    fn applies(parts: &Parts) -> impl Future<Output = Result<bool, Error>> + Send {
        let _ = parts;
        ready(Ok(true))
    }

    /// What each member takes on this handler, whatever it says.
    fn cost(parts: &Parts) -> impl Future<Output = Result<Option<u64>, Error>> + Send {
        let _ = parts;
        ready(Ok(None))
    }
}

/// An extractor that lets a request pass if its throttles admit it, and remembers what to tell the client.
#[doc(hidden)]
pub struct Gate<S> {
    told: Kept,
    site: PhantomData<fn() -> S>,
}

/// Where what to tell a client is remembered.
pub(super) enum Kept {
    Here(Told),
    /// With the layer above, which tells it if the handler is never asked.
    Above(Leaving),
}

impl Kept {
    pub(super) fn new(told: Told, parts: &Parts) -> Self {
        match Trail::of(parts) {
            None => Self::Here(told),
            Some(trail) => Self::Above(trail.leave(told)),
        }
    }

    /// Writes it, unless somebody else already has.
    pub(super) fn write(self, headers: &mut HeaderMap) {
        if let Some(told) = self.told() {
            told.write(headers);
        }
    }

    /// The same for a whole response, which may be a refusal that the handler has passed on.
    fn write_to<B>(self, response: &mut http::Response<B>) {
        let told = self.told();
        let is_refusal = response.extensions().get::<Refusal>().is_some();
        match told {
            Some(told) if is_refusal => told.write_beside_refusal(response.headers_mut()),
            Some(told) => told.write(response.headers_mut()),
            None => {}
        }
    }

    fn told(self) -> Option<Told> {
        match self {
            Self::Here(told) => Some(told),
            Self::Above(left) => left.take(),
        }
    }
}

impl<S: Site> Gate<S> {
    /// Adds the header fields to the handler's answer.
    pub fn finish(self, answer: impl IntoResponse) -> Response {
        let mut response = answer.into_response();
        self.told.write_to(&mut response);
        response
    }

    /// Decides what is asked.
    pub(super) async fn pass(
        asking: Result<Asking, Error>,
        parts: &Parts,
    ) -> Result<Self, Rejection> {
        let manner = Manner {
            style: S::HEADERS,
            respond: S::RESPOND,
        };
        let (_, told) = pass(&asking?, parts, manner).await?;
        Ok(Self {
            told: Kept::new(told, parts),
            site: PhantomData,
        })
    }
}

impl<S: Site, State: Send + Sync> FromRequestParts<State> for Gate<S> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, Rejection> {
        Self::pass(asked::<S>(parts).await, parts).await
    }
}

impl<S> fmt::Debug for Gate<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}

async fn asked<S: Site>(parts: &Parts) -> Result<Asking, Error> {
    let mut asking = Asking::default();
    if !S::applies(parts).await? {
        return Ok(asking);
    }
    let cost = S::cost(parts).await?;
    S::Throttle::ask(parts, cost, &mut asking).await?;
    Ok(asking)
}
