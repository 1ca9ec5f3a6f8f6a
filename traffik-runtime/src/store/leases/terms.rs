//! The terms of a lease: the law under which it was taken, its ends, and what its refund names.

use std::sync::Arc;

use crate::inline_vec::{InlineVec1, InlineVec4};
use crate::store::changes;
use crate::store::key::Key;
use crate::store::local_refusals::store_time::{ReplyTime, Sent, StoreClock};
use crate::store::outcome::{LimitReport, StoreOutcome};
use crate::store::plan::{Limit, Plan, PlanLimits};
use crate::store::settlement::{Adjustment, Settlement};
use crate::strategy::Who;
use crate::strategy::fixed_window::FixedWindow;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::refund::Refund;
use crate::strategy::kernel::state::State;

/// The terms of a lease, which its hits and its leftovers share.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) key: Key,
    /// The key's name in a store where keys are names.
    name: String,
    /// The limits under which it was taken.
    limits: InlineVec1<Limit>,
    /// The state that the store returned, in which the whole lease is counted.
    state: State,
    time: ReplyTime,
    /// The number of changes to throttles before it.
    changes: u64,
    /// The first and the last moment of its life, by the clock of this process.
    life: (u64, u64),
    /// The time of the store from which its units are gone.
    window_end: u64,
    /// The time of the store at which it was counted.
    at: u64,
    /// The incarnations that have counted it, one for each limit.
    incarnations: InlineVec1<u64>,
}

/// Units of a lease that were not used, to be refunded.
#[derive(Clone, Debug)]
pub(crate) struct Leftover {
    pub(crate) terms: Arc<Terms>,
    pub(crate) units: u64,
    /// The number of refunds that have failed.
    pub(crate) failures: u8,
}

impl Terms {
    /// Returns the terms of a lease for this plan, which the store has counted for a request.
    pub(crate) fn new(
        plan: &Plan<'_>,
        counted: &StoreOutcome,
        (sent, clock): (&Sent, StoreClock<'_>),
    ) -> Option<Self> {
        let state = counted.states.first()?;
        let windows = plan.limits.iter().zip(plan.states_for(state));
        let ends = windows.filter_map(|(limit, state)| limit.window_end(state));
        Some(Self {
            key: plan.key,
            name: plan.name.clone(),
            limits: plan.limits.iter().cloned().collect(),
            window_end: ends.min().unwrap_or(u64::MAX),
            time: clock.reply(counted.now, sent),
            changes: sent.changes,
            life: (sent.at, sent.at.saturating_add(plan.lease)),
            at: counted.counted_at(0),
            incarnations: counted.incarnations(0),
            state: plan.compact(state.clone()),
        })
    }

    /// Returns `true` if units may be handed out at this moment.
    pub(crate) fn is_alive(&self, now: u64, clock: StoreClock<'_>) -> bool {
        let (first, end) = self.life;
        (first..end).contains(&now)
            && clock.latest(&self.time, now) < self.window_end
            && self.changes >= changes::latest(self.key)
    }

    /// Returns `true` if the units that are left may still be counted in the store.
    pub(crate) const fn is_refundable(&self, now: u64) -> bool {
        self.time.earliest(now) < self.window_end
    }

    /// Returns `true` if the lease ended at least half a life ago, so that no hit has renewed it.
    pub(crate) const fn is_overdue(&self, now: u64) -> bool {
        let (first, end) = self.life;
        now < first || now >= end.saturating_add((end - first) / 2)
    }

    /// Returns `true` if it was taken under the limits of this plan.
    pub(crate) fn covers(&self, plan: &Plan<'_>) -> bool {
        let is_same =
            |(own, other): (&Limit, &Limit)| own.rate == other.rate && own.law == other.law;
        self.limits.len() == plan.limits.len() && self.limits.iter().zip(&*plan.limits).all(is_same)
    }

    /// Returns the earliest time that the store's clock may show.
    pub(crate) const fn earliest(&self, now: u64) -> u64 {
        self.time.earliest(now)
    }

    /// Adds the reports on a hit of the plan in this place, after which this many units are left.
    pub(crate) fn report(
        &self,
        place: usize,
        plan: &Plan<'_>,
        (left, now): (u64, u64),
        reports: &mut InlineVec4<LimitReport>,
    ) {
        let now = self.earliest(now);
        let states = plan.states_for(&self.state).into_iter();
        let incarnations = self.incarnations.iter();
        let lines = states.zip(&*plan.limits).zip(incarnations);
        reports.extend(lines.map(|((state, limit), incarnation)| {
            let report = limit.law.report(state, now, 0);
            let mut limit_report = LimitReport {
                plan: place,
                rate: limit.rate,
                fits: true,
                report,
                at: self.at,
                incarnation: *incarnation,
                shadow: false,
            };
            let remaining = report.remaining.saturating_add(left);
            limit_report.report.remaining = remaining.min(report.limit);
            limit_report
        }));
    }
}

impl Leftover {
    /// Returns the refund of the units, as of the time at which the lease was counted.
    pub(crate) fn settlement(&self) -> Settlement<'_> {
        let Terms {
            key, name, limits, ..
        } = &*self.terms;
        Settlement {
            plan: Plan {
                key: *key,
                name: name.clone(),
                // The laws of leases are built in, and have no use for the strategy.
                strategy: FixedWindow::DEFAULT,
                limits: PlanLimits::Same(limits),
                cost: self.units,
                who: Who::default(),
                lease: 0,
            },
            adjustment: Adjustment::Refund(Refund {
                at: self.terms.at,
                cost: self.units,
            }),
            rates: limits.iter().map(|limit| limit.rate).collect(),
            incarnations: self.terms.incarnations.clone(),
        }
    }
}

impl Limit {
    /// Returns the time from which a state that counts a hit no longer does, if its law counts in
    /// windows.
    fn window_end(&self, state: &State) -> Option<u64> {
        match self.law {
            Law::Window(_) | Law::Hours(_) | Law::Rollover(_) => {
                let packed = state.packed();
                Some(packed.at.saturating_add(packed.period))
            }
            _ => None,
        }
    }
}

impl Plan<'_> {
    /// Returns `true` if leases can be taken for this plan, and its throttle has leases. A cost of
    /// 0 writes nothing.
    pub(crate) fn is_leasable(&self) -> bool {
        self.lease > 0 && self.cost > 0 && self.limits.iter().all(|limit| limit.law.is_leasable())
    }

    /// Returns the plan that counts a lease of these units; `None` if the law never admits as many
    /// at once.
    pub(crate) fn lease_of(&self, units: u64) -> Option<Self> {
        let limits = self.limits.iter().map(|limit| {
            Some(Limit {
                rate: limit.rate,
                law: limit.law.for_lease(units)?,
            })
        });
        Some(Self {
            cost: units,
            limits: PlanLimits::Own(limits.collect::<Option<_>>()?),
            ..self.clone()
        })
    }
}
