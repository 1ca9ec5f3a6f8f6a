//! What `#[throttled]` puts in front of a handler's last argument.

use std::fmt;
use std::future::{Future, ready};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

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
use crate::throttle::{Asking, Define, Definition, HeaderStyle, Throttle};

/// One use of throttles on one handler, as the macros write it down.
#[doc(hidden)]
pub trait Site: Send + Sync {
    /// What is decided.
    type Throttle: Throttle;

    /// Header fields on this handler, whatever the members say.
    const HEADERS: Option<HeaderStyle> = None;

    /// The response to those who are refused on this handler, whatever the members say.
    const RESPOND: Option<fn() -> Responder> = None;

    /// Whether this use asks no function of the application's.
    const IS_PLAIN: bool = false;

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
    /// What to tell the client.
    pub told: Kept,
    site: PhantomData<fn() -> S>,
}

/// Where what to tell a client is remembered: here, or with the layer above, which tells it if the handler is never asked.
///
/// For each handler that holds one, the compiler proves of all there is in it that it can be sent to another thread; behind
/// `dyn` that is one step and not two hundred.
#[doc(hidden)]
pub struct Kept(Box<dyn Tell>);

trait Tell: Send + Sync {
    /// What to tell, unless somebody else already has.
    fn told(self: Box<Self>) -> Option<Told>;
}

impl Tell for Told {
    fn told(self: Box<Self>) -> Option<Told> {
        Some(*self)
    }
}

impl Tell for Leaving {
    fn told(self: Box<Self>) -> Option<Told> {
        self.take()
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}

impl Kept {
    pub(super) fn new(told: Told, parts: &Parts) -> Self {
        Self(match Trail::of(parts) {
            None => Box::new(told),
            Some(trail) => Box::new(trail.leave(told)),
        })
    }

    /// Writes it, unless somebody else already has.
    pub(super) fn write(self, headers: &mut HeaderMap) {
        if let Some(told) = self.0.told() {
            told.write(headers);
        }
    }

    /// The same for a whole response, which may be a refusal that the handler has passed on.
    fn write_to<B>(self, response: &mut http::Response<B>) {
        let told = self.0.told();
        let is_refusal = response.extensions().get::<Refusal>().is_some();
        match told {
            Some(told) if is_refusal => told.write_beside_refusal(response.headers_mut()),
            Some(told) => told.write(response.headers_mut()),
            None => {}
        }
    }
}

/// Adds the header fields to the handler's answer.
#[doc(hidden)]
pub fn finish(told: Kept, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    told.write_to(&mut response);
    response
}

/// A throttle is a use of itself, where a handler says no more.
impl<T: Define> Site for T {
    type Throttle = T;

    const IS_PLAIN: bool = true;
}

impl<S: Site> Gate<S> {
    /// Decides what is asked.
    pub(super) async fn pass(
        asking: Result<Asking, Error>,
        parts: &Parts,
    ) -> Result<Self, Rejection> {
        let told = decided(asking, parts, Self::MANNER).await?;
        Ok(Self::of(told))
    }

    const MANNER: Manner = Manner {
        style: S::HEADERS,
        respond: S::RESPOND,
    };

    const fn of(told: Kept) -> Self {
        Self {
            told,
            site: PhantomData,
        }
    }
}

/// What every gate does once it is known what is asked.
async fn decided(
    asking: Result<Asking, Error>,
    parts: &Parts,
    manner: Manner,
) -> Result<Kept, Rejection> {
    let (_, told) = pass(&asking?, parts, manner).await?;
    Ok(Kept::new(told, parts))
}

impl<S: Site + 'static> Gate<S> {
    const USE: Use = match <S::Throttle as Throttle>::ONE {
        _ if !S::IS_PLAIN || !<S::Throttle as Throttle>::IS_PLAIN => {
            Use::Later(|parts| Box::pin(asked::<S>(parts)))
        }
        Some(definition) => Use::One(definition),
        None => Use::Plain(<S::Throttle as Throttle>::plain),
    };
}

impl<S: Site + 'static, State: Send + Sync> FromRequestParts<State> for Gate<S> {
    type Rejection = Rejection;

    fn from_request_parts(
        parts: &mut Parts,
        _: &State,
    ) -> impl Future<Output = Result<Self, Rejection>> + Send {
        Passing {
            passed: passed(parts, Self::USE, Self::MANNER),
            site: PhantomData,
        }
    }
}

/// A gate that decides. It is compiled for every handler, so there is next to nothing of it.
struct Passing<'a, S> {
    passed: Passed<'a>,
    site: PhantomData<fn() -> S>,
}

type Passed<'a> = Pin<Box<dyn Future<Output = Result<Kept, Rejection>> + Send + 'a>>;

impl<S> Future for Passing<'_, S> {
    type Output = Result<Gate<S>, Rejection>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match poll(&mut Pin::into_inner(self).passed, context) {
            Poll::Ready(Ok(told)) => Poll::Ready(Ok(Gate {
                told,
                site: PhantomData,
            })),
            Poll::Ready(Err(rejection)) => Poll::Ready(Err(rejection)),
            Poll::Pending => Poll::Pending,
        }
    }
}

fn poll(passed: &mut Passed<'_>, context: &mut Context<'_>) -> Poll<Result<Kept, Rejection>> {
    passed.as_mut().poll(context)
}

/// What has to be done to know what a use asks for.
enum Use {
    /// One throttle, which asks no function.
    One(fn() -> &'static Definition),
    /// Throttles that ask no function.
    Plain(fn(&mut Asking)),
    /// What may have to be waited for.
    Later(Later),
}

type Later =
    for<'a> fn(&'a Parts) -> Pin<Box<dyn Future<Output = Result<Asking, Error>> + Send + 'a>>;

/// Decides, for whatever handler.
fn passed(parts: &Parts, site: Use, manner: Manner) -> Passed<'_> {
    Box::pin(async move {
        let mut asking = Asking::default();
        let asking = match site {
            Use::One(definition) => {
                asking.add_plain(definition());
                asking.ask_plain(parts).await
            }
            Use::Plain(plain) => {
                plain(&mut asking);
                asking.ask_plain(parts).await
            }
            Use::Later(later) => later(parts).await,
        };
        decided(asking, parts, manner).await
    })
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
