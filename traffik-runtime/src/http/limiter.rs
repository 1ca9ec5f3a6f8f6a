use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use axum_core::extract::FromRequestParts;
use http::request::Parts;

use crate::decision::Decision;
use crate::definition::Definition;
use crate::definition::cost_source::CostSource;
#[cfg(feature = "ws")]
use crate::engine::admit_at;
use crate::engine::hit::Asking;
use crate::engine::identity_cache::Known;
use crate::engine::{admit_held, hit as hit_asked, reserve, would_admit};
use crate::error::Error;
use crate::http::layer::request_state::Trail;
use crate::http::response_fields::{Manner, Told};
use crate::rejection::Rejection;
use crate::throttle::Throttle;
use crate::throttle::deadline::Deadline;
use crate::throttle::deadline::wait;
use crate::throttle::reservation::Reservation;
use crate::throttle::stat::stat_of;
use crate::timer;

/// A throttle, or a set of them, bound to the client of one request; an argument of any handler.
///
/// To extract it asks who the client is, once, and takes nothing: it never refuses by itself. It keeps a copy of the
/// request's head, so it may outlive the handler, as in `ws.on_upgrade(move |socket| …)`; clones share it.
///
/// ```
/// use http::StatusCode;
/// use traffik::{Limiter, Rejection, throttles};
///
/// throttles! { throttle Uploads(rate = "10000/hour"); }
///
/// async fn upload(limiter: Limiter<Uploads>) -> Result<StatusCode, Rejection> {
///     let permit = limiter.reserve(1_000).await?; // take an upper bound …
///     let used = 750;
///     permit.settle(used).await?; // … pay what it was
///     Ok(StatusCode::CREATED)
/// }
/// ```
pub struct Limiter<T> {
    bound: Arc<Bound>,
    throttle: PhantomData<fn() -> T>,
}

/// What is asked of throttles for one client, whatever the throttles.
#[derive(Debug)]
pub(crate) struct Bound {
    parts: Parts,
    asking: Asking,
}

impl<T: Throttle> Limiter<T> {
    pub(super) fn new(parts: &Parts, asking: Asking) -> Self {
        Self {
            bound: Arc::new(Bound {
                parts: parts.clone(),
                asking,
            }),
            throttle: PhantomData,
        }
    }

    /// Takes what the request costs, from every member or from none.
    ///
    /// # Errors
    ///
    /// When it cannot be decided. To be refused is no error, but a [`Decision`].
    pub async fn hit(&self) -> Result<Decision, Error> {
        let Bound { parts, asking } = &*self.bound;
        hit_asked(&asking.asked(None), Some(parts)).await
    }

    /// Takes this cost instead.
    ///
    /// # Errors
    ///
    /// When it cannot be decided.
    pub async fn hit_cost(&self, cost: u64) -> Result<Decision, Error> {
        let Bound { parts, asking } = &*self.bound;
        hit_asked(&asking.asked(Some(cost)), Some(parts)).await
    }

    /// Whether a hit of this cost would be admitted now; takes nothing.
    ///
    /// # Errors
    ///
    /// When it cannot be decided.
    pub async fn check(&self, cost: u64) -> Result<bool, Error> {
        let Bound { parts, asking } = &*self.bound;
        would_admit(&asking.asked(Some(0)), Some(parts), cost).await
    }

    /// How the client stands; takes nothing.
    ///
    /// # Errors
    ///
    /// When it cannot be decided.
    pub async fn stat(&self) -> Result<T::Stat, Error> {
        let Bound { parts, asking } = &*self.bound;
        stat_of::<T>(asking, parts).await
    }

    /// Takes an upper bound, to be settled when it is known what it had to be. A queue's delay is waited for.
    ///
    /// # Errors
    ///
    /// When it is refused, or cannot be decided.
    pub async fn reserve(&self, cost: u64) -> Result<Reservation, Rejection> {
        let Bound { parts, asking } = &*self.bound;
        let (admission, held) = admit_held(asking, cost, parts).await?;
        let decision = admission.decision;
        let reservation = Reservation::new(held, decision, cost);
        if !decision.admitted {
            let told = Told::new(admission, Manner::default());
            let by_hand = |_: &Definition| CostSource::Head;
            return Err(Rejection::of_refusal(&decision, &told, parts, by_hand).await);
        }
        if !decision.delay.is_zero() {
            timer::sleep(decision.delay).await?;
        }
        Ok(reservation)
    }

    /// Takes this cost as soon as there is room, and waits for it until a deadline: a moment, or a time from now. A
    /// decision that could only be had later is given at once, as a refusal; a queue's delay is waited for too.
    ///
    /// Whoever stops waiting takes nothing. Waiting is no queue: of those who wait, the first to ask again is the first
    /// to be admitted.
    ///
    /// # Errors
    ///
    /// When it cannot be decided.
    pub async fn wait(&self, cost: u64, deadline: impl Into<Deadline>) -> Result<Decision, Error> {
        let Bound { parts, asking } = &*self.bound;
        let asked = asking.asked(Some(cost));
        wait(cost, deadline.into(), || reserve(&asked, Some(parts))).await
    }

    #[cfg(feature = "ws")]
    pub(crate) fn into_bound(self) -> Arc<Bound> {
        self.bound
    }

    /// The head of the request.
    pub fn parts(&self) -> &Parts {
        &self.bound.parts
    }
}

#[cfg(feature = "ws")]
impl Bound {
    /// Takes what the request costs or this, and says what to tell the client.
    pub(crate) async fn hit(&self, cost: Option<u64>) -> Result<(Decision, Told), Error> {
        let admission = admit_at(&self.asking, cost, &self.parts).await?;
        Ok((admission.decision, Told::new(admission, Manner::default())))
    }

    pub(crate) const fn parts(&self) -> &Parts {
        &self.parts
    }
}

impl<T: Throttle, S: Send + Sync> FromRequestParts<S> for Limiter<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        Known::remember(parts);
        let mut asking = Asking::of_anything();
        let asked = T::ask(parts, None, &mut asking).await;
        if let Err(error) = asked {
            let rejection = Rejection::of_error(error).await;
            return Err(rejection.after(Trail::of(parts)));
        }
        Ok(Self::new(parts, asking))
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
            .field("asking", &self.bound.asking)
            .finish_non_exhaustive()
    }
}
