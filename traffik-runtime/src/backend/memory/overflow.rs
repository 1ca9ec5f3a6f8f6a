//! States of one rate that are in the overflow map: those of throttles that had several rates, and those that a changed
//! rate needs for longer than they say themselves (L30).
//!
//! A key is in the table or in the overflow map, never in both. It goes from one to the other while its shard is locked,
//! and so does every key that gets a slot once [`holds_packed`](super::boxed::Boxed::holds_packed) is true.

use super::Memory;
use super::alone::{Hit, admitted};
use super::boxed::{Prospect, Shard};
use super::filled;
use super::slot::{Slot, Snapshot};
use crate::backend::key::Key;
use crate::backend::life::end_of;
use crate::backend::plan::{Plan, Term};
use crate::decision::Report;
use crate::strategy::State;

impl Memory {
    /// Decides on a state of another rate, in a slot; `None` if it was changed meanwhile.
    #[cold]
    #[inline(never)]
    pub(super) fn decide_changed(
        &self,
        (slot, snapshot): (&Slot, Snapshot),
        key: Key,
        term: &Term,
        hit: Hit<'_>,
        said: &mut Option<Report>,
    ) -> Option<bool> {
        let (law, now, cost) = (&term.law, hit.at.now, hit.cost);
        let before = term.living(snapshot.state, now);
        let decide = || law.decide_packed(&before, now, cost);
        let Some(after) = (cost > 0).then(decide).flatten() else {
            let before = State::Packed(before);
            let caught_up = || filled(hit.at, |now| law.caught_up(&before, now));
            let filled = (cost > 0).then(caught_up).flatten();
            if let Some(filled) = &filled {
                let made = self.table.next_number(key);
                if !slot.replace_since(&snapshot, filled.packed(), made) {
                    return None;
                }
            } else if cost > 0 {
                self.lengthen_slot(key, term, now);
            }
            *said = Some(law.report(&before, now, cost));
            return Some(cost == 0);
        };
        if !slot.write_since(&snapshot, &after) {
            return None;
        }
        *said = Some(admitted(law, after, hit));
        Some(true)
    }

    /// Decides where the key has no slot, but may be in the overflow map; `None` if it has got a slot meanwhile.
    #[cold]
    pub(super) fn decide_overflowed(
        &self,
        key: Key,
        term: &Term,
        hit: Hit<'_>,
        said: &mut Option<Report>,
    ) -> Option<bool> {
        let (law, now, cost) = (&term.law, hit.at.now, hit.cost);
        let mut shard = self.boxed.lock(self.boxed.shard_of(key));
        let entry = shard.entry(key, now);
        let made = entry.map(|entry| entry.own_number(term) as u16);
        let before = *entry
            .map_or(State::nothing(), |entry| term.own(&entry.state, now))
            .packed();
        let decide = || law.decide_packed(&before, now, cost);
        let Some(after) = (cost > 0).then(decide).flatten() else {
            let before = State::Packed(before);
            let report = law.report(&before, now, cost);
            *said = Some(report);
            let caught_up = || filled(hit.at, |now| law.caught_up(&before, now));
            let filled = (cost > 0).then(caught_up).flatten();
            if let Some(filled) = filled {
                let entry = self.boxed.entry(&mut shard, key, now);
                entry.prospect = Prospect::new(&law.report(&filled, now, 0), now);
                self.boxed.take_over(entry, filled);
                return Some(false);
            }
            let Some(entry) = shard.find(key, now) else {
                return self.table.is_vacant(key).then_some(cost == 0);
            };
            if cost > 0 && term.lengthen_own(&mut entry.state, report.reset, now) {
                entry.lengthen(end_of(report.reset, now));
            }
            return Some(cost == 0);
        };
        let slot = (key, &after, term.capacity_ratio(now));
        if !self.table.insert_numbered(|| false, slot, made, now) {
            return None;
        }
        self.boxed.remove(&mut shard, key);
        *said = Some(admitted(law, after, hit));
        Some(true)
    }

    /// Lets the state of a plan that was refused live for as long as its rates need it.
    pub(super) fn lengthen(&self, plan: &Plan<'_>, now: u64) {
        if let ([term], true) = (&*plan.terms, plan.is_packed()) {
            if self.table.find(plan.key).is_some() {
                return self.lengthen_slot(plan.key, term, now);
            }
            if !self.boxed.holds_packed() {
                return;
            }
        }
        let mut shard = self.boxed.lock(self.boxed.shard_of(plan.key));
        let Some(entry) = shard.find(plan.key, now) else {
            return;
        };
        let lengthens = match &mut entry.state {
            State::List(list) => plan.lengthen(list, now),
            _ => true,
        };
        if lengthens {
            let needed = plan.needed(&entry.state, now);
            entry.lengthen(needed);
        }
    }

    /// Lets the state in a slot live for as long as a rate needs it. If it is of another rate, and that is longer than it
    /// says itself, it goes to the overflow map, where its end stands beside it.
    fn lengthen_slot(&self, key: Key, term: &Term, now: u64) {
        let needed = |packed| {
            let ends = if term.law.knows_end(&packed) {
                return None;
            } else {
                packed.expires()
            };
            let reset = term.law.report(&State::Packed(packed), now, 0).reset;
            let needed = end_of(reset, now);
            (ends > now && needed > ends).then_some(needed)
        };
        let slot = self.table.find(key);
        let snapshot = slot.and_then(|slot| slot.read_as(key));
        if snapshot
            .and_then(|snapshot| needed(snapshot.state))
            .is_none()
        {
            return;
        }
        self.boxed.note_packed();
        let mut shard = self.boxed.lock(self.boxed.shard_of(key));
        let prospect = |state: &State| Prospect::new(&term.law.report(state, now, 0), now);
        self.overflow(&mut shard, key, prospect, now);
        if let Some(entry) = shard.find(key, now)
            && let Some(needed) = needed(*entry.state.packed())
        {
            entry.lengthen(needed);
        }
    }

    /// Moves the state of a plan from its slot, if it has one, to its shard of the overflow map.
    pub(super) fn overflow_plan(&self, plan: &Plan<'_>, shard: &mut Shard, now: u64) {
        let prospect = |state: &State| Prospect::of_all(plan.reports(state, now), now);
        self.overflow(shard, plan.key, prospect, now);
    }

    /// Moves a key from its slot, if it has one, to its shard of the overflow map. No slot may be locked meanwhile, for
    /// whoever moves slots waits for those that are.
    fn overflow(
        &self,
        shard: &mut Shard,
        key: Key,
        prospect: impl Fn(&State) -> Prospect,
        now: u64,
    ) {
        if let Some((packed, made)) = self.table.take(key) {
            let state = State::Packed(packed);
            let prospect = Prospect {
                expires: packed.expires(),
                ..prospect(&state)
            };
            let entry = self.boxed.entry(shard, key, now);
            (entry.prospect, entry.state, entry.made) = (prospect, state, made.into());
        }
    }
}
