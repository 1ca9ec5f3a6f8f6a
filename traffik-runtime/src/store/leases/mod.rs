//! Leases: units of a client's quota that a shared store has counted in advance, so that this
//! process admits the client's next hits by itself.
//!
//! A hit that finds no lease goes to the store. If the client hits often enough that it pays, the
//! same request takes more units than the hit needs, and refunds what was left of the last lease.
//! One caller takes the lease of a client at a time, and nobody waits for it. A lease ends after
//! its life, at the end of the window in which it was counted, when it is used up, when a hit under
//! other limits comes, or when an operator changes the throttle. What is left is refunded by the
//! next hit, or else by a [`sweeper`].
//!
//! [`table`] holds the clients and their leases, [`demand`] measures how much they use, and
//! [`terms`] are those of one lease. [`decide`] makes a [`request`] of them, by which a
//! [`leasing_store`] is called.

pub(crate) mod decide;
pub(crate) mod demand;
pub(crate) mod leasing_store;
pub(crate) mod request;
pub(crate) mod sweeper;
pub(crate) mod table;
pub(crate) mod terms;

use std::sync::Arc;
use std::time::Duration;

use crate::decision::Provenance;
use crate::inline_vec::InlineVec4;
use crate::store::caller::PATIENCE;
use crate::store::key::Key;
use crate::store::leases::leasing_store::LeasingStore;
use crate::store::leases::sweeper::Sweeper;
use crate::store::leases::table::{LeaseTable, Moment};
use crate::store::leases::terms::Terms;
use crate::store::lifetime::micros;
use crate::store::local_refusals::store_time::StoreClock;
use crate::store::outcome::StoreOutcome;
use crate::store::plan::Plan;
use crate::timer;

/// The leases of a shared store, as one of its handles uses them.
#[derive(Clone, Debug)]
pub(crate) struct Leases {
    /// The leases of all handles with one clock: the times of two clocks cannot be compared.
    table: Arc<LeaseTable>,
    sweeper: Arc<Sweeper>,
    /// The life of the leases of throttles that do not set it, in microseconds; 0 for no leases.
    default_life: u64,
}

impl Leases {
    /// The leases of a shared store, which takes none by default.
    pub(crate) fn new() -> Self {
        Self {
            table: Arc::new(LeaseTable::new()),
            sweeper: Arc::new(Sweeper::new()),
            default_life: 0,
        }
    }

    /// Sets the life of the leases of throttles that do not set it.
    pub(crate) fn set_default_life(&mut self, life: Duration) {
        self.default_life = micros(life);
    }

    /// Returns the life of the leases of throttles that do not set it, in microseconds.
    pub(crate) const fn default_life(&self) -> u64 {
        self.default_life
    }

    /// Separates the leases of a handle with a new clock from those of other handles.
    pub(crate) fn set_new_clock(&mut self) {
        let default_life = self.default_life;
        *self = Self {
            default_life,
            ..Self::new()
        };
    }

    /// Returns `true` if the client of this key has a lease.
    pub(crate) fn contains(&self, key: Key) -> bool {
        self.table.contains(key)
    }

    /// Admits hits by the leases of their clients. Returns `None` if the store has to be called.
    pub(crate) fn admit(&self, plans: &[Plan<'_>], clock: StoreClock<'_>) -> Option<StoreOutcome> {
        let now = clock.now();
        let at = Moment { now, clock };
        let mut served = InlineVec4::<(Arc<Terms>, u64)>::new();
        for plan in plans {
            let Some(terms) = self.table.admit(plan, at) else {
                // All are admitted or none.
                for ((terms, _), plan) in served.into_iter().zip(plans) {
                    self.table.give_back(terms, plan.cost, at);
                }
                return None;
            };
            served.push(terms);
        }
        let mut limits = InlineVec4::new();
        for (place, ((terms, left), plan)) in served.iter().zip(plans).enumerate() {
            terms.report(place, plan, (*left, now), &mut limits);
        }
        let times = served.iter().map(|(terms, _)| terms.earliest(now));
        Some(StoreOutcome {
            provenance: Provenance::Lease,
            ..StoreOutcome::admitted(times.max().unwrap_or_default(), limits)
        })
    }

    /// Refunds what is left of all leases, and takes no others.
    pub(crate) async fn close(&self, store: &LeasingStore) {
        let now = || store.store_clock().now();
        let mut leftovers = self.table.close(now());
        let _ = timer::within(PATIENCE, self.table.without_takers()).await;
        leftovers.extend(self.table.close(now()));
        let refunded = store.refund(&self.table, leftovers);
        let _ = timer::within(PATIENCE, refunded).await;
    }

    /// Ends all leases, because the store has forgotten what it had counted.
    pub(crate) fn clear(&self) {
        self.table.clear();
    }
}
