//! How one hit is decided under one rate and a built-in law, which is what most requests ask: optimistically.

use super::Memory;
use super::boxed::Prospect;
use super::slot::Slot;
use crate::backend::key::Key;
use crate::backend::plan::Term;
use crate::decision::Report;
use crate::strategy::State;
use crate::strategy::kernel::{Kernel, Law};

/// What is asked of a law.
#[derive(Clone, Copy)]
pub(crate) struct Hit {
    pub(crate) now: u64,
    pub(crate) cost: u64,
}

impl Memory {
    /// Whether the hit was admitted, and what the law says afterwards: written where it is read, for to copy a report takes
    /// as long as much of the rest.
    #[inline(always)]
    pub(crate) fn decide_alone(
        &self,
        key: Key,
        term: &Term,
        hit: Hit,
        said: &mut Option<Report>,
    ) -> bool {
        match self.attempt(key, term, hit, said) {
            Some(fits) => fits,
            None => self.insist(key, term, hit, said),
        }
    }

    #[cold]
    fn insist(&self, key: Key, term: &Term, hit: Hit, said: &mut Option<Report>) -> bool {
        loop {
            if let Some(fits) = self.attempt(key, term, hit, said) {
                return fits;
            }
        }
    }

    /// Nothing if somebody else changed what this was about to change.
    #[inline(always)]
    fn attempt(&self, key: Key, term: &Term, hit: Hit, said: &mut Option<Report>) -> Option<bool> {
        match (self.table.find(key), &term.law) {
            // Each a function of its own, into which the law is worked.
            (Some(slot), Law::Window(law)) => decide_in(slot, key, law, hit, said),
            (Some(slot), Law::Counter(law)) => decide_in(slot, key, law, hit, said),
            (Some(slot), Law::Meter(law)) => decide_in(slot, key, law, hit, said),
            (Some(slot), Law::Hours(law)) => decide_in(slot, key, law, hit, said),
            (Some(slot), Law::Rollover(law)) => decide_in(slot, key, law, hit, said),
            (Some(slot), Law::Adaptive(law)) => decide_in(slot, key, law, hit, said),
            (_, Law::Closed) => {
                *said = Some(term.law.report(State::nothing(), hit.now, hit.cost));
                Some(hit.cost == 0)
            }
            (_, Law::Log(_) | Law::Mean(_) | Law::Unlimited | Law::Custom) => {
                Some(self.decide_boxed(key, &term.law, hit, said))
            }
            (None, _) => self.decide_unseen(key, term, hit, said),
        }
    }

    /// Decides for a client that seems never to have been seen; nothing if it turns out that it was.
    #[cold]
    fn decide_unseen(
        &self,
        key: Key,
        term: &Term,
        Hit { now, cost }: Hit,
        said: &mut Option<Report>,
    ) -> Option<bool> {
        let law = &term.law;
        if self.unpack(key, term, now) {
            return None;
        }
        let nothing = State::nothing();
        let decide = || law.decide_packed(nothing.packed(), now, cost);
        let Some(after) = (cost > 0).then(decide).flatten() else {
            *said = Some(law.report(nothing, now, cost));
            return self.table.is_vacant(key).then_some(cost == 0);
        };
        if !self
            .table
            .insert(key, &after, term.capacity_ratio(now), now)
        {
            return None;
        }
        let after = State::Packed(after);
        *said = Some(Report {
            delay: law.delay(&after, now, cost),
            ..law.report(&after, now, 0)
        });
        Some(true)
    }

    #[inline(never)]
    fn decide_boxed(
        &self,
        key: Key,
        law: &Law,
        Hit { now, cost }: Hit,
        said: &mut Option<Report>,
    ) -> bool {
        let mut shard = self.boxed.lock(self.boxed.shard_of(key));
        let before = shard.read(key, now).unwrap_or(State::nothing());
        if cost == 0 || !law.admits(before, now, cost) {
            *said = Some(law.report(before, now, cost));
            if cost > 0
                && let Some(filled) = law.caught_up(before, now)
            {
                let entry = self.boxed.entry(&mut shard, key, now);
                entry.prospect = Prospect::new(&law.report(&filled, now, 0), now);
                entry.state = filled;
            }
            return cost == 0;
        }
        let entry = self.boxed.entry(&mut shard, key, now);
        law.count(&mut entry.state, now, cost);
        let report = law.report(&entry.state, now, 0);
        entry.prospect = Prospect::new(&report, now);
        *said = Some(report);
        true
    }
}

/// Reads the state, asks the law, and writes what it says if nobody else wrote meanwhile: else nothing is decided. A
/// refusal writes nothing, so it needs no lock at all; only a state that is far ahead of the clock it replaces (L4).
#[inline(never)]
fn decide_in<K: Kernel>(
    slot: &Slot,
    key: Key,
    law: &K,
    Hit { now, cost }: Hit,
    said: &mut Option<Report>,
) -> Option<bool> {
    let snapshot = slot.read_as(key)?;
    let standing = law.standing(&snapshot.state, now);
    let admitted = if cost > 0 {
        law.admit(&standing, now, cost)
    } else {
        None
    };
    let Some((standing, after)) = admitted else {
        if cost > 0
            && let Some(filled) = law.caught_up(&snapshot.state, now)
            && !slot.write_since(&snapshot, &filled)
        {
            return None;
        }
        *said = Some(law.report(&standing, now, cost));
        return Some(cost == 0);
    };
    if !slot.write_since(&snapshot, &after) {
        return None;
    }
    *said = Some(Report {
        delay: law.delay(&after, now, cost),
        ..law.report(&standing, now, 0)
    });
    Some(true)
}
