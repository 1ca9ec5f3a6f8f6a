//! The hits of one request, on a throttle or on a set of them.

use std::borrow::Borrow;
use std::ptr;

use http::request::Parts;

use crate::definition::Definition;
use crate::engine::arg_values::ArgValues;
use crate::engine::cost_source::CostSource;
use crate::engine::hit::ThrottleHit;
use crate::identity::Identity;
use crate::inline_vec::InlineVec1;

/// The hits of one request. All are admitted, or none is.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct HitSet {
    hits: InlineVec1<ThrottleHit<'static>>,
    include: Include,
    /// The values that closures over the handler's arguments returned.
    arg_values: Option<Box<ArgValues>>,
    /// The source of a cost that replaces those of all members.
    pub(crate) cost_source: CostSource,
}

/// The members of a set that become hits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Include {
    /// Those that apply to the request.
    #[default]
    Applying,
    /// All, for a look at their states. Predicates are not called.
    All,
    /// All, each marked by whether it applies, for an extractor that hits and looks.
    Marked,
}

impl HitSet {
    /// Creates a set for a look at all members, whether they apply to the request or not.
    pub(crate) fn for_look() -> Self {
        Self {
            include: Include::All,
            ..Self::default()
        }
    }

    /// Creates a set for an extractor, which hits those that apply and looks at all.
    pub(crate) fn for_extractor() -> Self {
        Self {
            include: Include::Marked,
            ..Self::default()
        }
    }

    /// Creates a set of one hit.
    pub(crate) fn of_one(hit: ThrottleHit<'static>) -> Self {
        Self {
            hits: InlineVec1::from_buf([hit]),
            ..Self::default()
        }
    }

    /// Creates a set with the values of closures over a handler's arguments.
    pub(crate) fn with_arg_values(values: ArgValues) -> Self {
        Self {
            arg_values: Some(Box::new(values)),
            ..Self::default()
        }
    }

    /// Removes and returns the values of closures that belong to this throttle.
    pub(crate) fn take_arg_values(&mut self, throttle: &Definition) -> Option<Box<ArgValues>> {
        self.arg_values.take_if(|values| values.belong_to(throttle))
    }

    /// Returns `true` if predicates are not called.
    pub(crate) fn ignores_predicates(&self) -> bool {
        self.include == Include::All
    }

    /// Returns the mark of a member that applies to the request or does not; `None` if it has no
    /// part in the set.
    pub(crate) fn mark(&self, applies: bool) -> Option<bool> {
        match self.include {
            Include::Applying => applies.then_some(true),
            Include::All | Include::Marked => Some(applies),
        }
    }

    /// Makes room for the hits of a set, so that they need one allocation.
    #[inline]
    pub(crate) fn reserve(&mut self, hits: usize) {
        if hits > 1 {
            self.hits.reserve_exact(hits);
        }
    }

    pub(crate) fn push(&mut self, hit: ThrottleHit<'static>) {
        self.hits.push(hit);
    }

    pub(crate) fn hits(&self) -> &[ThrottleHit<'static>] {
        &self.hits
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.hits.is_empty()
    }

    /// Removes all hits of a throttle after its first.
    pub(crate) fn remove_repeated(&mut self) {
        let mut earlier: InlineVec1<*const Definition> = InlineVec1::new();
        self.hits.retain(|hit| {
            let throttle: *const Definition = hit.throttle;
            let is_first = !earlier.contains(&throttle);
            earlier.push(throttle);
            is_first
        });
    }

    /// Returns the source of a throttle's cost. A constant that only rates set at run time have no
    /// room for is recognised by [`Definition::has_other_rates`].
    pub(crate) fn cost_source(&self, throttle: &Definition) -> CostSource {
        let mut hits = self.hits.iter();
        let hit = hits.find(|hit| ptr::eq(hit.throttle, throttle));
        hit.map(|hit| hit.cost_source).unwrap_or_default()
    }

    /// Sets the source of a cost that replaces those of all members.
    pub(crate) fn set_cost_source(&mut self, source: CostSource) {
        self.cost_source = source;
    }
}

/// Returns the throttles whose hits count the client.
pub(crate) fn counted(hits: &[ThrottleHit<'static>]) -> impl Iterator<Item = &'static Definition> {
    let hits = hits.iter().filter(|hit| hit.applies);
    let counted = hits.filter(|hit| !matches!(*hit.identity, Identity::Exempt));
    counted.map(|hit| hit.throttle)
}

/// The hits that an operation of the engine takes, with the head of their request. The operation
/// gives them back, so that it can own them for as long as it is pending.
pub(crate) trait HitRequest<'d>: Send + Sync {
    /// Returns the hits. Those that do not apply are left out of decisions.
    fn hits(&self) -> &[ThrottleHit<'d>];

    /// Returns the head of the request, if there is a request.
    fn parts(&self) -> Option<&Parts>;
}

/// The hits of an HTTP request, and its head. Either is owned or borrowed.
pub(crate) struct RequestHits<H, P> {
    pub(crate) hits: H,
    pub(crate) parts: P,
}

impl<H, P> HitRequest<'static> for RequestHits<H, P>
where
    H: Borrow<HitSet> + Send + Sync,
    P: Borrow<Parts> + Send + Sync,
{
    #[inline]
    fn hits(&self) -> &[ThrottleHit<'static>] {
        &self.hits.borrow().hits
    }

    #[inline]
    fn parts(&self) -> Option<&Parts> {
        Some(self.parts.borrow())
    }
}

/// A hit outside of any request.
pub(crate) struct DirectHit<'d>(pub(crate) [ThrottleHit<'d>; 1]);

impl<'d> HitRequest<'d> for DirectHit<'d> {
    #[inline]
    fn hits(&self) -> &[ThrottleHit<'d>] {
        &self.0
    }

    #[inline]
    fn parts(&self) -> Option<&Parts> {
        None
    }
}
