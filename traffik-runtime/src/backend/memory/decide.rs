//! How plans are decided together: with all their slots locked.

use std::borrow::Cow;
use std::future::ready;

use parking_lot::MutexGuard;

use super::boxed::{Prospect, Shard};
use super::slot::Locked;
use super::{Memory, filled};
use crate::backend::caller::Caller;
use crate::backend::erased::Answer;
use crate::backend::key::Key;
use crate::backend::outcome::{Outcome, Several, Told};
use crate::backend::plan::{Plan, Step};
use crate::backend::settle::Settling;
use crate::backend::store::Decide;
use crate::clock::{Clock, Reading, SystemClock};
use crate::error::Error;
use crate::strategy::State;
use crate::strategy::kernel::Packed;

type Shards<'a> = Several<(usize, MutexGuard<'a, Shard>)>;
type Slots<'a> = Several<(Key, Locked<'a>)>;

/// How long a slot is kept for a set that is about to write it, in microseconds.
const RESERVED: u64 = 1_000_000;

/// How often a set looks for its slots: far more often than others take one of them by chance.
const MOST_TRIES: usize = 10_000;

impl Decide for Memory {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn decide_now(&self, plans: &[Plan<'_>], at: Reading<'_>) -> Option<Outcome> {
        // An error is told by `decide`, which is asked next.
        self.open(|| self.decide_all(plans, at)).ok()
    }

    fn settle_now(&self, settling: &[Settling<'_>], now: u64) -> bool {
        self.open(|| {
            self.settle_all(settling, now);
            Ok(())
        })
        .is_ok()
    }

    fn read_now(&self, plans: &[Plan<'_>], now: u64) -> Option<Several<State>> {
        self.open(|| Ok(self.read_all(plans, now))).ok()
    }

    fn decide<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        at: Option<u64>,
        _: &'a Caller,
    ) -> Answer<'a, Outcome> {
        let at = at.map_or_else(Reading::of_system, Reading::from);
        Box::pin(ready(self.open(|| self.decide_all(plans, at))))
    }

    fn settle<'a>(
        &'a self,
        settling: &'a [Settling<'a>],
        at: Option<u64>,
        _: &'a Caller,
    ) -> Answer<'a, ()> {
        let now = at.unwrap_or_else(|| SystemClock::new().now_micros());
        Box::pin(ready(self.open(|| {
            self.settle_all(settling, now);
            Ok(())
        })))
    }

    fn read<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        at: Option<u64>,
    ) -> Answer<'a, (u64, Several<State>)> {
        let now = at.unwrap_or_else(|| SystemClock::new().now_micros());
        let read = self.open(|| Ok((now, self.read_all(plans, now))));
        Box::pin(ready(read))
    }
}

impl Memory {
    fn decide_all<'c>(
        &self,
        plans: &[Plan<'_>],
        at: impl Into<Reading<'c>>,
    ) -> Result<Outcome, Error> {
        let at = at.into();
        self.check_room(plans)?;
        loop {
            let Some(outcome) = self.decide_locked(plans, at)? else {
                continue;
            };
            if !outcome.admitted {
                for plan in plans.iter().filter(|plan| plan.cost > 0) {
                    self.lengthen(plan, at.now);
                }
            }
            return Ok(outcome);
        }
    }

    /// Decides on what is seen without slots locked first: a refusal by any member is one. Only a set that seems to be
    /// admitted gets its slots, locks them, and is decided again. `None` if states that belong in slots may be in the
    /// overflow map since shards were locked.
    fn decide_locked(&self, plans: &[Plan<'_>], at: Reading<'_>) -> Result<Option<Outcome>, Error> {
        let now = at.now;
        let (mut shards, sees_all) = self.lock_shards(plans, now);
        let is_late = || !sees_all && self.boxed.holds_packed();
        for _ in 0..MOST_TRIES {
            let seen = |plan: &Plan<'_>| self.peek(plan, &shards, now);
            let ruled = rule_all(plans, seen, now);
            let outcome = match &ruled {
                Err(Refused) => Some(refused(plans, seen, now)),
                Ok(_) if plans.iter().all(|plan| plan.cost == 0) => {
                    Some(unchanged(plans, seen, now))
                }
                Ok(_) => None,
            };
            if is_late() {
                return Ok(None);
            }
            let (Ok(steps), None) = (ruled, &outcome) else {
                if outcome.as_ref().is_some_and(|outcome| !outcome.admitted) {
                    self.catch_up_all(plans, &mut shards, at);
                }
                return Ok(outcome);
            };
            let Some(slots) = self.lock_slots(plans, &shards, is_late, now) else {
                continue;
            };
            if slots.is_empty() {
                return Ok(Some(self.take_all(plans, steps, &mut shards, &slots, now)));
            }
            let held = |plan: &Plan<'_>| self.held(plan, &shards, &slots, now);
            match rule_all(plans, held, now) {
                Ok(steps) => {
                    return Ok(Some(self.take_all(plans, steps, &mut shards, &slots, now)));
                }
                Err(Refused) => {
                    let outcome = refused(plans, held, now);
                    drop(slots);
                    self.catch_up_all(plans, &mut shards, at);
                    return Ok(Some(outcome));
                }
            }
        }
        // Sets that are decided at once take each other's slots again and again.
        Err(self.no_room(plans.len()))
    }

    /// Fills the states that a refused hit has found far ahead of the clock (L4).
    fn catch_up_all(&self, plans: &[Plan<'_>], shards: &mut Shards<'_>, at: Reading<'_>) {
        let now = at.now;
        for plan in plans.iter().filter(|plan| plan.cost > 0) {
            if let Some(state) = self.boxed(plan, shards, now) {
                if let Some(filled) = filled(at, |now| plan.caught_up(state, now))
                    && let Some(shard) = self.shard_of(plan, shards)
                {
                    let entry = self.boxed.entry(shard, plan.key, now);
                    entry.prospect = Prospect::of_all(plan.reports(&filled, now), now);
                    self.boxed.take_over(entry, filled);
                }
            } else if plan.is_packed() {
                self.catch_up_packed(plan, at);
            }
        }
    }

    fn catch_up_packed(&self, plan: &Plan<'_>, at: Reading<'_>) {
        // If anybody else writes meanwhile, that is a hit which has done it.
        if let Some(slot) = self.table.find(plan.key)
            && let Some(snapshot) = slot.read_as(plan.key)
            && let state = State::Packed(snapshot.state)
            && let Some(filled) = filled(at, |now| plan.caught_up(&state, now))
        {
            let made = self.table.next_number(plan.key);
            slot.replace_since(&snapshot, filled.packed(), made);
        }
    }

    fn read_all(&self, plans: &[Plan<'_>], now: u64) -> Several<State> {
        loop {
            let (shards, sees_all) = self.lock_shards(plans, now);
            let seen = plans.iter().map(|plan| self.peek(plan, &shards, now));
            let seen = seen.map(Cow::into_owned).collect();
            if sees_all || !self.boxed.holds_packed() {
                return seen;
            }
        }
    }

    /// A plan's state at this moment; of one that is packed, only while no slot is locked.
    fn peek<'s>(&self, plan: &Plan<'_>, shards: &'s Shards<'_>, now: u64) -> Cow<'s, State> {
        if let Some(state) = self.boxed(plan, shards, now) {
            return plan.living(Cow::Borrowed(state), now);
        }
        if !plan.is_packed() {
            return Cow::Borrowed(State::nothing());
        }
        loop {
            if let Some(slot) = self.table.find(plan.key) {
                if let Some(snapshot) = slot.read_as(plan.key) {
                    return Cow::Owned(State::Packed(plan.terms[0].living(snapshot.state, now)));
                }
            } else if self.table.is_vacant(plan.key) {
                return Cow::Borrowed(State::nothing());
            }
        }
    }

    /// Locks the shards of the states that are or may be in the overflow map, in their order, and moves there what has
    /// several rates now. Returns whether the shards of all plans are locked.
    fn lock_shards(&self, plans: &[Plan<'_>], now: u64) -> (Shards<'_>, bool) {
        if plans.iter().any(|plan| plan.terms.len() > 1) {
            self.boxed.note_packed();
        }
        let sees_all = self.boxed.holds_packed();
        let own = plans.iter().filter(|plan| sees_all || !plan.is_packed());
        let mut numbers: Several<usize> = own.map(|plan| self.boxed.shard_of(plan.key)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let lock = |number| (number, self.boxed.lock(number));
        let mut shards: Shards<'_> = numbers.into_iter().map(lock).collect();
        for plan in plans.iter().filter(|plan| plan.terms.len() > 1) {
            if self.boxed(plan, &shards, now).is_none()
                && let Some(shard) = self.shard_of(plan, &mut shards)
            {
                self.overflow_plan(plan, shard, now);
            }
        }
        (shards, sees_all)
    }

    /// Locks the slots of all packed states, in the order of their addresses, so that no two sets wait for each other.
    /// Nothing if one had to be made or was moved: then all has to be looked at again.
    fn lock_slots(
        &self,
        plans: &[Plan<'_>],
        shards: &Shards<'_>,
        is_late: impl Fn() -> bool,
        now: u64,
    ) -> Option<Slots<'_>> {
        let mut slots: Several<_> = Several::new();
        for plan in plans.iter().filter(|plan| plan.is_packed()) {
            if self.boxed(plan, shards, now).is_some() {
                continue;
            }
            let Some(slot) = self.table.find(plan.key) else {
                let reserved = Packed::reserved(now + RESERVED);
                let ratio = plan.terms[0].capacity_ratio(now);
                let slot = (plan.key, &reserved, ratio);
                self.table.insert_unless(is_late, slot, now);
                return None;
            };
            slots.push((plan.key, slot));
        }
        slots.sort_unstable_by_key(|(_, slot)| std::ptr::from_ref(*slot).addr());
        slots.dedup_by_key(|(key, _)| *key);
        let locked: Slots<'_> = slots
            .into_iter()
            .map(|(key, slot)| (key, slot.lock()))
            .collect();
        let unmoved = locked.iter().all(|(key, slot)| slot.read().0 == Some(*key));
        unmoved.then_some(locked)
    }

    /// A plan's state while everything is locked.
    fn held<'s>(
        &self,
        plan: &Plan<'_>,
        shards: &'s Shards<'_>,
        slots: &Slots<'_>,
        now: u64,
    ) -> Cow<'s, State> {
        match slots.iter().find(|(key, _)| *key == plan.key) {
            Some((_, slot)) => {
                let packed = plan.terms[0].living(slot.read().1, now);
                Cow::Owned(State::Packed(packed))
            }
            None => self.peek(plan, shards, now),
        }
    }

    /// Does what all laws admitted. In order: of two hits on one key, the second knows of the first.
    fn take_all(
        &self,
        plans: &[Plan<'_>],
        steps: Several<Several<Step>>,
        shards: &mut Shards<'_>,
        slots: &Slots<'_>,
        now: u64,
    ) -> Outcome {
        // What the user's own laws say of the new states is asked before anything is written, for they may panic.
        let mut own: Several<Option<(State, Several<Told>)>> = Several::new();
        for (place, (plan, steps)) in plans.iter().zip(&steps).enumerate() {
            own.push(plan.is_custom().then(|| {
                let mut after = self.peek(plan, shards, now).into_owned();
                plan.take(steps.clone(), &mut after, now);
                after.number_new(|| self.boxed.next_number());
                let told = plan.told(place, &after, now).collect();
                (after, told)
            }));
        }
        self.reserve_boxed(plans, shards, now);
        let mut told = Several::new();
        let lines = plans.iter().zip(steps).zip(own).enumerate();
        for (place, ((plan, steps), own)) in lines {
            if plan.cost == 0 {
                told.extend(plan.told(place, &self.held(plan, shards, slots, now), now));
            } else if let Some((_, slot)) = slots.iter().find(|(key, _)| *key == plan.key) {
                let mut state = State::Packed(slot.read().1);
                plan.take(steps, &mut state, now);
                slot.update(state.packed());
                let made = slot.made().into();
                let said = plan.told(place, &state, now);
                told.extend(said.map(|said| Told { made, ..said }));
            } else if let Some(shard) = self.shard_of(plan, shards) {
                let said = self.take_boxed(plan, steps, own, shard, (place, now));
                told.extend(said);
            }
        }
        Outcome::admitted(now, told)
    }

    /// Gives all boxed states of a set their places, so that no member displaces another: first those that are there.
    fn reserve_boxed(&self, plans: &[Plan<'_>], shards: &mut Shards<'_>, now: u64) {
        if plans.len() < 2 || shards.is_empty() {
            return;
        }
        for is_there in [true, false] {
            let boxed = plans.iter().filter(|plan| !plan.is_packed());
            for plan in boxed.filter(|plan| plan.cost > 0) {
                if self.boxed(plan, shards, now).is_some() == is_there
                    && let Some(shard) = self.shard_of(plan, shards)
                {
                    let entry = self.boxed.entry(shard, plan.key, now);
                    entry.prospect = Prospect::reserved(now + RESERVED);
                }
            }
        }
    }

    fn take_boxed(
        &self,
        plan: &Plan<'_>,
        steps: Several<Step>,
        own: Option<(State, Several<Told>)>,
        shard: &mut Shard,
        (place, now): (usize, u64),
    ) -> Several<Told> {
        let entry = self.boxed.entry(shard, plan.key, now);
        let told = match own {
            Some((after, told)) => {
                entry.state = after;
                told
            }
            None => {
                if let Cow::Owned(living) = plan.living(Cow::Borrowed(&entry.state), now) {
                    entry.state = living;
                }
                plan.align(&mut entry.state, entry.made);
                plan.take(steps, &mut entry.state, now);
                entry.state.number_new(|| self.boxed.next_number());
                let told = plan.told(place, &entry.state, now);
                match entry.state {
                    State::List(_) => told.collect(),
                    _ => told
                        .map(|told| Told {
                            made: entry.made,
                            ..told
                        })
                        .collect(),
                }
            }
        };
        entry.prospect = Prospect::of_all(told.iter().map(|told| told.report), now);
        told
    }

    fn shard_of<'a>(&self, plan: &Plan<'_>, shards: &'a mut Shards<'_>) -> Option<&'a mut Shard> {
        let wanted = self.boxed.shard_of(plan.key);
        let (_, shard) = shards.iter_mut().find(|(shard, _)| *shard == wanted)?;
        Some(shard)
    }

    fn boxed<'s>(&self, plan: &Plan<'_>, shards: &'s Shards<'_>, now: u64) -> Option<&'s State> {
        let wanted = self.boxed.shard_of(plan.key);
        let (_, shard) = shards.iter().find(|(shard, _)| *shard == wanted)?;
        shard.read(plan.key, now)
    }
}

/// Some plan is refused.
struct Refused;

/// What each plan does to its state, if all are admitted.
fn rule_all<'s>(
    plans: &[Plan<'_>],
    read: impl Fn(&Plan<'_>) -> Cow<'s, State>,
    now: u64,
) -> Result<Several<Several<Step>>, Refused> {
    let mut all: Several<Several<Step>> = Several::new();
    for (place, plan) in plans.iter().enumerate() {
        let mut before = read(plan);
        for (earlier, steps) in plans[..place].iter().zip(&all) {
            if earlier.key == plan.key {
                earlier.take(steps.clone(), before.to_mut(), now);
            }
        }
        all.push(plan.steps(&before, now).ok_or(Refused)?);
    }
    Ok(all)
}

fn refused<'s>(
    plans: &[Plan<'_>],
    read: impl Fn(&Plan<'_>) -> Cow<'s, State>,
    now: u64,
) -> Outcome {
    let states: Several<_> = plans.iter().map(read).collect();
    Outcome::refused(plans, states.iter().map(|state| &**state), now)
}

/// The outcome of costs of 0: all are admitted, nothing is written.
fn unchanged<'s>(
    plans: &[Plan<'_>],
    read: impl Fn(&Plan<'_>) -> Cow<'s, State>,
    now: u64,
) -> Outcome {
    let mut told = Several::new();
    for (place, plan) in plans.iter().enumerate() {
        told.extend(plan.told(place, &read(plan), now));
    }
    Outcome::admitted(now, told)
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
