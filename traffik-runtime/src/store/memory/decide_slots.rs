//! Decides a set of hits, all or nothing, whose states are all in slots, without waiting for a
//! lock.
//!
//! # Protocol
//!
//! 1. Find the slot of each hit, and read a snapshot of its state. No lock is taken.
//! 2. Evaluate each hit on its snapshot. If one is refused, read all states once more to report on
//!    the set, and write nothing.
//! 3. Lock the slot of each hit that counts, if it has not been written since the snapshot. If one
//!    has been, unlock those before it and start over. A lock that fails is not waited for, so sets
//!    that lock the same slots in another order cannot block each other.
//! 4. Write the new states, and unlock the slots.
//!
//! # Guarantee
//!
//! As long as all slots are locked, all states are those of the snapshots, so the set is decided
//! and counted at one moment: all locks are held before the first state is written. A refusal is
//! final, because some hit was refused at some moment during the call.
//!
//! # What is left to the other protocol
//!
//! [`decide_set`](super::locked) decides a set with a key that has no slot, with two hits on one
//! key, with a state of a changed rate, a wide one or one far ahead of the clock, and a refused set
//! whose wait has to be searched for. It also decides a set that has lost to other threads several
//! times, because it waits for them.

use crate::clock::reading::Reading;
use crate::inline_vec::InlineVec4;
use crate::store::key::Key;
use crate::store::memory::Memory;
use crate::store::memory::seqlock_slot::{PreparedWrite, Slot, Snapshot, write_all};
use crate::store::outcome::Reports;
use crate::store::plan::Limit;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::state::State;

/// The number of attempts before a set waits for locks.
const MAX_ATTEMPTS: usize = 4;

/// A hit on the states of a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyedHit<'l> {
    pub(crate) key: Key,
    pub(crate) limits: &'l [Limit],
    pub(crate) cost: u64,
}

/// The reason why a set was not decided.
enum Undecided {
    /// Another thread has written a slot.
    Outrun,
    /// The set needs the protocol with locks.
    NeedsLocks,
}

impl Memory {
    /// Decides hits under one limit each, and writes all or none. Adds their reports, and returns
    /// `true` if all are admitted. Returns `None`, and has changed nothing, if they need
    /// [`decide_set`](Self::decide_set).
    pub(crate) fn decide_slots(
        &self,
        hits: &[KeyedHit<'_>],
        at: Reading<'_>,
        reports: &mut impl Reports,
    ) -> Option<bool> {
        for (place, hit) in hits.iter().enumerate() {
            let is_own = hits[..place].iter().all(|other| other.key != hit.key);
            if !is_own || !matches!(hit.limits, [limit] if limit.law.is_packed()) {
                return None;
            }
        }
        for _ in 0..MAX_ATTEMPTS {
            match self.try_decide_slots(hits, at.now, reports) {
                Ok(is_admitted) => return Some(is_admitted),
                Err(Undecided::Outrun) => reports.clear(),
                Err(Undecided::NeedsLocks) => return None,
            }
        }
        None
    }

    #[inline]
    fn try_decide_slots(
        &self,
        hits: &[KeyedHit<'_>],
        now: u64,
        reports: &mut impl Reports,
    ) -> Result<bool, Undecided> {
        let mut writes: InlineVec4<PreparedWrite<'_>> = InlineVec4::new();
        for (place, hit) in hits.iter().enumerate() {
            let limit = &hit.limits[0];
            let (slot, snapshot) = self.read_slot(hit)?;
            if hit.cost == 0 {
                let report = limit.law.report_packed(&snapshot.state, now, 0);
                reports.add(place, limit, true, &report);
                continue;
            }
            let mut state = snapshot.state;
            let Some(report) = limit.law.hit_packed(&mut state, now, hit.cost) else {
                reports.clear();
                return self.refuse_slots(hits, now, reports);
            };
            let write = slot.prepare_write(&snapshot, &state);
            writes.push(write.ok_or(Undecided::NeedsLocks)?);
            reports.add(place, limit, true, &report);
        }
        if write_all(&writes) {
            Ok(true)
        } else {
            Err(Undecided::Outrun)
        }
    }

    /// Adds the reports of a set that is refused. It needs locks if a state has to be corrected, or
    /// if the wait of the set may be longer than that of each limit.
    fn refuse_slots(
        &self,
        hits: &[KeyedHit<'_>],
        now: u64,
        reports: &mut impl Reports,
    ) -> Result<bool, Undecided> {
        let mut is_refused = false;
        for (place, hit) in hits.iter().enumerate() {
            let limit = &hit.limits[0];
            let (law, state) = (&limit.law, self.read_slot(hit)?.1.state);
            if matches!(law, Law::Hours(_))
                || state.at > now && law.caught_up(&State::Packed(state), now).is_some()
            {
                return Err(Undecided::NeedsLocks);
            }
            let fits = hit.cost == 0 || law.decide_packed(&state, now, hit.cost).is_some();
            is_refused |= !fits;
            reports.add(
                place,
                limit,
                fits,
                &law.report_packed(&state, now, hit.cost),
            );
        }
        // Another thread may have made room since the set was refused.
        if is_refused {
            Ok(false)
        } else {
            Err(Undecided::Outrun)
        }
    }

    /// Reads the slot of a hit. It needs locks if the key seems to have no slot, or if the state
    /// was written under another rate.
    #[inline(always)]
    fn read_slot(&self, hit: &KeyedHit<'_>) -> Result<(Slot<'_>, Snapshot), Undecided> {
        let slot = self.table.find(hit.key).ok_or(Undecided::NeedsLocks)?;
        let snapshot = slot.read_for(hit.key).ok_or(Undecided::NeedsLocks)?;
        if hit.limits[0].law.knows_end(&snapshot.state) {
            Ok((slot, snapshot))
        } else {
            Err(Undecided::NeedsLocks)
        }
    }
}
