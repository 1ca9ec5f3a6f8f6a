//! How one hit is decided under one rate and a built-in law, which is what most requests ask: optimistically.

use super::Memory;
use super::boxed::Prospect;
use super::clock_skew::corrected;
use super::slot::Slot;
use super::slot_permit::SlotPermit;
use crate::backend::key::Key;
use crate::backend::life::end_of;
use crate::backend::plan::Term;
use crate::clock::Reading;
use crate::decision::Report;
use crate::strategy::State;
use crate::strategy::kernel::{Kernel, Law, Packed};

/// What is asked of a law.
#[derive(Clone, Copy)]
pub(crate) struct Hit<'c> {
    pub(crate) at: Reading<'c>,
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
        hit: Hit<'_>,
        output: &mut Option<Report>,
    ) -> bool {
        match self.attempt(key, term, hit, output) {
            Some(fits) => fits,
            None => self.insist(key, term, hit, output),
        }
    }

    #[cold]
    fn insist(&self, key: Key, term: &Term, hit: Hit<'_>, output: &mut Option<Report>) -> bool {
        loop {
            if let Some(fits) = self.attempt(key, term, hit, output) {
                return fits;
            }
        }
    }

    /// Nothing if somebody else changed what this was about to change.
    #[inline(always)]
    fn attempt(
        &self,
        key: Key,
        term: &Term,
        hit: Hit<'_>,
        output: &mut Option<Report>,
    ) -> Option<bool> {
        match (self.table.find(key), &term.law) {
            // Each a function of its own, into which the law is worked.
            (Some(slot), Law::Window(law)) => self.decide_in(slot, key, (term, law), hit, output),
            (Some(slot), Law::Counter(law)) => self.decide_in(slot, key, (term, law), hit, output),
            (Some(slot), Law::Meter(law)) => self.decide_in(slot, key, (term, law), hit, output),
            (Some(slot), Law::Hours(law)) => self.decide_in(slot, key, (term, law), hit, output),
            (Some(slot), Law::Rollover(law)) => self.decide_in(slot, key, (term, law), hit, output),
            (Some(slot), Law::Adaptive(law)) => self.decide_in(slot, key, (term, law), hit, output),
            (_, Law::Closed) => {
                *output = Some(term.law.report(State::nothing(), hit.at.now, hit.cost));
                Some(hit.cost == 0)
            }
            (_, Law::Log(_) | Law::Mean(_) | Law::Unlimited | Law::Custom) => {
                Some(self.decide_boxed(key, term, hit, output))
            }
            (None, _) => self.decide_unseen(key, term, hit, output),
        }
    }

    /// Decides for a client that seems never to have been seen; nothing if it turns out that it was.
    #[cold]
    fn decide_unseen(
        &self,
        key: Key,
        term: &Term,
        hit: Hit<'_>,
        output: &mut Option<Report>,
    ) -> Option<bool> {
        if self.boxed.may_hold_packed() {
            return self.decide_and_move_to_slot(key, term, hit, output);
        }
        let permit = SlotPermit::of_unmarked(&self.boxed);
        let (Term { law, .. }, now, cost) = (term, hit.at.now, hit.cost);
        let nothing = State::nothing();
        let decide = || law.decide_packed(nothing.packed(), now, cost);
        let Some(after) = (cost > 0).then(decide).flatten() else {
            *output = Some(law.report(nothing, now, cost));
            let is_new = self.table.is_vacant(key) && permit.is_valid();
            return is_new.then_some(cost == 0);
        };
        let slot = (key, &after, term.capacity_ratio(now));
        if !self.table.try_insert(permit, slot, now) {
            return None;
        }
        *output = Some(admitted(law, after, hit));
        Some(true)
    }

    #[inline(never)]
    fn decide_boxed(
        &self,
        key: Key,
        term: &Term,
        hit: Hit<'_>,
        output: &mut Option<Report>,
    ) -> bool {
        let (law, now, cost) = (&term.law, hit.at.now, hit.cost);
        let mut shard = self.boxed.lock(self.boxed.shard_of(key));
        let nothing = State::nothing();
        let before = shard.read(key, now);
        let before = before.map_or(nothing, |state| term.own(state, now));
        if cost == 0 || !law.admits(before, now, cost) {
            let report = law.report(before, now, cost);
            *output = Some(report);
            let caught_up = || corrected(hit.at, |now| law.caught_up(before, now));
            let filled = (cost > 0).then(caught_up).flatten();
            if let Some(filled) = filled {
                let entry = self.boxed.entry(&mut shard, key, now);
                entry.prospect = Prospect::new(&law.report(&filled, now, 0), now);
                self.boxed.replace(entry, filled);
            } else if cost > 0
                && let Some(entry) = shard.find(key, now)
                && term.lengthen_own(&mut entry.state, report.reset, now)
            {
                entry.lengthen(end_of(report.reset, now));
            }
            return cost == 0;
        }
        let entry = self.boxed.entry(&mut shard, key, now);
        if matches!(entry.state, State::List(_)) {
            // The throttle had several rates.
            entry.made = entry.own_number(term);
            entry.state = term.own(&entry.state, now).clone();
        }
        law.count(&mut entry.state, now, cost);
        let report = law.report(&entry.state, now, 0);
        entry.prospect = Prospect::new(&report, now);
        *output = Some(report);
        true
    }

    /// Reads the state, asks the law, and writes what it says if nobody else wrote meanwhile: else nothing is decided. A
    /// refusal writes nothing, so it needs no lock at all; only a state that is far ahead of the clock it replaces (L4).
    #[inline(never)]
    fn decide_in<K: Kernel>(
        &self,
        slot: &Slot,
        key: Key,
        (term, law): (&Term, &K),
        hit: Hit<'_>,
        output: &mut Option<Report>,
    ) -> Option<bool> {
        let snapshot = slot.read_as(key)?;
        if !law.knows_end(&snapshot.state) {
            return self.decide_changed_rate((slot, snapshot), key, term, hit, output);
        }
        let (now, cost) = (hit.at.now, hit.cost);
        let standing = law.standing(&snapshot.state, now);
        let admitted = if cost > 0 {
            law.admit(&standing, now, cost)
        } else {
            None
        };
        let Some((standing, after)) = admitted else {
            if cost > 0 && law.caught_up(&snapshot.state, now).is_some() {
                let at = hit.at.again();
                let Some(filled) = law.caught_up(&snapshot.state, at.now) else {
                    // The state is not ahead of the clock; this hit has read it before another one that counted.
                    return self.decide_in(slot, key, (term, law), Hit { at, cost }, output);
                };
                if !slot.replace_since(&snapshot, &filled, self.table.next_number(key)) {
                    return None;
                }
            }
            *output = Some(law.report(&standing, now, cost));
            return Some(cost == 0);
        };
        if !slot.write_since(&snapshot, &after) {
            return None;
        }
        *output = Some(Report {
            delay: law.delay(&after, now, cost),
            ..law.report(&standing, now, 0)
        });
        Some(true)
    }
}

/// What a law says after it has admitted a hit.
pub(super) fn admitted(law: &Law, after: Packed, hit: Hit<'_>) -> Report {
    let (now, cost) = (hit.at.now, hit.cost);
    let after = State::Packed(after);
    Report {
        delay: law.delay(&after, now, cost),
        ..law.report(&after, now, 0)
    }
}
