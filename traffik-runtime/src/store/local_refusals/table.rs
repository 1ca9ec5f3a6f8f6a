//! The bounded table of states that have refused hits.
//!
//! A key has one place in one of many small buckets, each under a lock of its own; a full bucket
//! replaces its oldest member. Logs may be long, so the number of their entries in the whole table
//! is bounded too.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::inline_vec::InlineVec1;
use crate::store::key::Key;
use crate::store::local_refusals::store_time::{ReplyTime, Usability};
use crate::store::plan::{Limit, Plan};
use crate::strategy::kernel::Law;
use crate::strategy::kernel::state::State;

/// The number of buckets, a power of two.
const BUCKETS: usize = 2_048;

/// The number of states in a bucket.
const PER_BUCKET: usize = 16;

/// The greatest number of log entries in the table. An entry has 16 bytes.
const MAX_RECORDS: usize = 1 << 20;

/// A state that has refused a hit.
pub(crate) struct Refusal {
    pub(crate) key: Key,
    pub(crate) state: Arc<State>,
    /// The limits by which the hit was refused.
    pub(crate) limits: InlineVec1<Limit>,
    /// The number of changes to throttles before the request was sent.
    pub(crate) changes: u64,
    /// The number of the clock of its times.
    pub(crate) clock: u64,
    pub(crate) time: ReplyTime,
    /// The hits for which the state suffices; `None` for all hits.
    pub(crate) scope: Option<SummaryScope>,
    /// Set once a caller calls the store to renew it.
    pub(crate) is_being_renewed: bool,
}

/// The hits for which the summary of a log suffices: equal ones, until an entry expires.
pub(crate) struct SummaryScope {
    pub(crate) cost: u64,
    /// The time of the store from which more remains.
    pub(crate) until: u64,
}

impl SummaryScope {
    const fn covers(&self, cost: u64, latest: u64) -> bool {
        self.cost == cost && latest < self.until
    }
}

/// The states that have refused hits, by their keys.
pub(crate) struct RefusalTable {
    buckets: Box<[Mutex<Bucket>]>,
    /// The latest ticket.
    ticket: AtomicU64,
    /// The number of log entries in all states.
    records: AtomicUsize,
}

/// States of some keys.
#[derive(Default)]
struct Bucket {
    /// The oldest ticket that is valid: states were forgotten after those before it were issued.
    oldest_ticket: u64,
    /// The states, oldest first.
    refusals: Vec<Refusal>,
}

impl RefusalTable {
    pub(crate) fn new() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| Mutex::default()).collect(),
            ticket: AtomicU64::new(0),
            records: AtomicUsize::new(0),
        }
    }

    fn bucket(&self, key: Key) -> &Mutex<Bucket> {
        // The low bits of the second word are part of no tag.
        &self.buckets[key.second as usize % BUCKETS]
    }

    /// Issues a ticket for a request that is about to be sent.
    pub(crate) fn ticket(&self) -> u64 {
        self.ticket.load(Ordering::SeqCst)
    }

    /// Returns `true` if there is a state of this key, of any age.
    pub(crate) fn contains(&self, key: Key) -> bool {
        let bucket = self.bucket(key).lock();
        bucket.refusals.iter().any(|refusal| refusal.key == key)
    }

    /// Returns the state of a key and its time, if it can be used. Returns `None` to the first
    /// caller that finds it due, so that this one renews it.
    pub(crate) fn find(
        &self,
        key: Key,
        usability: impl FnOnce(&Refusal) -> Usability,
    ) -> Option<(Arc<State>, ReplyTime)> {
        let mut bucket = self.bucket(key).lock();
        let mut refusals = bucket.refusals.iter_mut();
        let refusal = refusals.find(|refusal| refusal.key == key)?;
        match usability(refusal) {
            Usability::None => return None,
            Usability::Due if !refusal.is_being_renewed => {
                refusal.is_being_renewed = true;
                return None;
            }
            Usability::Due | Usability::Full => {}
        }
        Some((refusal.state.clone(), refusal.time))
    }

    /// Inserts the state that a request with this ticket has brought, unless its key was forgotten
    /// since.
    pub(crate) fn insert(&self, ticket: u64, refusal: Refusal) {
        let records = refusal.records();
        if records > 0 && self.records.load(Ordering::Relaxed) + records > MAX_RECORDS {
            self.remove_logs();
            if records > MAX_RECORDS {
                return;
            }
        }
        let mut bucket = self.bucket(refusal.key).lock();
        if ticket < bucket.oldest_ticket {
            return;
        }
        let mut others = bucket.refusals.iter();
        if let Some(place) = others.position(|other| other.key == refusal.key) {
            self.remove(&mut bucket, place);
        } else if bucket.refusals.len() == PER_BUCKET {
            self.remove(&mut bucket, 0);
        }
        self.records.fetch_add(records, Ordering::Relaxed);
        bucket.refusals.push(refusal);
    }

    /// Forgets the states of these keys, and makes earlier tickets for them invalid.
    pub(crate) fn forget(&self, keys: impl Iterator<Item = Key>) {
        let next = self.ticket.fetch_add(1, Ordering::SeqCst) + 1;
        for key in keys {
            let mut bucket = self.bucket(key).lock();
            bucket.oldest_ticket = bucket.oldest_ticket.max(next);
            let mut refusals = bucket.refusals.iter();
            if let Some(place) = refusals.position(|refusal| refusal.key == key) {
                self.remove(&mut bucket, place);
            }
        }
    }

    /// Makes earlier tickets for these keys invalid, and leaves the states as they are.
    pub(crate) fn expire_tickets(&self, keys: impl Iterator<Item = Key>) {
        let next = self.ticket.fetch_add(1, Ordering::SeqCst) + 1;
        for key in keys {
            let mut bucket = self.bucket(key).lock();
            bucket.oldest_ticket = bucket.oldest_ticket.max(next);
        }
    }

    /// Forgets all states, and makes all tickets invalid.
    pub(crate) fn clear(&self) {
        let next = self.ticket.fetch_add(1, Ordering::SeqCst) + 1;
        for bucket in &self.buckets {
            let mut bucket = bucket.lock();
            bucket.oldest_ticket = bucket.oldest_ticket.max(next);
            while !bucket.refusals.is_empty() {
                let last = bucket.refusals.len() - 1;
                self.remove(&mut bucket, last);
            }
        }
    }

    /// Removes all logs. Those of clients that are still refused come back with the next refusal.
    fn remove_logs(&self) {
        for bucket in &self.buckets {
            let mut bucket = bucket.lock();
            for place in (0..bucket.refusals.len()).rev() {
                if bucket.refusals[place].records() > 0 {
                    self.remove(&mut bucket, place);
                }
            }
        }
    }

    fn remove(&self, bucket: &mut Bucket, place: usize) {
        let removed = bucket.refusals.remove(place);
        self.records.fetch_sub(removed.records(), Ordering::Relaxed);
    }
}

impl Refusal {
    /// Returns `true` if the state tells how a plan is decided up to this time of the store.
    pub(crate) fn covers(&self, plan: &Plan<'_>, latest: u64) -> bool {
        let is_whole = self.scope.is_none();
        let has_same_life = |(own, other): (&Limit, &Limit)| match (&own.law, &other.law) {
            // The clients of a throttle may have limits of their own, by which the state lives as
            // long.
            (Law::Window(_), Law::Window(_)) | (Law::Log(_), Law::Log(_)) if is_whole => {
                own.rate == other.rate
            }
            (own_law, law) => own.rate == other.rate && own_law == law,
        };
        self.limits.len() == plan.limits.len()
            && self.limits.iter().zip(&*plan.limits).all(has_same_life)
            && self
                .scope
                .as_ref()
                .is_none_or(|scope| scope.covers(plan.cost, latest))
    }

    /// Returns the number of entries of its logs.
    fn records(&self) -> usize {
        self.state.records()
    }
}

impl fmt::Debug for RefusalTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefusalTable").finish_non_exhaustive()
    }
}
