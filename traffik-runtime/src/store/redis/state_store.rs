//! The store that the engine calls: plans on one server go to the script, sets on several slots are
//! decided slot by slot.

use crate::clock::Clock;
use crate::clock::reading::Reading;
use crate::error::Error;
use crate::flow::Flow;
use crate::inline_vec::InlineVec4;
use crate::store::StateStore;
use crate::store::caller::Caller;
use crate::store::entry_limit::check_entries;
use crate::store::leases::request::{LeaseReply, LeaseRequest};
use crate::store::outcome::StoreOutcome;
use crate::store::plan::Plan;
use crate::store::redis::client::Redis;
use crate::store::settlement::Settlement;
use crate::strategy::kernel::state::State;

/// The greatest number of entries in a log or a mean. It is written whole at each hit, so a larger
/// one would delay all other operations.
const MAX_ENTRIES: u64 = 65_536;

impl StateStore for Redis {
    fn kind(&self) -> &'static str {
        "redis"
    }

    fn has_server_time(&self) -> bool {
        true
    }

    fn summarizes_logs(&self) -> bool {
        true
    }

    fn is_atomic(&self) -> bool {
        !self.is_cluster()
    }

    fn can_lease(&self, plans: &[Plan<'_>]) -> bool {
        // A set in several slots is decided slot by slot.
        self.slots(plans.iter()).is_none()
    }

    fn lease<'a>(
        &'a self,
        request: &'a LeaseRequest<'a>,
        clock: Option<&'a dyn Clock>,
        caller: &'a Caller,
    ) -> Flow<'a, Result<LeaseReply, Error>> {
        Flow::pending(async move {
            check_entries(request.plans, MAX_ENTRIES, "Redis")?;
            let at = clock.map(Reading::now_of);
            let refunds = request.refunds.iter().map(|refund| &refund.plan);
            match self.slots(refunds) {
                None => self.lease_slot(request, at, caller).await,
                Some(_) => self.refund_each(request.refunds, at, caller).await,
            }
        })
    }

    fn decide<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        clock: Option<&'a dyn Clock>,
        caller: &'a Caller,
    ) -> Flow<'a, Result<StoreOutcome, Error>> {
        Flow::pending(async move {
            check_entries(plans, MAX_ENTRIES, "Redis")?;
            let at = clock.map(Reading::now_of);
            match self.slots(plans.iter()) {
                None => self.decide_slot(plans, at, caller).await,
                Some(slots) => self.decide_slots(plans, &slots, at, caller).await,
            }
        })
    }

    fn settle<'a>(
        &'a self,
        settlements: &'a [Settlement<'a>],
        clock: Option<&'a dyn Clock>,
        caller: &'a Caller,
    ) -> Flow<'a, Result<(), Error>> {
        Flow::pending(async move {
            let at = clock.map(Reading::now_of);
            match self.slots(settlements.iter().map(|settlement| &settlement.plan)) {
                None => self.settle_slot(settlements, at, caller).await,
                Some(slots) => self.settle_slots(settlements, &slots, at, caller).await,
            }
        })
    }

    fn read<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        clock: Option<&'a dyn Clock>,
    ) -> Flow<'a, Result<(u64, InlineVec4<State>), Error>> {
        Flow::pending(async move {
            check_entries(plans, MAX_ENTRIES, "Redis")?;
            let at = clock.map(Reading::now_of);
            match self.slots(plans.iter()) {
                None => self.read_slot(plans, at).await,
                Some(slots) => self.read_slots(plans, &slots, at).await,
            }
        })
    }
}
