//! The fast path of several limits, under built-in laws on one memory backend: a set of throttles
//! with one rate each, or one throttle with several rates, or with a law that is computed for each
//! hit.

use std::cell::OnceCell;
use std::slice;
use std::time::Duration;

use http::request::Parts;

use crate::backend::backend_ref::BackendRef;
use crate::backend::{Backend, BackendParts};
use crate::clock::elapsed::Since;
use crate::clock::reading::Reading;
use crate::decision::Decision;
use crate::definition::Definition;
use crate::engine::hit::{HitRef, ThrottleHit};
use crate::engine::report::{LimitStatus, binding_report, combine, observed_outcome};
use crate::identity::Identity;
use crate::inline_vec::{InlineVec1, InlineVec4};
use crate::observe::Outcome;
use crate::store::memory::Memory;
use crate::store::memory::decide_slots::KeyedHit;
use crate::store::memory::optimistic::{TimedCost, decider};
use crate::store::outcome::LimitReport;
use crate::store::plan::Limit;

/// The largest number of hits that are decided here.
const MAX_HITS: usize = 4;

/// A decision on several limits that needed no [`Batch`](crate::engine::batch::Batch).
#[derive(Default)]
pub(crate) struct FastSet<'h> {
    admitted: bool,
    hits: InlineVec4<KeyedHit<'h>>,
    /// A report's plan is the index of its hit.
    limits: InlineVec4<LimitReport>,
    pub(crate) decided_at: Since,
}

impl<'h> FastSet<'h> {
    /// Decides hits with several limits together, in place, because copying the reports would take
    /// as long as the rest. Returns `None` if the hits need the slow path. Nothing has changed
    /// then, and the slow path reports any error.
    pub(crate) fn decide(
        &mut self,
        hits: &'h [ThrottleHit<'_>],
        cost: Option<u64>,
        parts: Option<&Parts>,
        dynamic_limit: &'h OnceCell<Limit>,
    ) -> Option<()> {
        if hits.is_empty() || hits.len() > MAX_HITS {
            return None;
        }
        let named = common_backend(hits, parts)?;
        let default;
        let backend: &BackendParts = match named {
            Some(named) => named.parts(),
            None => {
                default = BackendRef::default();
                &default
            }
        };
        let memory = backend.fast_memory()?;
        // One limit is computed for the hit at most.
        let dynamic_limit = Some(dynamic_limit).filter(|_| hits.len() == 1);
        for hit in hits {
            let keyed = keyed_hit(hit, hit.as_ref(cost, parts), backend, dynamic_limit)?;
            self.hits.push(keyed);
        }
        let at = backend.store().reading();
        self.admitted = match &*self.hits {
            [only] if only.limits.len() == 1 => decide_one(memory, only, at, &mut self.limits),
            [only] => memory.decide_list(only, at, &mut self.limits)?,
            set => memory.decide_slots(set, at, &mut self.limits)?,
        };
        for (index, hit) in hits.iter().enumerate() {
            let limits = || self.limits.iter().filter(move |limit| limit.plan == index);
            let observed = if self.admitted {
                Some(Outcome::Admitted)
            } else {
                observed_outcome(false, limits())
            };
            if let Some(observed) = observed {
                let hit = hit.as_ref(cost, parts);
                hit.observe(observed, backend, || binding_report(limits()));
            }
        }
        self.decided_at = Since::new(at.now, backend.store().own_clock());
        Some(())
    }

    /// Returns the decision. The room under these laws stays once it is there, so all admit after
    /// the longest wait.
    pub(crate) fn decision(&self) -> Decision {
        let waits = || self.limits.iter().map(|limit| limit.report.wait);
        let longest = || {
            waits()
                .reduce(|one, other| Some(one?.max(other?)))
                .flatten()
        };
        let wait = if self.admitted {
            Some(Duration::ZERO)
        } else {
            longest()
        };
        combine(self.admitted, wait, &self.limits)
    }

    /// Returns the report on each limit, in the order of the hits.
    pub(crate) fn limit_statuses(
        &self,
        hits: &[ThrottleHit<'static>],
    ) -> InlineVec1<LimitStatus<&'static Definition>> {
        let limits = self.hits.iter().zip(hits).flat_map(|(keyed, hit)| {
            let listed = keyed.limits.len() > 1;
            keyed.limits.iter().map(move |limit| (limit, hit, listed))
        });
        let mut statuses = InlineVec1::with_capacity(self.limits.len());
        for ((limit, hit, listed), own) in limits.zip(&self.limits) {
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

/// Returns the backend that all hits name, `Some(None)` if none names any, and `None` if they
/// differ.
#[allow(
    clippy::option_option,
    reason = "the outer one is the answer, the inner one a backend"
)]
fn common_backend<'h>(
    hits: &'h [ThrottleHit<'_>],
    parts: Option<&'h Parts>,
) -> Option<Option<&'h Backend>> {
    let provided = parts.and_then(|parts| parts.extensions.get::<Backend>());
    let mut named = hits
        .iter()
        .map(|hit| hit.throttle.settings.backend.get().or(provided));
    let first = named.next()?;
    let is_first = |other: Option<&Backend>| match (first, other) {
        (Some(first), Some(other)) => std::ptr::eq(first.parts(), other.parts()),
        (first, other) => first.is_none() && other.is_none(),
    };
    named.all(is_first).then_some(first)
}

/// Returns the key, the limits and the cost of a hit; `None` if it needs the slow path. A law that
/// is computed for the hit is computed last, because it may call a function of the application.
fn keyed_hit<'h>(
    hit: &'h ThrottleHit<'_>,
    hit_ref: HitRef<'_, '_>,
    backend: &BackendParts,
    dynamic_limit: Option<&'h OnceCell<Limit>>,
) -> Option<KeyedHit<'h>> {
    let (Identity::Client(client), None, true) = (&*hit.identity, hit.rate, hit.applies) else {
        return None;
    };
    let compiled = hit.throttle.compiled();
    let own = compiled.fast_limits();
    let is_only = dynamic_limit.is_some();
    let key = || hit_ref.key(compiled.key, client, backend).ok();
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
        cost: hit_ref.cost,
    })
}

/// Decides a hit under one limit, and adds the report.
fn decide_one(
    memory: &Memory,
    hit: &KeyedHit<'_>,
    at: Reading<'_>,
    reports: &mut InlineVec4<LimitReport>,
) -> bool {
    let limit = &hit.limits[0];
    let timed = TimedCost { at, cost: hit.cost };
    let decision = decider(&limit.law)(memory, hit.key, limit, &timed);
    reports.push(LimitReport {
        rate: limit.rate,
        fits: decision.admitted,
        report: decision.report(),
        at: at.now,
        ..LimitReport::UNDECIDED
    });
    decision.admitted
}
