//! A store as leases call it: refunds of leftovers, a hit, and leases, in one request.

use std::fmt::Display;
use std::sync::Arc;

use crate::clock::Clock;
use crate::error::Error;
use crate::observe;
use crate::store::StateStore;
use crate::store::background::Background;
use crate::store::caller::Caller;
use crate::store::leases::request::{LeaseReply, LeaseRequest};
use crate::store::leases::table::LeaseTable;
use crate::store::leases::terms::Leftover;
use crate::store::local_refusals::LocalRefusals;
use crate::store::local_refusals::store_time::StoreClock;
use crate::store::plan::Plan;
use crate::store::settlement::Settlement;

/// The number of times that the refund of a leftover is tried.
const MAX_FAILURES: u8 = 3;

/// The number of leftovers that are refunded in one request.
const PER_REQUEST: usize = 32;

/// The parts of a store's handle that leases need.
#[derive(Clone, Debug)]
pub(crate) struct LeasingStore {
    pub(crate) states: Arc<dyn StateStore>,
    /// The clock of the handle; `None` for the store's own.
    pub(crate) clock: Option<Arc<dyn Clock>>,
    /// The tasks that outlive their callers.
    pub(crate) background: Arc<Background>,
    /// The states by which the handle refuses hits.
    pub(crate) refusals: LocalRefusals,
}

impl LeasingStore {
    /// Returns the clock at whose time the store decides.
    pub(crate) fn store_clock(&self) -> StoreClock<'_> {
        StoreClock::of(self.clock.as_deref(), self.states.has_server_time())
    }

    /// Refunds leftovers, decides the plans of a hit, and counts leases. A leftover whose refund
    /// was certainly not made goes back to the table.
    ///
    /// # Errors
    ///
    /// The error of the whole request.
    pub(crate) async fn apply(
        &self,
        table: &LeaseTable,
        leftovers: Vec<Leftover>,
        (plans, leases): (&[Plan<'_>], &[Plan<'_>]),
        caller: &Caller,
    ) -> Result<LeaseReply, Error> {
        let refunds: Vec<Settlement<'_>> = leftovers.iter().map(Leftover::settlement).collect();
        let request = LeaseRequest {
            refunds: &refunds,
            plans,
            leases,
        };
        let clock = self.clock.as_deref();
        let replied = self.states.lease(&request, clock, caller).await;
        drop(refunds);
        if !leftovers.is_empty() {
            let keys = leftovers.iter().map(|leftover| leftover.terms.key);
            self.refusals.forget(keys);
        }
        match replied {
            Ok(mut reply) => {
                let refunds = std::mem::take(&mut reply.refunds).into_iter();
                for (leftover, refund) in leftovers.into_iter().zip(refunds) {
                    if let Err(error) = refund {
                        self.fail(table, leftover, &error);
                    }
                }
                Ok(reply)
            }
            Err(error) => {
                for leftover in leftovers {
                    self.fail(table, leftover, &error);
                }
                Err(error)
            }
        }
    }

    /// Refunds leftovers, many in one request.
    pub(crate) async fn refund(&self, table: &LeaseTable, leftovers: Vec<Leftover>) {
        let _running = self.background.running();
        let mut leftovers = leftovers.into_iter().peekable();
        while leftovers.peek().is_some() {
            let next = leftovers.by_ref().take(PER_REQUEST).collect();
            // Each leftover reports its own failure.
            let _ = self.apply(table, next, (&[], &[]), &Caller::gone()).await;
        }
    }

    /// Returns a leftover to the table, unless its refund may have been made or has failed too
    /// often. The units then stay counted, as those of a process that has crashed.
    fn fail(&self, table: &LeaseTable, mut leftover: Leftover, error: &Error) {
        leftover.failures += 1;
        if error.may_have_counted() || leftover.failures >= MAX_FAILURES {
            let error: &dyn Display = error;
            observe::not_refunded(self.states.kind(), error);
        } else {
            table.add_leftover(leftover);
        }
    }
}
