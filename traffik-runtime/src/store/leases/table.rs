//! The bounded table of the clients that hit often, and of their leases.
//!
//! A client has one place in one of many small buckets, each under a lock of its own. A full bucket
//! replaces its oldest member that has no lease. The table reads no clock: each operation is called
//! with the present moment.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::store::key::Key;
use crate::store::leases::demand::Demand;
use crate::store::leases::terms::{Leftover, Terms};
use crate::store::local_refusals::store_time::StoreClock;
use crate::store::plan::Plan;

/// The number of buckets, a power of two.
const BUCKETS: usize = 2_048;

/// The number of clients in a bucket.
const PER_BUCKET: usize = 16;

/// The part of the last known `remaining` that a lease takes at the greatest, as its divisor.
const SHARE: u64 = 4;

/// The number of hits like the present one that a lease has to serve. A client whose quota is too
/// scarce for that is decided by the store, exactly.
const MIN_HITS: u64 = 4;

/// The greatest number of leftovers that wait to be refunded beside those in the buckets.
const MAX_LEFTOVERS: usize = BUCKETS * PER_BUCKET;

/// The moment of an operation on the table, by the clock of this process, and the store's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment<'c> {
    pub(crate) now: u64,
    pub(crate) clock: StoreClock<'c>,
}

/// The clients that hit often, and their leases.
pub(crate) struct LeaseTable {
    /// The buckets, from the first hit on a throttle with leases on.
    buckets: OnceLock<Box<[Mutex<Vec<Client>>]>>,
    /// Leftovers that no hit refunds: their refund has failed, or they came back too late.
    leftovers: Mutex<Vec<Leftover>>,
    /// The number of times that all leases were ended.
    generation: AtomicU64,
    /// Set once no leases are taken any more.
    is_closed: AtomicBool,
    /// The number of callers that are about to take a lease.
    takers: watch::Sender<usize>,
}

/// A client that hits often.
struct Client {
    key: Key,
    demand: Demand,
    /// The greatest cost that the store would have admitted after its last decision.
    remaining: u64,
    /// Set while a caller takes a lease. The others go to the store meanwhile.
    is_being_leased: bool,
    lease: Option<Lease>,
}

/// Units that the store has counted and this process hands out.
struct Lease {
    terms: Arc<Terms>,
    left: u64,
}

/// The right of one caller to take the lease of a client, which ends when this is dropped.
pub(crate) struct Taking {
    table: Arc<LeaseTable>,
    key: Key,
    generation: u64,
    /// Units of the last lease, to be refunded first.
    pub(crate) leftover: Option<Leftover>,
    /// The units to take; 0 for none.
    pub(crate) units: u64,
}

impl LeaseTable {
    pub(crate) fn new() -> Self {
        Self {
            buckets: OnceLock::new(),
            leftovers: Mutex::default(),
            generation: AtomicU64::new(0),
            is_closed: AtomicBool::new(false),
            takers: watch::Sender::new(0),
        }
    }

    fn bucket(&self, key: Key) -> Option<&Mutex<Vec<Client>>> {
        // The low bits of the second word are part of no tag.
        let place = key.second as usize % BUCKETS;
        self.buckets.get().map(|buckets| &buckets[place])
    }

    /// Calls a function with a client, if it is in the table.
    fn with_client<T>(&self, key: Key, change: impl FnOnce(&mut Client) -> T) -> Option<T> {
        let mut bucket = self.bucket(key)?.lock();
        let client = bucket.iter_mut().find(|client| client.key == key)?;
        Some(change(client))
    }

    /// Returns `true` if the client of this key has a lease.
    pub(crate) fn contains(&self, key: Key) -> bool {
        self.with_client(key, |client| client.lease.is_some()) == Some(true)
    }

    /// Admits a hit by the client's lease. Returns its terms and the units that are left, or `None`
    /// if the store has to be called.
    pub(crate) fn admit(&self, plan: &Plan<'_>, at: Moment<'_>) -> Option<(Arc<Terms>, u64)> {
        let admitted = self.with_client(plan.key, |client| {
            let lease = client.lease.as_mut()?;
            if lease.left < plan.cost || !lease.serves(plan, at) {
                return None;
            }
            lease.left -= plan.cost;
            client.demand.add(plan.cost, at.now, plan.lease);
            Some((lease.terms.clone(), lease.left))
        });
        admitted.flatten()
    }

    /// Gives back units of a leased hit: to the lease while it lives, otherwise to the store.
    pub(crate) fn give_back(&self, terms: Arc<Terms>, units: u64, at: Moment<'_>) {
        let returned = self.with_client(terms.key, |client| {
            let lease = client.lease.as_mut();
            let lease = lease.filter(|lease| Arc::ptr_eq(&lease.terms, &terms));
            let Some(lease) = lease.filter(|lease| lease.terms.is_alive(at.now, at.clock)) else {
                return false;
            };
            lease.left += units;
            true
        });
        if returned != Some(true) {
            self.add_leftover(Leftover {
                terms,
                units,
                failures: 0,
            });
        }
    }

    /// Begins a hit that the store decides. Returns the right to take a lease if one pays, or if
    /// there is something to refund.
    pub(crate) fn begin(self: &Arc<Self>, plan: &Plan<'_>, at: Moment<'_>) -> Option<Taking> {
        if self.is_closed.load(Ordering::SeqCst) {
            return None;
        }
        let generation = self.generation.load(Ordering::SeqCst);
        let begun = self.with_client(plan.key, |client| {
            if client.is_being_leased {
                return None;
            }
            let is_usable = |lease: &Lease| lease.left >= plan.cost && lease.serves(plan, at);
            if client.lease.as_ref().is_some_and(is_usable) {
                return None;
            }
            let ended = client.lease.take();
            if ended.as_ref().is_some_and(|it| !it.terms.covers(plan)) {
                // The demand was that of hits under another law.
                client.demand = Demand::default();
            }
            let leftover = ended.and_then(|lease| lease.leftover(at.now));
            let units = client.units(plan, at.now);
            client.is_being_leased = units > 0 || leftover.is_some();
            client.is_being_leased.then_some((leftover, units))
        });
        let (leftover, units) = begun.flatten()?;
        self.takers.send_modify(|takers| *takers += 1);
        Some(Taking {
            table: self.clone(),
            key: plan.key,
            generation,
            leftover,
            units,
        })
    }

    /// Records the decision of the store on a hit: with `true` if it was admitted, and the greatest
    /// cost that the store would admit after it.
    pub(crate) fn record(&self, plan: &Plan<'_>, admitted: bool, remaining: u64, now: u64) {
        let buckets = || (0..BUCKETS).map(|_| Mutex::default()).collect();
        self.buckets.get_or_init(buckets);
        let Some(bucket) = self.bucket(plan.key) else {
            return;
        };
        let mut bucket = bucket.lock();
        let place = bucket.iter().position(|client| client.key == plan.key);
        let place = place.or_else(|| {
            if bucket.len() == PER_BUCKET {
                let oldest = bucket.iter().position(Client::is_idle)?;
                bucket.remove(oldest);
            }
            bucket.push(Client::new(plan.key));
            Some(bucket.len() - 1)
        });
        if let Some(place) = place {
            let client = &mut bucket[place];
            client.remaining = remaining;
            if admitted {
                client.demand.add(plan.cost, now, plan.lease);
            }
        }
    }

    /// Removes the leases whose end no hit has noticed, and returns the units to be refunded.
    /// Returns `None` if nothing is left of any lease.
    pub(crate) fn sweep(&self, now: u64) -> Option<Vec<Leftover>> {
        let mut leftovers = std::mem::take(&mut *self.leftovers.lock());
        let mut is_empty = leftovers.is_empty();
        for bucket in self.buckets.get().into_iter().flatten() {
            for client in bucket.lock().iter_mut() {
                let ended = client.lease.take_if(|lease| lease.terms.is_overdue(now));
                leftovers.extend(ended.and_then(|lease| lease.leftover(now)));
                is_empty &= client.lease.is_none() && !client.is_being_leased;
            }
        }
        (!is_empty || !leftovers.is_empty()).then_some(leftovers)
    }

    /// Ends all leases without a refund, because the store has forgotten what it had counted.
    pub(crate) fn clear(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.leftovers.lock().clear();
        for bucket in self.buckets.get().into_iter().flatten() {
            bucket.lock().retain_mut(|client| {
                client.lease = None;
                client.is_being_leased
            });
        }
    }

    /// Ends all leases, takes no others, and returns the units to be refunded.
    pub(crate) fn close(&self, now: u64) -> Vec<Leftover> {
        self.is_closed.store(true, Ordering::SeqCst);
        let mut leftovers = std::mem::take(&mut *self.leftovers.lock());
        for bucket in self.buckets.get().into_iter().flatten() {
            for client in bucket.lock().iter_mut() {
                let ended = client.lease.take();
                leftovers.extend(ended.and_then(|lease| lease.leftover(now)));
            }
        }
        leftovers
    }

    /// Waits until no caller is about to take a lease.
    pub(crate) async fn without_takers(&self) {
        let mut takers = self.takers.subscribe();
        let _ = takers.wait_for(|takers| *takers == 0).await;
    }

    /// Adds units that no hit refunds.
    pub(crate) fn add_leftover(&self, leftover: Leftover) {
        let mut leftovers = self.leftovers.lock();
        if leftovers.len() < MAX_LEFTOVERS {
            leftovers.push(leftover);
        }
    }
}

impl Client {
    fn new(key: Key) -> Self {
        Self {
            key,
            demand: Demand::default(),
            remaining: 0,
            is_being_leased: false,
            lease: None,
        }
    }

    /// Returns `true` if nothing is lost when it leaves the table.
    const fn is_idle(&self) -> bool {
        self.lease.is_none() && !self.is_being_leased
    }

    /// Returns the units of a lease that pays: as many as this process is expected to use, and at
    /// most a share of what remained; 0 if none pays.
    fn units(&mut self, plan: &Plan<'_>, now: u64) -> u64 {
        let units = self
            .demand
            .expected(now, plan.lease)
            .min(self.remaining / SHARE);
        if units < plan.cost.saturating_mul(MIN_HITS) {
            return 0;
        }
        units
    }
}

impl Lease {
    /// Returns `true` if it is alive, and was taken under the limits of this plan.
    fn serves(&self, plan: &Plan<'_>, at: Moment<'_>) -> bool {
        self.terms.is_alive(at.now, at.clock) && self.terms.covers(plan)
    }

    /// Returns the units to be refunded, if there are any that the store may still have counted.
    fn leftover(self, now: u64) -> Option<Leftover> {
        let is_refundable = self.left > 0 && self.terms.is_refundable(now);
        is_refundable.then_some(Leftover {
            terms: self.terms,
            units: self.left,
            failures: 0,
        })
    }
}

impl Taking {
    /// Puts the lease that the store has counted into the table. It goes back to the store if it
    /// has come too late: all leases were ended meanwhile.
    pub(crate) fn install(self, terms: Terms) {
        let lease = Lease {
            left: self.units,
            terms: Arc::new(terms),
        };
        let table = &*self.table;
        let mut lease = Some(lease);
        table.with_client(self.key, |client| {
            let is_current = table.generation.load(Ordering::SeqCst) == self.generation
                && !table.is_closed.load(Ordering::SeqCst);
            if is_current {
                client.lease = lease.take();
            }
        });
        if let Some(Lease { terms, left }) = lease {
            table.add_leftover(Leftover {
                terms,
                units: left,
                failures: 0,
            });
        }
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        self.table
            .with_client(self.key, |client| client.is_being_leased = false);
        self.table.takers.send_modify(|takers| *takers -= 1);
    }
}

impl fmt::Debug for LeaseTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseTable").finish_non_exhaustive()
    }
}
