//! Several hits that are admitted together.

use std::fmt;

use http::request::Parts;

use crate::decision::Decision;
use crate::engine;
use crate::engine::hit_set::{HitSet, RequestHits};
use crate::error::Error;
use crate::inline_vec::InlineVec1;
use crate::throttle::{AddHits, Throttle, add_hits_of};

/// Several hits as one: all are admitted, or none is.
///
/// ```
/// use traffik::{Quota, Throttle};
///
/// async fn pay<Requests: Throttle, Bytes: Throttle>(
///     head: &http::request::Parts,
/// ) -> Result<bool, traffik::Error> {
///     let decision = Quota::new(head).add::<Requests>(1).add::<Bytes>(4_096).commit().await?;
///     Ok(decision.admitted)
/// }
/// ```
#[must_use = "nothing is counted before `commit`"]
pub struct Quota<'a> {
    parts: &'a Parts,
    hits: InlineVec1<(AddHits, u64)>,
}

impl<'a> Quota<'a> {
    /// Creates a quota without hits, for the client of this request.
    pub fn new(parts: &'a Parts) -> Self {
        Self {
            parts,
            hits: InlineVec1::new(),
        }
    }

    /// Adds a hit of this cost on a throttle, or on each member of a set. If a throttle is added
    /// twice, both hits are counted.
    #[expect(
        clippy::should_implement_trait,
        reason = "the throttle is a type, so this is no operator"
    )]
    pub fn add<T: Throttle>(mut self, cost: u64) -> Self {
        self.hits.push((add_hits_of::<T>(), cost));
        self
    }

    /// Counts all hits, or none.
    ///
    /// # Errors
    ///
    /// If no decision can be made. A refusal is a [`Decision`], not an error.
    pub async fn commit(self) -> Result<Decision, Error> {
        let mut hits = HitSet::default();
        for (add_hits, cost) in &self.hits {
            add_hits(self.parts, Some(*cost), &mut hits).await?;
        }
        let parts = self.parts;
        engine::decide(RequestHits { hits, parts }, None).await.1
    }
}

impl fmt::Debug for Quota<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let costs: InlineVec1<u64> = self.hits.iter().map(|(_, cost)| *cost).collect();
        f.debug_struct("Quota")
            .field("costs", &costs)
            .finish_non_exhaustive()
    }
}
