//! What `#[throttled]` puts in front of a handler's last argument.

use std::future::{Future, ready};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use std::{fmt, mem};

use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;

use crate::callback::on_throttled::Responder;
use crate::decision::Decision;
use crate::definition::Definition;
use crate::definition::cost_source::CostSource;
use crate::engine::admit_at_once;
use crate::engine::hit::Asking;
use crate::error::Error;
use crate::header_style::HeaderStyle;
use crate::http::enforce::{heed, pass, told};
use crate::http::layer::request_state::Trail;
use crate::http::pending_fields::Kept;
use crate::http::response_fields::{Manner, Told};
use crate::rejection::Rejection;
use crate::throttle::Throttle;
use crate::throttle::define::Define;

/// One use of throttles on one handler, as the macros write it down.
#[doc(hidden)]
pub trait HandlerThrottle: Send + Sync {
    /// The throttles that decide. Their types are not named here, because they may be less visible than the
    /// handler, and an associated type may not.
    const HIT_SOURCE: HitSource;

    /// Header fields on this handler, whatever the members say.
    const HEADERS: Option<HeaderStyle> = None;

    /// The response to those who are refused on this handler, whatever the members say.
    const RESPONDER: Option<fn() -> Responder> = None;

    /// The spread of what refused clients are told to wait on this handler; `None`: the members' own.
    const SPREAD: Option<Duration> = None;

    /// `true` if this use calls a function of the application.
    const HAS_CALLBACKS: bool = false;

    /// `true` if the cost for all members is a constant.
    const COST_IS_CONSTANT: bool = false;

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
pub struct ThrottleExtractor<S> {
    /// What to tell the client.
    pub fields: Kept,
    site: PhantomData<fn() -> S>,
}

/// Adds the header fields to the handler's answer.
#[doc(hidden)]
pub fn add_fields(told: Kept, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    told.write(&mut response);
    response
}

/// A handler's answer with the header fields to add to it, for one whose type depends on who routes the handler.
#[doc(hidden)]
pub struct WithFields<T> {
    told: Kept,
    answer: T,
}

impl<T> WithFields<T> {
    /// Keeps the answer.
    pub const fn new(told: Kept, answer: T) -> Self {
        Self { told, answer }
    }
}

impl<T: IntoResponse> IntoResponse for WithFields<T> {
    fn into_response(self) -> Response {
        add_fields(self.told, self.answer)
    }
}

impl<T> fmt::Debug for WithFields<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithFields").finish_non_exhaustive()
    }
}

/// A throttle is a use of itself, where a handler says no more.
impl<T: Define> HandlerThrottle for T {
    const HIT_SOURCE: HitSource = HitSource::of::<T, T>();
}

impl<S: HandlerThrottle> ThrottleExtractor<S> {
    /// Decides what is asked.
    pub(crate) async fn pass(
        asking: Result<Asking, Error>,
        parts: &Parts,
    ) -> Result<Self, Rejection> {
        let told = decided(asking, parts, Trail::of(parts), Self::MANNER).await?;
        Ok(Self::of(told))
    }

    pub(crate) const MANNER: Manner = Manner {
        style: S::HEADERS,
        respond: S::RESPONDER,
        spread: S::SPREAD,
    };

    const fn of(told: Kept) -> Self {
        Self {
            fields: told,
            site: PhantomData,
        }
    }
}

/// What every gate does once it is known what is asked.
async fn decided(
    asking: Result<Asking, Error>,
    parts: &Parts,
    trail: Option<&Trail>,
    manner: Manner,
) -> Result<Kept, Rejection> {
    let passed = match asking {
        Ok(asking) => pass(&asking, parts, manner).await,
        Err(error) => Err(Rejection::of_error(error).await),
    };
    kept(passed, trail)
}

/// Adds a decision to the trail, or has its refusal tell of those that are there.
fn kept(
    passed: Result<(Decision, Told), Rejection>,
    trail: Option<&Trail>,
) -> Result<Kept, Rejection> {
    match passed {
        Ok((_, told)) => Ok(Kept::new(told, trail)),
        Err(rejection) => Err(rejection.after(trail)),
    }
}

impl<S: HandlerThrottle + 'static, State: Send + Sync> FromRequestParts<State>
    for ThrottleExtractor<S>
{
    type Rejection = Rejection;

    fn from_request_parts(
        parts: &mut Parts,
        _: &State,
    ) -> impl Future<Output = Result<Self, Rejection>> + Send {
        let trail = Trail::join(&mut parts.extensions);
        Passing {
            passed: passed(parts, Some(trail), S::HIT_SOURCE, Self::MANNER),
            site: PhantomData,
        }
    }
}

/// A gate that decides. It is compiled for every handler, so there is next to nothing of it.
struct Passing<'a, S> {
    passed: Passed<'a>,
    site: PhantomData<fn() -> S>,
}

impl<S> Future for Passing<'_, S> {
    type Output = Result<ThrottleExtractor<S>, Rejection>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match Pin::new(&mut Pin::into_inner(self).passed).poll(context) {
            Poll::Ready(Ok(told)) => Poll::Ready(Ok(ThrottleExtractor {
                fields: told,
                site: PhantomData,
            })),
            Poll::Ready(Err(rejection)) => Poll::Ready(Err(rejection)),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Whether a request was let through. Where that is known at once, a future has no part in it: it would be the largest
/// thing about the request.
pub(crate) enum Passed<'a> {
    Now(Kept),
    Later(Pin<Box<dyn Future<Output = Result<Kept, Rejection>> + Send + 'a>>),
}

impl Future for Passed<'_> {
    type Output = Result<Kept, Rejection>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match Pin::into_inner(self) {
            Self::Now(told) => Poll::Ready(Ok(mem::take(told))),
            Self::Later(passed) => passed.as_mut().poll(context),
        }
    }
}

/// The throttles of one use, as functions.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct HitSource(Way);

impl HitSource {
    /// The throttles `T` of the use `S`.
    pub const fn of<S: HandlerThrottle + 'static, T: Throttle>() -> Self {
        Self(match T::ONE {
            _ if S::HAS_CALLBACKS || T::HAS_CALLBACKS => {
                Way::Later(|parts| Box::pin(asked::<S, T>(parts)))
            }
            Some(definition) => Way::One(definition),
            None => Way::Plain(T::plain),
        })
    }

    /// The throttles `T` of a use whose closures look at the handler's arguments, and whose type may borrow.
    pub const fn of_closures<T: Throttle>() -> Self {
        Self(Way::Later(|parts| {
            Box::pin(async move {
                let mut asking = Asking::default();
                T::ask(parts, None, &mut asking).await?;
                Ok(asking)
            })
        }))
    }
}

/// A function that adds what throttles have to decide for a request, with their own costs or this one.
#[doc(hidden)]
pub type AddHits = for<'a> fn(
    &'a Parts,
    Option<u64>,
    &'a mut Asking,
) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;

/// Returns that function for the throttles `T`.
#[doc(hidden)]
pub const fn add_hits_of<T: Throttle>() -> AddHits {
    |parts, cost, asking| Box::pin(T::ask(parts, cost, asking))
}

/// What has to be done to know what a use asks for.
#[derive(Clone, Copy)]
enum Way {
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
pub(crate) fn passed(
    parts: &Parts,
    trail: Option<Trail>,
    site: HitSource,
    manner: Manner,
) -> Passed<'_> {
    let mut asking = Asking::default();
    match site.0 {
        Way::One(definition) => asking.add_plain(definition()),
        Way::Plain(plain) => plain(&mut asking),
        Way::Later(asking) => return passed_later(asking(parts), parts, trail, manner),
    }
    if !asking.ask_plain(parts) {
        return passed_later(asking.ask_backends(parts), parts, trail, manner);
    }
    match admit_at_once(&asking, None, parts) {
        Some(Ok(admission)) if admission.is_over() => {
            let told = told(admission, &asking, trail.as_ref(), manner);
            Passed::Now(Kept::new(told, trail.as_ref()))
        }
        Some(admission) => Passed::Later(Box::pin(async move {
            let passed = match admission {
                Ok(admission) => heed(admission, &asking, parts, manner).await,
                Err(error) => Err(error.into()),
            };
            kept(passed, trail.as_ref())
        })),
        None => passed_later(ready(Ok(asking)), parts, trail, manner),
    }
}

fn passed_later<'a>(
    asking: impl Future<Output = Result<Asking, Error>> + Send + 'a,
    parts: &'a Parts,
    trail: Option<Trail>,
    manner: Manner,
) -> Passed<'a> {
    Passed::Later(Box::pin(async move {
        decided(asking.await, parts, trail.as_ref(), manner).await
    }))
}

impl<S> fmt::Debug for ThrottleExtractor<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottleExtractor").finish_non_exhaustive()
    }
}

impl fmt::Debug for HitSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HitSource").finish_non_exhaustive()
    }
}

/// The source of the cost for all members, where it is no closure.
pub(crate) const fn site_source<S: HandlerThrottle>() -> CostSource {
    if S::COST_IS_CONSTANT {
        CostSource::Constant
    } else {
        CostSource::Head
    }
}

async fn asked<S: HandlerThrottle, T: Throttle>(parts: &Parts) -> Result<Asking, Error> {
    let mut asking = Asking::default();
    if !S::applies(parts).await? {
        return Ok(asking);
    }
    let cost = S::cost(parts).await?;
    asking.set_cost_source(site_source::<S>());
    T::ask(parts, cost, &mut asking).await?;
    Ok(asking)
}
