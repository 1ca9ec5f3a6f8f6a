//! Counts a hit and a lease together, by one addition to the counters of windows.

use std::slice;

use crate::store::caller::Caller;
use crate::store::cas::{decide_plans, settle_plans};
use crate::store::leases::request::{LeaseReply, LeaseRequest};
use crate::store::memcached::operation::Operation;
use crate::store::outcome::StoreOutcome;
use crate::store::plan::Plan;

/// Applies a request on windows: refunds leftovers, and adds the hit and its lease to the counters
/// at once. If they do not fit together, the hit is decided by itself.
pub(crate) async fn lease_windows(
    operation: &Operation<'_>,
    request: &LeaseRequest<'_>,
    at: Option<u64>,
    caller: &Caller,
) -> LeaseReply {
    let mut reply = LeaseReply::of_hit(Ok(StoreOutcome::unlimited(0)));
    for refund in request.refunds {
        let refund = slice::from_ref(refund);
        let settled = settle_plans(operation, refund, at, caller).await;
        reply.refunds.push(settled);
    }
    let [hit] = request.plans else {
        return reply;
    };
    if let [lease] = request.leases {
        let both = Plan {
            cost: hit.cost.saturating_add(lease.cost),
            ..hit.clone()
        };
        match decide_plans(operation, slice::from_ref(&both), at, caller).await {
            Ok(counted) if counted.admitted => {
                reply.outcome = Ok(counted.without(lease.cost));
                reply.leases.push(Ok(counted));
                return reply;
            }
            Ok(_) => {}
            Err(error) => {
                reply.outcome = Err(error);
                return reply;
            }
        }
    }
    reply.outcome = decide_plans(operation, request.plans, at, caller).await;
    reply
}

impl StoreOutcome {
    /// Returns the outcome of a hit without that of the lease that was counted with it.
    fn without(&self, lease: u64) -> Self {
        let mut outcome = self.clone();
        outcome.states.clear();
        for limit in &mut outcome.limits {
            limit.report.remaining = limit.report.remaining.saturating_add(lease);
        }
        outcome
    }
}
