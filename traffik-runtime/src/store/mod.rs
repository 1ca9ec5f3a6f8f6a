//! Stores: they apply laws to states, atomically, and know no throttles, clients or requests.
//!
//! `StateStore` is the trait of the stores that decide: in `memory`, on `redis` and on `memcached`,
//! and in `cas` for a [`Store`] of the user's own, which can only compare and swap bytes. A
//! `handle` adds the clock and the namespace. A `plan` goes in, an `outcome` comes out, and a
//! `settlement` refunds or charges it later.

pub(crate) mod background;
pub(crate) mod byte_store;
pub(crate) mod caller;
pub(crate) mod cas;
pub(crate) mod cas_retry;
pub(crate) mod changes;
pub(crate) mod codec;
#[cfg(any(feature = "memcached", feature = "redis"))]
pub(crate) mod entry_limit;
pub(crate) mod erased;
pub(crate) mod handle;
pub(crate) mod key;
pub(crate) mod key_encoding;
pub(crate) mod key_hasher;
pub(crate) mod leases;
pub(crate) mod lifetime;
pub(crate) mod local_refusals;
#[cfg(feature = "memcached")]
pub(crate) mod memcached;
pub(crate) mod memory;
pub(crate) mod outcome;
pub(crate) mod plan;
#[cfg(feature = "redis")]
pub(crate) mod redis;
pub(crate) mod sequential;
pub(crate) mod settlement;
#[cfg(any(feature = "memcached", feature = "redis"))]
pub(crate) mod tls;

pub use byte_store::Store;
#[cfg(feature = "memcached")]
pub use memcached::nodes::MemcachedNodes;
#[cfg(any(feature = "memcached", feature = "redis"))]
pub use tls::Tls;

use std::{fmt, slice};

use crate::clock::Clock;
use crate::error::Error;
use crate::flow::Flow;
use crate::inline_vec::InlineVec4;
use crate::store::caller::Caller;
use crate::store::leases::request::{LeaseReply, LeaseRequest};
use crate::store::outcome::StoreOutcome;
use crate::store::plan::Plan;
use crate::store::settlement::Settlement;
use crate::strategy::kernel::state::State;

/// A store that decides plans, all or nothing.
///
/// Laws are evaluated at the time of the given clock, or of the store's own if there is none. A
/// store in this process answers at once; other stores return a pending [`Flow`].
pub(crate) trait StateStore: fmt::Debug + Send + Sync + 'static {
    /// Returns the kind of store, in one word for logs, metrics and handlers.
    fn kind(&self) -> &'static str {
        "custom"
    }

    /// Returns `true` if the store itself subtracts refunds, so that those of one key can be made
    /// side by side.
    fn subtracts(&self) -> bool {
        false
    }

    /// Returns `true` if the store decides at the time of its server, where it is given no clock.
    fn has_server_time(&self) -> bool {
        false
    }

    /// Returns `true` if the store returns only those entries of a log that the report on the hit
    /// needs.
    fn summarizes_logs(&self) -> bool {
        false
    }

    /// Returns `true` if the store counts all plans of a set at one moment or none of them, and so
    /// at the time of one server.
    fn is_atomic(&self) -> bool {
        false
    }

    /// Decides all plans at one moment, and counts all or none.
    ///
    /// A pending decision is never dropped before it has ended. Once its caller has gone it runs in
    /// the background, decides no further member of a set, and refunds those that it has counted.
    fn decide<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        clock: Option<&'a dyn Clock>,
        caller: &'a Caller,
    ) -> Flow<'a, Result<StoreOutcome, Error>>;

    /// Applies every settlement, and does so to the end if its caller goes away.
    fn settle<'a>(
        &'a self,
        settlements: &'a [Settlement<'a>],
        clock: Option<&'a dyn Clock>,
        caller: &'a Caller,
    ) -> Flow<'a, Result<(), Error>>;

    /// Returns `true` if the store can count leases beside these plans. A law that has none never
    /// gets here.
    fn can_lease(&self, plans: &[Plan<'_>]) -> bool {
        let _ = plans;
        true
    }

    /// Refunds leftovers, decides all plans as [`decide`](Self::decide) does, and then counts
    /// leases. All leases that were counted have an answer, also if the caller goes away.
    ///
    /// # Errors
    ///
    /// The error of the whole request. Those of its parts are in the reply.
    fn lease<'a>(
        &'a self,
        request: &'a LeaseRequest<'a>,
        clock: Option<&'a dyn Clock>,
        caller: &'a Caller,
    ) -> Flow<'a, Result<LeaseReply, Error>> {
        // One call for each operation.
        Flow::pending(async move {
            let mut reply = LeaseReply::of_hit(Ok(StoreOutcome::unlimited(0)));
            for refund in request.refunds {
                let settled = self.settle(slice::from_ref(refund), clock, caller).await;
                reply.refunds.push(settled);
            }
            if !request.plans.is_empty() {
                reply.outcome = self.decide(request.plans, clock, caller).await;
            }
            let is_admitted = reply.outcome.as_ref().is_ok_and(|it| it.admitted);
            for lease in request.leases.iter().filter(|_| is_admitted) {
                let counted = self.decide(slice::from_ref(lease), clock, caller).await;
                reply.leases.push(counted);
            }
            Ok(reply)
        })
    }

    /// Reads the states of all plans, and the time at which they were like that.
    fn read<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        clock: Option<&'a dyn Clock>,
    ) -> Flow<'a, Result<(u64, InlineVec4<State>), Error>>;
}
