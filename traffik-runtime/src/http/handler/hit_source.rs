//! The source of a handler's hits.

use std::fmt;

use http::request::Parts;

use crate::definition::Definition;
use crate::engine::hit::ThrottleHit;
use crate::engine::hit_set::HitSet;
use crate::error::Error;
use crate::flow::{BoxFuture, Flow};
use crate::inline_vec::InlineVec1;
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
    Static(fn(&mut InlineVec1<&'static Definition>)),
    /// Throttles with callbacks.
    Callbacks(fn(&Parts) -> BoxFuture<'_, Result<HitSet, Error>>),
}

impl HitSource {
    /// The source of throttles without callbacks.
    pub(super) const fn without_callbacks<T: Throttle>() -> Self {
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
                InlineVec1::from_buf([definition()]),
                parts,
            ),
            Source::Static(definitions) => {
                let mut throttles = InlineVec1::new();
                definitions(&mut throttles);
                let mut hits = HitSet::default();
                let added = hits.add_leading_static(&throttles, parts);
                if added == throttles.len() {
                    return Flow::Ready(Ok(hits));
                }
                throttles.drain(..added);
                add_identified(hits, throttles, parts)
            }
            Source::Callbacks(hits) => Flow::Pending(hits(parts)),
        }
    }
}

fn add_identified<'a>(
    mut hits: HitSet,
    throttles: InlineVec1<&'static Definition>,
    parts: &'a Parts,
) -> Flow<'a, Result<HitSet, Error>> {
    Flow::pending(async move {
        hits.add_identified(&throttles, parts).await?;
        Ok(hits)
    })
}

impl fmt::Debug for HitSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HitSource").finish_non_exhaustive()
    }
}
