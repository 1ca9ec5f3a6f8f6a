//! The request by which a store refunds leftovers, decides plans and counts leases, and its reply.

use crate::error::Error;
use crate::store::outcome::StoreOutcome;
use crate::store::plan::Plan;
use crate::store::settlement::Settlement;

/// Three kinds of operations, which a store applies in this order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeaseRequest<'a> {
    /// The refunds of leftovers.
    pub(crate) refunds: &'a [Settlement<'a>],
    /// The plans of the hit, of which all are admitted or none; empty for no hit.
    pub(crate) plans: &'a [Plan<'a>],
    /// The plans that count a lease, each by itself.
    pub(crate) leases: &'a [Plan<'a>],
}

/// The results of a request that has reached the store.
#[derive(Debug)]
pub(crate) struct LeaseReply {
    /// The result of each refund.
    pub(crate) refunds: Vec<Result<(), Error>>,
    /// The outcome of the hit.
    pub(crate) outcome: Result<StoreOutcome, Error>,
    /// The outcome of each lease, with the state that counts it.
    pub(crate) leases: Vec<Result<StoreOutcome, Error>>,
}

impl LeaseReply {
    /// The reply to a request that decides a hit and nothing else.
    pub(crate) const fn of_hit(outcome: Result<StoreOutcome, Error>) -> Self {
        Self {
            refunds: Vec::new(),
            outcome,
            leases: Vec::new(),
        }
    }
}
