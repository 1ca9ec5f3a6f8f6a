//! The bounded table of states that have refused hits.
//!
//! A key has one place in one of many small buckets, each under a lock of its own; a full bucket
//! replaces its oldest member. Logs may be long, so the number of their entries in the whole table
//! is bounded too.

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

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

/// Returns the place of a key's bucket. The low bits of the second word are part of no tag.
const fn place_of(key: Key) -> usize {
    key.second as usize % BUCKETS
}

impl SummaryScope {
    const fn covers(&self, cost: u64, latest: u64) -> bool {
        self.cost == cost && latest < self.until
    }
}

/// The states that have refused hits, by their keys.
pub(crate) struct RefusalTable {
    /// The buckets, from the first refusal on: they take some memory, which a backend that refuses
    /// nobody does not need.
    buckets: OnceLock<Box<[Mutex<Bucket>]>>,
    /// The oldest ticket that is valid for all keys.
    oldest_ticket: AtomicU64,
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
            buckets: OnceLock::new(),
            oldest_ticket: AtomicU64::new(0),
            ticket: AtomicU64::new(0),
            records: AtomicUsize::new(0),
        }
    }

    /// Returns the bucket of a key, if there are buckets.
    fn bucket(&self, key: Key) -> Option<&Mutex<Bucket>> {
        self.buckets.get().map(|buckets| &buckets[place_of(key)])
    }

    /// Makes tickets for these keys invalid that were issued before, and calls a function with each
    /// bucket.
    fn expire(&self, keys: impl Iterator<Item = Key>, mut change: impl FnMut(&mut Bucket, Key)) {
        let next = self.ticket.fetch_add(1, Ordering::SeqCst) + 1;
        if self.buckets.get().is_none() {
            self.oldest_ticket.fetch_max(next, Ordering::SeqCst);
        }
        // Buckets that another thread has made since may hold a state.
        for key in keys {
            if let Some(bucket) = self.bucket(key) {
                let mut bucket = bucket.lock();
                bucket.oldest_ticket = bucket.oldest_ticket.max(next);
                change(&mut bucket, key);
            }
        }
    }

    /// Issues a ticket for a request that is about to be sent.
    pub(crate) fn ticket(&self) -> u64 {
        self.ticket.load(Ordering::SeqCst)
    }

    /// Returns `true` if there is a state of this key, of any age.
    pub(crate) fn contains(&self, key: Key) -> bool {
        let has_key = |bucket: &Mutex<Bucket>| {
            let bucket = bucket.lock();
            bucket.refusals.iter().any(|refusal| refusal.key == key)
        };
        self.bucket(key).is_some_and(has_key)
    }

    /// Returns the state of a key and its time, if it can be used. Returns `None` to the first
    /// caller that finds it due, so that this one renews it.
    pub(crate) fn find(
        &self,
        key: Key,
        usability: impl FnOnce(&Refusal) -> Usability,
    ) -> Option<(Arc<State>, ReplyTime)> {
        let mut bucket = self.bucket(key)?.lock();
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
        if records > MAX_RECORDS {
            return;
        }
        if records > 0 && self.records.load(Ordering::Relaxed) + records > MAX_RECORDS {
            self.remove_logs();
        }
        let buckets = || (0..BUCKETS).map(|_| Mutex::default()).collect();
        let buckets = self.buckets.get_or_init(buckets);
        let mut bucket = buckets[place_of(refusal.key)].lock();
        if ticket
            < bucket
                .oldest_ticket
                .max(self.oldest_ticket.load(Ordering::SeqCst))
        {
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
        self.expire(keys, |bucket, key| {
            let mut refusals = bucket.refusals.iter();
            if let Some(place) = refusals.position(|refusal| refusal.key == key) {
                self.remove(bucket, place);
            }
        });
    }

    /// Makes earlier tickets for these keys invalid, and leaves the states as they are.
    pub(crate) fn expire_tickets(&self, keys: impl Iterator<Item = Key>) {
        self.expire(keys, |_, _| ());
    }

    /// Forgets all states, and makes all tickets invalid.
    pub(crate) fn clear(&self) {
        let next = self.ticket.fetch_add(1, Ordering::SeqCst) + 1;
        self.oldest_ticket.fetch_max(next, Ordering::SeqCst);
        for bucket in self.buckets.get().into_iter().flatten() {
            let mut bucket = bucket.lock();
            while !bucket.refusals.is_empty() {
                let last = bucket.refusals.len() - 1;
                self.remove(&mut bucket, last);
            }
        }
    }

    /// Removes all logs. Those of clients that are still refused come back with the next refusal.
    fn remove_logs(&self) {
        for bucket in self.buckets.get().into_iter().flatten() {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{MAX_RECORDS, PER_BUCKET, Refusal, RefusalTable};
    use crate::clock::manual::ManualClock;
    use crate::inline_vec::InlineVec1;
    use crate::store::key::Key;
    use crate::store::local_refusals::store_time::{Sent, StoreClock, Usability};
    use crate::strategy::kernel::log_entries::Entries;
    use crate::strategy::kernel::state::State;

    fn key(first: u64) -> Key {
        Key { first, second: 5 }
    }

    fn refusal(key: Key, records: usize) -> Refusal {
        let clock = ManualClock::new();
        let sent = Sent {
            ticket: 0,
            changes: 0,
            at: 0,
        };
        let entries = (0..records as u64).map(|at| (at, at + 1)).collect();
        let log = Entries::from_totals(entries, 0, 9).expect("entries in order");
        Refusal {
            key,
            state: Arc::new(State::Log(log)),
            limits: InlineVec1::new(),
            changes: 0,
            clock: 0,
            time: StoreClock::Caller(Some(&clock)).reply(0, &sent),
            scope: None,
            is_being_renewed: false,
        }
    }

    #[test]
    fn ignores_replies_to_requests_that_were_sent_before_a_key_was_forgotten() {
        let table = RefusalTable::new();
        // Before there are buckets, and with them.
        for _ in 0..2 {
            let ticket = table.ticket();
            table.forget([key(1)].into_iter());
            table.insert(ticket, refusal(key(1), 0));
            assert!(!table.contains(key(1)));
            table.insert(table.ticket(), refusal(key(1), 0));
            assert!(table.contains(key(1)));
            table.forget([key(1)].into_iter());
            assert!(!table.contains(key(1)));
        }
        let ticket = table.ticket();
        table.clear();
        table.insert(ticket, refusal(key(2), 0));
        assert!(!table.contains(key(2)));
    }

    #[test]
    fn leaves_states_when_tickets_expire() {
        let table = RefusalTable::new();
        let ticket = table.ticket();
        table.insert(ticket, refusal(key(1), 0));
        table.expire_tickets([key(1)].into_iter());
        assert!(table.contains(key(1)));
        table.insert(ticket, refusal(key(2), 0));
        assert!(!table.contains(key(2)));
    }

    #[test]
    fn replaces_the_oldest_state_of_a_full_bucket() {
        let table = RefusalTable::new();
        let last = PER_BUCKET as u64 + 1;
        for first in 1..=last {
            table.insert(0, refusal(key(first), 0));
        }
        assert!(!table.contains(key(1)));
        assert!((2..=last).all(|first| table.contains(key(first))));
    }

    #[test]
    fn bounds_the_number_of_log_entries() {
        let table = RefusalTable::new();
        table.insert(0, refusal(key(1), MAX_RECORDS / 2));
        table.insert(0, refusal(key(2), MAX_RECORDS / 2));
        assert!(table.contains(key(1)) && table.contains(key(2)));
        table.insert(0, refusal(key(3), 1));
        assert!(!table.contains(key(1)) && !table.contains(key(2)));
        assert!(table.contains(key(3)));
        table.insert(0, refusal(key(4), MAX_RECORDS + 1));
        assert!(!table.contains(key(4)));
    }

    #[test]
    fn lets_one_caller_renew_a_state() {
        let table = RefusalTable::new();
        table.insert(0, refusal(key(1), 0));
        let find = |usability| table.find(key(1), |_| usability).is_some();
        assert!(find(Usability::Full));
        assert!(!find(Usability::Due));
        assert!(find(Usability::Due) && find(Usability::Full));
        assert!(!find(Usability::None));
        table.insert(0, refusal(key(1), 0));
        assert!(!find(Usability::Due));
    }
}
