//! Decisions, with or without the details that header fields report.

use std::cell::OnceCell;
use std::mem;

use http::request::Parts;

use crate::backend::BackendParts;
use crate::clock::elapsed::Since;
use crate::decision::Decision;
use crate::definition::Definition;
use crate::engine::batch::Batch;
use crate::engine::fast_path::FastDecision;
use crate::engine::fast_set::{self, FastSet};
use crate::engine::hit::{HitRef, ThrottleHit};
use crate::engine::recovery::resolution::Resolution;
use crate::engine::report::LimitStatus;
use crate::inline_vec::{InlineVec1, InlineVec4};
use crate::store::outcome::{LimitReport, StoreOutcome};

/// A decision with the report on each limit.
#[derive(Debug)]
pub(crate) struct DetailedDecision {
    pub(crate) decision: Decision,
    pub(crate) limits: InlineVec1<LimitStatus<&'static Definition>>,
    pub(crate) decided_at: Since,
}

impl DetailedDecision {
    /// Returns `true` if the request may go on without a delay.
    pub(crate) const fn passes_at_once(&self) -> bool {
        self.decision.admitted && self.decision.delay.is_zero()
    }
}

/// A decision in as much detail as the caller of an operation needs.
pub(crate) trait Detail<'d>: Sized + Send {
    /// Makes it of a decision on one limit.
    fn from_fast(fast: &FastDecision<'d>, hit: &ThrottleHit<'d>, parts: Option<&Parts>) -> Self;

    /// Decides several limits on one backend in memory together. Returns `None` if they need a
    /// batch. Nothing has changed then.
    fn decide_fast_set(hits: &[HitRef<'_, 'd>], backend: &BackendParts) -> Option<Self>;

    /// Makes it of a batch.
    fn from_batch(batch: &Batch<'_, 'd>, resolution: &Resolution<StoreOutcome>) -> Self;
}

impl<'d> Detail<'d> for Decision {
    #[inline]
    fn from_fast(fast: &FastDecision<'_>, _: &ThrottleHit<'d>, _: Option<&Parts>) -> Self {
        fast.decision
    }

    fn decide_fast_set(hits: &[HitRef<'_, 'd>], backend: &BackendParts) -> Option<Self> {
        fast_set::decide(hits, backend)
    }

    fn from_batch(batch: &Batch<'_, 'd>, resolution: &Resolution<StoreOutcome>) -> Self {
        batch.decision(resolution)
    }
}

impl Detail<'static> for DetailedDecision {
    #[inline]
    fn from_fast(
        fast: &FastDecision<'static>,
        hit: &ThrottleHit<'static>,
        parts: Option<&Parts>,
    ) -> Self {
        let report = fast.decision.report();
        let own_clock = || hit.throttle.chosen_backend(parts).store().own_clock();
        Self {
            decision: fast.decision,
            limits: InlineVec1::from_buf([LimitStatus {
                throttle: hit.throttle,
                rate: fast.limit.rate,
                quota: fast.limit.law.quota(fast.limit.rate, &report),
                listed: false,
                fits: fast.decision.admitted,
                report: Some(report),
            }]),
            decided_at: Since::new(fast.now, fast.has_own_clock.then(own_clock).flatten()),
        }
    }

    fn decide_fast_set(hits: &[HitRef<'_, 'static>], backend: &BackendParts) -> Option<Self> {
        let dynamic_limit = OnceCell::new();
        let mut set = FastSet::<InlineVec4<LimitReport>>::default();
        set.decide(hits, backend, &dynamic_limit)?;
        Some(Self {
            decision: set.decision(),
            limits: set.limit_statuses(hits),
            decided_at: mem::take(&mut set.decided_at),
        })
    }

    fn from_batch(batch: &Batch<'_, 'static>, resolution: &Resolution<StoreOutcome>) -> Self {
        Self {
            decision: batch.decision(resolution),
            limits: batch.limit_statuses(resolution),
            decided_at: batch.decided_at(resolution),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::mem::size_of;

    use super::DetailedDecision;
    use crate::error::Error;
    use crate::flow::Flow;

    /// The size of the engine's answer before there was a [`Flow`] around it.
    const EARLIER: usize = 240;

    #[test]
    fn a_flow_of_a_decision_is_no_larger_than_the_decision() {
        let flow = size_of::<Flow<'_, Result<DetailedDecision, Error>>>();
        assert!(flow <= EARLIER, "{flow}");
    }
}
