//! The store that the engine calls: it begins an operation and decides plans one after the other.

use crate::clock::Clock;
use crate::clock::reading::Reading;
use crate::error::Error;
use crate::flow::Flow;
use crate::inline_vec::InlineVec4;
use crate::store::StateStore;
use crate::store::caller::Caller;
use crate::store::cas::{decide_plans, now, read_plans, settle_plans};
use crate::store::entry_limit::check_entries;
use crate::store::leases::request::{LeaseReply, LeaseRequest};
use crate::store::memcached::client::Memcached;
use crate::store::memcached::lease::lease_windows;
use crate::store::memcached::operation::Operation;
use crate::store::memcached::windows::Windows;
use crate::store::outcome::StoreOutcome;
use crate::store::plan::Plan;
use crate::store::settlement::Settlement;
use crate::strategy::kernel::state::State;

/// The greatest number of entries in a log or a mean: a value may be a megabyte, and an entry is 16
/// bytes.
const MAX_ENTRIES: u64 = 60_000;

impl Memcached {
    /// Begins an operation that continues in the background if its caller goes away.
    fn begin_for<'m>(&'m self, caller: &'m Caller) -> Result<Operation<'m>, Error> {
        let operation = self.begin()?;
        Ok(operation.with(operation.exchange.for_caller(caller)))
    }
}

impl StateStore for Memcached {
    fn kind(&self) -> &'static str {
        "memcached"
    }

    fn subtracts(&self) -> bool {
        true
    }

    fn can_lease(&self, plans: &[Plan<'_>]) -> bool {
        // Memcached adds to the counters of windows by itself; more than one exchange does not pay.
        matches!(plans, [plan] if Windows::of(plan, 0).is_some())
    }

    fn lease<'a>(
        &'a self,
        request: &'a LeaseRequest<'a>,
        clock: Option<&'a dyn Clock>,
        caller: &'a Caller,
    ) -> Flow<'a, Result<LeaseReply, Error>> {
        Flow::pending(async move {
            let at = clock.map(Reading::now_of);
            let operation = self.begin_for(caller)?;
            Ok(lease_windows(&operation, request, at, caller).await)
        })
    }

    fn decide<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        clock: Option<&'a dyn Clock>,
        caller: &'a Caller,
    ) -> Flow<'a, Result<StoreOutcome, Error>> {
        Flow::pending(async move {
            check_entries(plans, MAX_ENTRIES, "Memcached")?;
            let at = clock.map(Reading::now_of);
            let operation = self.begin_for(caller)?;
            decide_plans(&operation, plans, at, caller).await
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
            let operation = self.begin_for(caller)?;
            settle_plans(&operation, settlements, at, caller).await
        })
    }

    fn read<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        clock: Option<&'a dyn Clock>,
    ) -> Flow<'a, Result<(u64, InlineVec4<State>), Error>> {
        Flow::pending(async move {
            check_entries(plans, MAX_ENTRIES, "Memcached")?;
            let now = clock.map_or_else(now, Reading::now_of);
            let operation = self.begin()?;
            Ok((now, read_plans(&operation, plans, now).await?))
        })
    }
}
