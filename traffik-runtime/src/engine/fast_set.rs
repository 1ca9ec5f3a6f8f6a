//! The fast path of several limits, under built-in laws on one memory backend: a set of throttles
//! with one rate each, or one throttle with several rates, or with a law that is computed for each
//! hit.

use std::cell::OnceCell;
use std::slice;

use crate::backend::BackendParts;
use crate::clock::elapsed::Since;
use crate::clock::reading::Reading;
use crate::decision::{Decision, Report};
use crate::definition::Definition;
use crate::definition::registry::event::has_listeners;
use crate::engine::fast_path::decide_unlistened;
use crate::engine::hit::{Addresses, HitRef};
use crate::engine::report::{Combination, LimitStatus, binding_report};
use crate::identity::Identity;
use crate::inline_vec::{InlineVec1, InlineVec4};
use crate::observe::Outcome;
use crate::store::memory::Memory;
use crate::store::memory::decide_slots::KeyedHit;
use crate::store::memory::optimistic::{TimedCost, decider};
use crate::store::outcome::{LimitReport, Reports};
use crate::store::plan::Limit;

/// The largest number of hits that are decided here.
const MAX_HITS: usize = 4;

/// A decision on several limits that needed no [`Batch`](crate::engine::batch::Batch).
#[derive(Default)]
pub(crate) struct FastSet<'h, R> {
    admitted: bool,
    hits: InlineVec4<KeyedHit<'h>>,
    /// The reports, or what is needed of them. A report's plan is the index of its hit.
    reports: R,
    pub(crate) decided_at: Since,
}

/// The parts of reports that an observer of a set needs.
pub(crate) trait ObservedReports: Reports + Default {
    /// Returns `true` if a limit of a hit refuses it.
    fn is_refused_by(&self, hit: usize) -> bool;

    /// Returns the report of a hit's limits that binds.
    fn of_hit(&self, hit: usize) -> Option<Report>;
}

impl ObservedReports for InlineVec4<LimitReport> {
    fn is_refused_by(&self, hit: usize) -> bool {
        self.iter().any(|limit| limit.plan == hit && !limit.fits)
    }

    fn of_hit(&self, hit: usize) -> Option<Report> {
        binding_report(self.iter().filter(|limit| limit.plan == hit))
    }
}

/// It has no report of a single hit, so it is for decisions without listeners. A listener that is
/// added meanwhile gets the report of the set.
impl ObservedReports for Combination {
    fn is_refused_by(&self, hit: usize) -> bool {
        self.is_refused_by(hit)
    }

    fn of_hit(&self, _: usize) -> Option<Report> {
        Some(self.report())
    }
}

/// Decides hits with several limits on one backend together. Returns `None` if the hits need the
/// slow path. Nothing has changed then, and the slow path reports any error.
#[inline(never)]
pub(crate) fn decide(hits: &[HitRef<'_, '_>], backend: &BackendParts) -> Option<Decision> {
    let dynamic_limit = OnceCell::new();
    if has_listeners() {
        let mut set = FastSet::<InlineVec4<LimitReport>>::default();
        set.decide(hits, backend, &dynamic_limit)?;
        return Some(set.decision());
    }
    if let [hit] = hits {
        return decide_unlistened(*hit, backend);
    }
    let mut set = FastSet::<Combination>::default();
    set.decide(hits, backend, &dynamic_limit)?;
    Some(set.reports.decision(set.admitted))
}

impl<'h, R: ObservedReports> FastSet<'h, R> {
    /// Decides hits with several limits together, in place, because copying the reports would take
    /// as long as the rest. Returns `None` if the hits need the slow path. Nothing has changed
    /// then, and the slow path reports any error.
    #[inline]
    pub(crate) fn decide(
        &mut self,
        hits: &[HitRef<'h, 'h>],
        backend: &BackendParts,
        dynamic_limit: &'h OnceCell<Limit>,
    ) -> Option<()> {
        if hits.is_empty() || hits.len() > MAX_HITS {
            return None;
        }
        let memory = backend.fast_memory()?;
        // One limit is computed for the hit at most.
        let dynamic_limit = Some(dynamic_limit).filter(|_| hits.len() == 1);
        let addresses = Addresses::default();
        for hit in hits {
            let keyed = keyed_hit(*hit, backend, dynamic_limit, &addresses)?;
            self.hits.push(keyed);
        }
        let at = backend.store().reading();
        self.admitted = match &*self.hits {
            [only] if only.limits.len() == 1 => decide_one(memory, only, at, &mut self.reports),
            [only] => memory.decide_list(only, at, &mut self.reports)?,
            set => memory.decide_slots(set, at, &mut self.reports)?,
        };
        for (index, hit) in hits.iter().enumerate() {
            // Of a set that is refused, only those that refuse it are reported.
            if self.admitted || self.reports.is_refused_by(index) {
                let outcome = Outcome::of(self.admitted);
                hit.observe(outcome, backend, || self.reports.of_hit(index));
            }
        }
        self.decided_at = Since::new(at.now, backend.store().own_clock());
        Some(())
    }
}

impl FastSet<'_, InlineVec4<LimitReport>> {
    /// Returns the decision. The room under these laws stays once it is there, so all admit after
    /// the longest wait.
    pub(crate) fn decision(&self) -> Decision {
        let mut combined = Combination::default();
        for (limit, own) in self
            .hits
            .iter()
            .flat_map(|hit| hit.limits)
            .zip(&self.reports)
        {
            combined.add(own.plan, limit, own.fits, &own.report);
        }
        combined.decision(self.admitted)
    }

    /// Returns the report on each limit, in the order of the hits.
    pub(crate) fn limit_statuses(
        &self,
        hits: &[HitRef<'_, 'static>],
    ) -> InlineVec1<LimitStatus<&'static Definition>> {
        let limits = self.hits.iter().zip(hits).flat_map(|(keyed, hit)| {
            let listed = keyed.limits.len() > 1;
            keyed.limits.iter().map(move |limit| (limit, hit, listed))
        });
        let mut statuses = InlineVec1::with_capacity(self.reports.len());
        for ((limit, hit, listed), own) in limits.zip(&self.reports) {
            statuses.push(LimitStatus {
                throttle: hit.throttle,
                rate: own.rate,
                quota: limit.law.quota(own.rate, &own.report),
                listed,
                fits: own.fits,
                report: Some(own.report),
            });
        }
        statuses
    }
}

/// Returns the key, the limits and the cost of a hit; `None` if it needs the slow path. A law that
/// is computed for the hit is computed last, because it may call a function of the application.
#[inline]
fn keyed_hit<'h: 'c, 'c>(
    hit: HitRef<'h, 'h>,
    backend: &'c BackendParts,
    dynamic_limit: Option<&'h OnceCell<Limit>>,
    addresses: &Addresses<'c>,
) -> Option<KeyedHit<'h>> {
    let Identity::Client(client) = hit.identity else {
        return None;
    };
    let compiled = hit.throttle.compiled();
    let own = compiled.fast_limits();
    let is_only = dynamic_limit.is_some();
    let address = || addresses.resolve(hit, backend);
    let key = || hit.key_at(compiled.key, client, address).ok();
    let (key, limits) = match (own, compiled.dynamic_rate()) {
        ([], Some(rate)) => {
            let (place, key) = (dynamic_limit?, key()?);
            let limit = hit.dynamic_limit(rate, client)?;
            (key, slice::from_ref(place.get_or_init(|| limit)))
        }
        ([], None) => return None,
        // The other fast path has left this hit to the slow one.
        ([_], _) if is_only => return None,
        (own, _) => (key()?, own),
    };
    Some(KeyedHit {
        key,
        limits,
        cost: hit.cost,
    })
}

/// Decides a hit under one limit, and adds the report.
fn decide_one(
    memory: &Memory,
    hit: &KeyedHit<'_>,
    at: Reading<'_>,
    reports: &mut impl Reports,
) -> bool {
    let limit = &hit.limits[0];
    let timed = TimedCost { at, cost: hit.cost };
    let decision = decider(&limit.law)(memory, hit.key, limit, &timed);
    reports.add(0, limit, decision.admitted, &decision.report());
    decision.admitted
}
