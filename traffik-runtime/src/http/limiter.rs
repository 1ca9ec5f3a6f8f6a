//! `Limiter`: a throttle bound to the client of one request.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use axum_core::extract::FromRequestParts;
use http::request::Parts;

use crate::decision::Decision;
use crate::definition::Definition;
use crate::engine::cost_source::CostSource;
use crate::engine::detail::DetailedDecision;
#[cfg(feature = "ws")]
use crate::engine::hit::ThrottleHit;
#[cfg(feature = "ws")]
use crate::engine::hit_set::HitRequest;
use crate::engine::hit_set::{HitSet, RequestHits};
use crate::engine::hold::Hold;
use crate::engine::identity_cache::IdentityCache;
use crate::engine::{decide, reserve, would_admit};
use crate::error::Error;
use crate::http::fields::Fields;
use crate::http::layer::request_state::RequestState;
use crate::http::reject::reject;
use crate::http::response_style::ResponseStyle;
use crate::rejection::Rejection;
use crate::throttle::deadline::{Deadline, wait};
use crate::throttle::reservation::Reservation;
use crate::throttle::{Throttle, stat_of};
use crate::timer;

/// A throttle, or a set of them, bound to the client of one request: an argument of any handler.
///
/// The extractor resolves the client, once, and counts nothing: it refuses no request by itself. It
/// keeps a copy of the request's head, so it may outlive the handler, as in
/// `ws.on_upgrade(move |socket| …)`. Clones share it.
///
/// ```
/// use http::StatusCode;
/// use traffik::{Limiter, Rejection, throttles};
///
/// throttles! { throttle Uploads(rate = "10000/hour"); }
///
/// async fn upload(limiter: Limiter<Uploads>) -> Result<StatusCode, Rejection> {
///     let permit = limiter.reserve(1_000).await?; // count an upper bound …
///     let used = 750;
///     permit.settle(used).await?; // … and settle it with the cost
///     Ok(StatusCode::CREATED)
/// }
/// ```
pub struct Limiter<T> {
    bound: Arc<BoundHits>,
    throttle: PhantomData<fn() -> T>,
}

/// The hits of one request and its head, without the type of the throttle.
#[derive(Debug)]
pub(crate) struct BoundHits {
    parts: Parts,
    hits: HitSet,
}

impl<T: Throttle> Limiter<T> {
    pub(super) fn new(parts: &Parts, hits: HitSet) -> Self {
        Self {
            bound: Arc::new(BoundHits {
                parts: parts.clone(),
                hits,
            }),
            throttle: PhantomData,
        }
    }

    /// Counts the cost of the request, on every member or on none.
    ///
    /// # Errors
    ///
    /// The backend failed, and its policy raises the error. A refusal is no error, but a
    /// [`Decision`].
    pub async fn hit(&self) -> Result<Decision, Error> {
        decide(self.bound.request(), None).await.1
    }

    /// Counts this cost instead.
    ///
    /// # Errors
    ///
    /// The backend failed, and its policy raises the error.
    pub async fn hit_cost(&self, cost: u64) -> Result<Decision, Error> {
        decide(self.bound.request(), Some(cost)).await.1
    }

    /// Returns `true` if a hit of this cost would be admitted now. Counts nothing.
    ///
    /// # Errors
    ///
    /// The backend failed, and its policy raises the error.
    pub async fn check(&self, cost: u64) -> Result<bool, Error> {
        let BoundHits { parts, hits } = &*self.bound;
        Box::pin(would_admit(hits.hits(), Some(parts), cost)).await
    }

    /// Returns how the client stands. Counts nothing.
    ///
    /// # Errors
    ///
    /// The backend failed.
    pub async fn stat(&self) -> Result<T::Stat, Error> {
        let BoundHits { parts, hits } = &*self.bound;
        stat_of::<T>(hits, parts).await
    }

    /// Reserves `cost` units; settle the reservation with the amount that was used. A queue's delay
    /// is waited for.
    ///
    /// # Errors
    ///
    /// The hit is refused, or the backend failed.
    pub async fn reserve(&self, cost: u64) -> Result<Reservation, Rejection> {
        let reserved: Result<(DetailedDecision, Hold), Error> =
            reserve(self.bound.request(), Some(cost)).await.1;
        let (detailed, hold) = reserved?;
        let decision = detailed.decision;
        let reservation = Reservation::new(hold, decision, cost);
        if !decision.admitted {
            let fields = Fields::new(detailed, ResponseStyle::default());
            let in_code = |_: &Definition| CostSource::Head;
            return Err(reject(&decision, &fields, &self.bound.parts, in_code).await);
        }
        if !decision.delay.is_zero() {
            timer::sleep(decision.delay).await?;
        }
        Ok(reservation)
    }

    /// Counts this cost as soon as there is room, and waits for that until a deadline: a moment, or
    /// a time from now. If there will be no room before the deadline, the refusal is returned at
    /// once. A queue's delay is waited for too.
    ///
    /// A caller that stops waiting has counted nothing. Waiting callers are no queue: the first to
    /// try again is the first to be admitted.
    ///
    /// # Errors
    ///
    /// The backend failed, and its policy raises the error.
    pub async fn wait(&self, cost: u64, deadline: impl Into<Deadline>) -> Result<Decision, Error> {
        let hit = || async { reserve(self.bound.request(), Some(cost)).await.1 };
        wait(cost, deadline.into(), hit).await
    }

    #[cfg(feature = "ws")]
    pub(crate) fn into_bound(self) -> Arc<BoundHits> {
        self.bound
    }

    /// Returns the head of the request.
    pub fn parts(&self) -> &Parts {
        &self.bound.parts
    }
}

impl BoundHits {
    fn request(&self) -> RequestHits<&HitSet, &Parts> {
        let Self { parts, hits } = self;
        RequestHits { hits, parts }
    }

    #[cfg(feature = "ws")]
    pub(crate) const fn parts(&self) -> &Parts {
        &self.parts
    }
}

#[cfg(feature = "ws")]
impl HitRequest<'static> for Arc<BoundHits> {
    fn hits(&self) -> &[ThrottleHit<'static>] {
        self.hits.hits()
    }

    fn parts(&self) -> Option<&Parts> {
        Some(&self.parts)
    }
}

impl<T: Throttle, S: Send + Sync> FromRequestParts<S> for Limiter<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        IdentityCache::enable(parts);
        let mut hits = HitSet::for_extractor();
        if let Err(error) = T::add_hits(parts, None, &mut hits).await {
            let rejection = Rejection::of_error(error).await;
            let state = RequestState::of(parts);
            return Err(rejection.with_earlier(state.map(RequestState::earlier)));
        }
        Ok(Self::new(parts, hits))
    }
}

impl<T> Clone for Limiter<T> {
    fn clone(&self) -> Self {
        Self {
            bound: self.bound.clone(),
            throttle: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Limiter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("hits", &self.bound.hits)
            .finish_non_exhaustive()
    }
}
