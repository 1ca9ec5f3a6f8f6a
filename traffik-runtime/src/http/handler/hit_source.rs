//! The source of a handler's hits.

use std::fmt;

use http::request::Parts;

use crate::definition::Definition;
use crate::engine::hit::ThrottleHit;
use crate::engine::hit_set::HitSet;
use crate::error::Error;
use crate::flow::{BoxFuture, Flow};
use crate::inline_vec::InlineVec4;
use crate::throttle::Throttle;

/// The throttles of one handler, as functions.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct HitSource(pub(super) Source);

/// The three kinds of sources.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// One throttle without callbacks.
    Single(fn() -> &'static Definition),
    /// Throttles without callbacks.
    Static(fn(&mut InlineVec4<&'static Definition>)),
    /// Throttles with callbacks.
    Callbacks(AddToSet),
}

/// A function that adds the hits of a request to a set, at the throttles' own costs or at this one.
pub(super) type AddToSet = fn(&Parts, Option<u64>, HitSet) -> BoxFuture<'_, Result<HitSet, Error>>;

impl HitSource {
    /// The throttles `T` of a handler whose options call no function.
    pub const fn of_throttles<T: Throttle>() -> Self {
        if T::HAS_CALLBACKS {
            return Self(Source::Callbacks(|parts, cost, mut hits| {
                Box::pin(async move {
                    T::add_hits(parts, cost, &mut hits).await?;
                    Ok(hits)
                })
            }));
        }
        Self(match T::SINGLE {
            Some(definition) => Source::Single(definition),
            None => Source::Static(T::definitions),
        })
    }

    /// Returns the hit of a request, if there is one throttle and no identifier to call.
    #[inline]
    pub(super) fn single_hit(self, parts: &Parts) -> Option<ThrottleHit<'static>> {
        match self.0 {
            Source::Single(definition) => definition().static_hit(parts),
            Source::Static(_) | Source::Callbacks(_) => None,
        }
    }

    /// Returns the hits of a request.
    pub(crate) fn resolve(self, parts: &Parts) -> Flow<'_, Result<HitSet, Error>> {
        match self.0 {
            Source::Single(definition) => add_identified(
                HitSet::default(),
                InlineVec4::from_iter([definition()]),
                parts,
            ),
            Source::Static(definitions) => {
                let mut throttles = InlineVec4::new();
                definitions(&mut throttles);
                let mut hits = HitSet::default();
                let added = hits.add_leading_static(&throttles, parts);
                if added == throttles.len() {
                    return Flow::Ready(Ok(hits));
                }
                throttles.drain(..added);
                add_identified(hits, throttles, parts)
            }
            Source::Callbacks(add) => Flow::Pending(add(parts, None, HitSet::default())),
        }
    }

    /// Adds the hits of a request to a set that has the values of closures, at the throttles' own
    /// costs or at this one.
    pub(super) async fn add(
        self,
        parts: &Parts,
        cost: Option<u64>,
        mut hits: HitSet,
    ) -> Result<HitSet, Error> {
        let mut throttles = InlineVec4::new();
        match self.0 {
            Source::Single(definition) => throttles.push(definition()),
            Source::Static(definitions) => definitions(&mut throttles),
            Source::Callbacks(add) => return add(parts, cost, hits).await,
        }
        hits.add_identified(&throttles, parts, cost).await?;
        Ok(hits)
    }
}

fn add_identified<'a>(
    mut hits: HitSet,
    throttles: InlineVec4<&'static Definition>,
    parts: &'a Parts,
) -> Flow<'a, Result<HitSet, Error>> {
    Flow::pending(async move {
        hits.add_identified(&throttles, parts, None).await?;
        Ok(hits)
    })
}

impl fmt::Debug for HitSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HitSource").finish_non_exhaustive()
    }
}
