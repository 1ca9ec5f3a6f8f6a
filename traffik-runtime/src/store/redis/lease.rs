//! Refunds leftovers, decides a hit and counts leases by one call of the script.

use std::slice;

use crate::error::Error;
use crate::store::caller::Caller;
use crate::store::leases::request::{LeaseReply, LeaseRequest};
use crate::store::outcome::StoreOutcome;
use crate::store::plan::Plan;
use crate::store::redis::client::Redis;
use crate::store::redis::protocol::{ScriptGroup, ScriptReply};
use crate::store::redis::run_script::GroupReplies;
use crate::store::settlement::Settlement;
use crate::strategy::kernel::Law;

impl Redis {
    /// Refunds leftovers of several slots, by a call for each.
    pub(crate) async fn refund_each(
        &self,
        refunds: &[Settlement<'_>],
        at: Option<u64>,
        caller: &Caller,
    ) -> Result<LeaseReply, Error> {
        let mut reply = LeaseReply::of_hit(Ok(StoreOutcome::unlimited(0)));
        for refund in refunds {
            let request = LeaseRequest {
                refunds: slice::from_ref(refund),
                plans: &[],
                leases: &[],
            };
            let refunded = self.lease_slot(&request, at, caller).await;
            let refunded = refunded.map(|reply| reply.refunds);
            reply.refunds.extend(match refunded {
                Ok(refunds) => refunds,
                Err(error) => vec![Err(error)],
            });
        }
        Ok(reply)
    }

    /// Applies a request whose keys are on one server, in one call. Refunds of logs, which the
    /// script cannot make, are made before it.
    pub(crate) async fn lease_slot(
        &self,
        request: &LeaseRequest<'_>,
        at: Option<u64>,
        caller: &Caller,
    ) -> Result<LeaseReply, Error> {
        let mut refunds = Vec::with_capacity(request.refunds.len());
        for refund in request.refunds {
            refunds.push(if has_script(refund) {
                None
            } else {
                Some(self.settle_slot(slice::from_ref(refund), at, caller).await)
            });
        }
        let in_script = request.refunds.iter().filter(|refund| has_script(refund));
        let hit = (!request.plans.is_empty()).then_some(ScriptGroup::Decide(request.plans));
        let leases = request.leases.iter().map(slice::from_ref);
        let groups: Vec<_> = in_script
            .map(ScriptGroup::Refund)
            .chain(hit)
            .chain(leases.map(ScriptGroup::Decide))
            .collect();
        let replies = if groups.is_empty() {
            GroupReplies::new()
        } else {
            match self.run_groups(&groups, at, Some(caller)).await {
                Ok(replies) => replies,
                Err(error) if refunds.iter().all(Option::is_none) => return Err(error),
                // The refunds of logs were made before.
                Err(error) => return Ok(without_script(refunds, error)),
            }
        };
        let mut replies = replies.into_iter();
        let mut next = || replies.next().unwrap_or_else(|| Err(Error::abandoned()));
        let refunds = refunds
            .into_iter()
            .map(|settled| settled.unwrap_or_else(|| next().map(drop)));
        let refunds = refunds.collect();
        let outcome = match hit.map(|_| next()) {
            None => Ok(StoreOutcome::unlimited(0)),
            Some(Ok(reply)) => self.outcome(request.plans, reply, at, caller).await,
            Some(Err(error)) => Err(error),
        };
        let leases = request.leases.iter();
        let leases = leases.map(|plan| next().map(|reply| reply.counted(plan)));
        Ok(LeaseReply {
            refunds,
            outcome,
            leases: leases.collect(),
        })
    }
}

impl ScriptReply {
    /// Returns the outcome of a lease, with the state that counts it.
    fn counted(&self, plan: &Plan<'_>) -> StoreOutcome {
        let plans = slice::from_ref(plan);
        let states = self.states(plans).into_vec();
        let reports = states.iter();
        let reports = reports.flat_map(|state| plan.limit_reports(0, state, self.now));
        let outcome = StoreOutcome::admitted(self.now, reports.collect());
        StoreOutcome {
            admitted: self.admitted,
            states,
            ..outcome
        }
    }
}

/// Returns the reply to a request of which the script has failed. Its refunds are not tried again,
/// because they may have been made.
fn without_script(refunds: Vec<Option<Result<(), Error>>>, error: Error) -> LeaseReply {
    let lost = || Error::backend("the call that refunds it has failed");
    let refunds = refunds.into_iter();
    LeaseReply {
        refunds: refunds
            .map(|it| it.unwrap_or_else(|| Err(lost())))
            .collect(),
        outcome: Err(error),
        leases: Vec::new(),
    }
}

/// Returns `true` if the script makes a refund.
fn has_script(refund: &Settlement<'_>) -> bool {
    let mut limits = refund.plan.limits.iter();
    !limits.any(|limit| matches!(limit.law, Law::Log(_)))
}
