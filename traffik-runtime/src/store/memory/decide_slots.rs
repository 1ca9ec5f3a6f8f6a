//! Decides a set of hits, all or nothing, whose states are all in slots, without waiting for a
//! lock.
//!
//! # Protocol
//!
//! 1. Find the slot of each hit, and read a snapshot of its state. No lock is taken.
//! 2. Evaluate the hits on the snapshots. A refused set is reported and writes nothing.
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
//! key, with a state of a changed rate or one far ahead of the clock, and a refused set whose wait
//! has to be searched for. It also decides a set that has lost to other threads several times,
//! because it waits for them.

use crate::clock::reading::Reading;
use crate::inline_vec::InlineVec4;
use crate::store::key::Key;
use crate::store::memory::Memory;
use crate::store::memory::seqlock_slot::{Slot, SlotGuard, Snapshot};
use crate::store::outcome::LimitReport;
use crate::store::plan::Limit;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::packed::Packed;
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

/// A hit with the snapshot of its slot.
struct SlotHit<'h, 'm> {
    limit: &'h Limit,
    cost: u64,
    slot: Slot<'m>,
    snapshot: Snapshot,
    /// The state to write; `None` if the law refuses the hit, or the hit costs nothing.
    after: Option<Packed>,
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
        reports: &mut InlineVec4<LimitReport>,
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
                Err(Undecided::Outrun) => {}
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
        reports: &mut InlineVec4<LimitReport>,
    ) -> Result<bool, Undecided> {
        let mut read: InlineVec4<SlotHit<'_, '_>> = InlineVec4::new();
        let mut is_admitted = true;
        for hit in hits {
            let Some(hit) = self.read_slot(hit, now) else {
                return Err(Undecided::NeedsLocks);
            };
            is_admitted &= hit.fits();
            read.push(hit);
        }
        if !is_admitted {
            return refuse(&read, now, reports).map(|()| false);
        }
        let incarnations = write(&read)?;
        reports.resize(read.len(), LimitReport::UNDECIDED);
        for ((plan, hit), report) in read.iter().enumerate().zip(&mut *reports) {
            hit.report_admission((plan, incarnations[plan]), now, report);
        }
        Ok(true)
    }

    /// Reads the slot of a hit and evaluates it; `None` if the key seems to have no slot, or the
    /// state was written under another rate.
    #[inline]
    fn read_slot<'h>(&self, hit: &KeyedHit<'h>, now: u64) -> Option<SlotHit<'h, '_>> {
        let limit = &hit.limits[0];
        let slot = self.table.find(hit.key)?;
        let snapshot = slot.read_for(hit.key)?;
        if !limit.law.knows_end(&snapshot.state) {
            return None;
        }
        let decide = || limit.law.decide_packed(&snapshot.state, now, hit.cost);
        Some(SlotHit {
            limit,
            cost: hit.cost,
            slot,
            snapshot,
            after: (hit.cost > 0).then(decide).flatten(),
        })
    }
}

impl SlotHit<'_, '_> {
    fn fits(&self) -> bool {
        self.cost == 0 || self.after.is_some()
    }

    /// Writes the report after an admission in place.
    #[inline]
    fn report_admission(
        &self,
        (plan, incarnation): (usize, u64),
        now: u64,
        output: &mut LimitReport,
    ) {
        let state = self.after.as_ref().unwrap_or(&self.snapshot.state);
        output.plan = plan;
        output.rate = self.limit.rate;
        output.fits = true;
        output.at = now.max(state.at);
        output.incarnation = incarnation;
        output.report = self.limit.law.admitted_report(state, now, self.cost);
    }
}

/// Writes the state of each hit that counts, and returns the incarnations.
#[inline]
fn write(hits: &[SlotHit<'_, '_>]) -> Result<InlineVec4<u64>, Undecided> {
    let mut locked: InlineVec4<Option<SlotGuard<'_>>> = InlineVec4::new();
    for hit in hits {
        let lock = || hit.slot.lock_if_unchanged(&hit.snapshot);
        locked.push(match hit.after {
            Some(_) => Some(lock().ok_or(Undecided::Outrun)?),
            None => None,
        });
    }
    let mut incarnations = InlineVec4::new();
    for (hit, slot) in hits.iter().zip(locked) {
        let written = hit.after.as_ref().zip(slot);
        incarnations.push(written.map_or(0, |(after, slot)| {
            slot.update_since(&hit.snapshot, after);
            slot.incarnation().into()
        }));
    }
    Ok(incarnations)
}

/// Adds the reports of a refused set. It needs locks if a state has to be corrected, or if the wait
/// of the set may be longer than that of each limit.
fn refuse(
    hits: &[SlotHit<'_, '_>],
    now: u64,
    reports: &mut InlineVec4<LimitReport>,
) -> Result<(), Undecided> {
    let needs_locks = |hit: &SlotHit<'_, '_>| {
        let (law, state) = (&hit.limit.law, &hit.snapshot.state);
        matches!(law, Law::Hours(_))
            || state.at > now && law.caught_up(&State::Packed(*state), now).is_some()
    };
    if hits.iter().any(needs_locks) {
        return Err(Undecided::NeedsLocks);
    }
    for (plan, hit) in hits.iter().enumerate() {
        reports.push(LimitReport {
            plan,
            rate: hit.limit.rate,
            fits: hit.fits(),
            report: hit
                .limit
                .law
                .report_packed(&hit.snapshot.state, now, hit.cost),
            at: now,
            ..LimitReport::UNDECIDED
        });
    }
    Ok(())
}
