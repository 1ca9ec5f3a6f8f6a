//! Decides hits in the store, and takes leases for clients that hit often.

use std::sync::Arc;

use crate::error::Error;
use crate::inline_vec::InlineVec4;
use crate::store::caller::Caller;
use crate::store::leases::Leases;
use crate::store::leases::leasing_store::LeasingStore;
use crate::store::leases::request::LeaseReply;
use crate::store::leases::table::{LeaseTable, Moment, Taking};
use crate::store::leases::terms::{Leftover, Terms};
use crate::store::local_refusals::store_time::Sent;
use crate::store::outcome::StoreOutcome;
use crate::store::plan::Plan;

/// A plan of the hit, and the lease that is taken beside it.
struct Member<'p> {
    taking: Option<Taking>,
    /// The plan that counts the lease; `None` if none is taken.
    lease: Option<Plan<'p>>,
}

impl Leases {
    /// Decides plans in the store, and takes leases for those clients for which it pays.
    pub(crate) async fn decide(
        &self,
        store: LeasingStore,
        plans: &[Plan<'_>],
        (sent, caller): (&Sent, &Caller),
    ) -> Result<StoreOutcome, Error> {
        let at = Moment {
            now: sent.at,
            clock: store.store_clock(),
        };
        let members = plans.iter().map(|plan| Member::new(&self.table, plan, at));
        let mut members: InlineVec4<Member<'_>> = members.collect();
        let is_leasing = members.iter().any(|member| member.taking.is_some());
        let mut reply = if is_leasing {
            let leftovers: Vec<Leftover> =
                members.iter_mut().filter_map(Member::leftover).collect();
            let leases = members.iter().filter_map(|member| member.lease.clone());
            let leases: Vec<Plan<'_>> = leases.collect();
            store
                .apply(&self.table, leftovers, (plans, &leases), caller)
                .await?
        } else {
            let clock = store.clock.as_deref();
            LeaseReply::of_hit(store.states.decide(plans, clock, caller).await)
        };
        let mut counted = std::mem::take(&mut reply.leases).into_iter();
        for (place, (plan, member)) in plans.iter().zip(members).enumerate() {
            let counted = member.lease.and_then(|_| counted.next()?.ok());
            let counted = counted.filter(|counted| counted.admitted);
            if let Ok(outcome) = &reply.outcome {
                let remaining = match &counted {
                    Some(counted) => plan.remaining(counted),
                    None => outcome.remaining(place),
                };
                self.table.record(plan, outcome.admitted, remaining, at.now);
            }
            let terms = counted.and_then(|it| Terms::new(plan, &it, (sent, at.clock)));
            if let (Some(taking), Some(terms)) = (member.taking, terms) {
                taking.install(terms);
            }
        }
        if is_leasing {
            self.sweeper.ensure(&self.table, &store, plans);
        }
        reply.outcome
    }
}

impl<'p> Member<'p> {
    fn new(table: &Arc<LeaseTable>, plan: &Plan<'p>, at: Moment<'_>) -> Self {
        let taking = table.begin(plan, at);
        let units = taking.as_ref().map_or(0, |taking| taking.units);
        Self {
            taking,
            lease: (units > 0).then(|| plan.lease_of(units)).flatten(),
        }
    }

    fn leftover(&mut self) -> Option<Leftover> {
        self.taking.as_mut()?.leftover.take()
    }
}

impl Plan<'_> {
    /// Returns the greatest cost that its laws admit after a lease was counted.
    fn remaining(&self, counted: &StoreOutcome) -> u64 {
        let states = counted.states.iter();
        let reports = states.flat_map(|state| self.reports(state, counted.now));
        reports.map(|report| report.remaining).min().unwrap_or(0)
    }
}

impl StoreOutcome {
    /// Returns the greatest cost that the laws of a plan would have admitted after the decision.
    fn remaining(&self, plan: usize) -> u64 {
        let reports = self.limits_of(plan).map(|limit| limit.report.remaining);
        reports.min().unwrap_or(0)
    }
}
