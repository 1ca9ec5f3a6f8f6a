//! How plans are decided together: with all their slots locked.

use std::borrow::Cow;
use std::future::ready;

use parking_lot::MutexGuard;

use super::Memory;
use super::boxed::{Prospect, Shard};
use super::slot::Locked;
use crate::backend::caller::Caller;
use crate::backend::erased::Answer;
use crate::backend::key::Key;
use crate::backend::outcome::{Outcome, Several, Told};
use crate::backend::plan::{Plan, Step, Term};
use crate::backend::settle::Settling;
use crate::backend::store::Decide;
use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::strategy::State;
use crate::strategy::kernel::{Listed, Packed};

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

    fn decide_now(&self, plans: &[Plan<'_>], now: u64) -> Option<Outcome> {
        // An error is told by `decide`, which is asked next.
        self.open(|| self.decide_all(plans, now)).ok()
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
        let now = at.unwrap_or_else(|| SystemClock::new().now_micros());
        Box::pin(ready(self.open(|| self.decide_all(plans, now))))
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
    /// Gives a plan's state the form that its throttle has now.
    pub(super) fn take_over(&self, plan: &Plan<'_>, now: u64) {
        let plans = std::slice::from_ref(plan);
        self.unpack_all(plans, now);
        let mut shards = self.lock_shards(plans);
        self.pack_up_all(plans, &mut shards, now);
    }

    /// Decides on what is seen without slots locked first: a refusal by any member is one. Only a set that seems to be
    /// admitted gets its slots, locks them, and is decided again.
    fn decide_all(&self, plans: &[Plan<'_>], now: u64) -> Result<Outcome, Error> {
        self.check_room(plans)?;
        self.unpack_all(plans, now);
        let mut shards = self.lock_shards(plans);
        self.pack_up_all(plans, &mut shards, now);
        for _ in 0..MOST_TRIES {
            let seen = |plan: &Plan<'_>| self.peek(plan, &shards, now);
            let Ok(steps) = rule_all(plans, seen, now) else {
                let outcome = refused(plans, seen, now);
                self.catch_up_all(plans, &mut shards, now);
                return Ok(outcome);
            };
            if plans.iter().all(|plan| plan.cost == 0) {
                return Ok(unchanged(plans, seen, now));
            }
            let Some(slots) = self.lock_slots(plans, now) else {
                continue;
            };
            if slots.is_empty() {
                return Ok(self.take_all(plans, steps, &mut shards, &slots, now));
            }
            let held = |plan: &Plan<'_>| self.held(plan, &shards, &slots, now);
            match rule_all(plans, held, now) {
                Ok(steps) => return Ok(self.take_all(plans, steps, &mut shards, &slots, now)),
                Err(Refused) => {
                    let outcome = refused(plans, held, now);
                    drop(slots);
                    self.catch_up_all(plans, &mut shards, now);
                    return Ok(outcome);
                }
            }
        }
        // Sets that are decided at once take each other's slots again and again.
        Err(self.no_room(plans.len()))
    }

    /// Fills the states that a refused hit has found far ahead of the clock (L4).
    fn catch_up_all(&self, plans: &[Plan<'_>], shards: &mut Shards<'_>, now: u64) {
        for plan in plans.iter().filter(|plan| plan.cost > 0) {
            if plan.is_packed() {
                self.catch_up_packed(plan, now);
            } else if let Some(state) = self.boxed(plan, shards, now)
                && let Some(filled) = plan.caught_up(state, now)
                && let Some(shard) = self.shard_of(plan, shards)
            {
                let entry = self.boxed.entry(shard, plan.key, now);
                entry.prospect = Prospect::of_all(plan.reports(&filled, now), now);
                entry.state = filled;
            }
        }
    }

    fn catch_up_packed(&self, plan: &Plan<'_>, now: u64) {
        // If anybody else writes meanwhile, that is a hit which has done it.
        if let Some(slot) = self.table.find(plan.key)
            && let Some(snapshot) = slot.read_as(plan.key)
            && let Some(filled) = plan.caught_up(&State::Packed(snapshot.state), now)
        {
            slot.write_since(&snapshot, filled.packed());
        }
    }

    fn read_all(&self, plans: &[Plan<'_>], now: u64) -> Several<State> {
        self.unpack_all(plans, now);
        let mut shards = self.lock_shards(plans);
        self.pack_up_all(plans, &mut shards, now);
        let seen = plans.iter().map(|plan| self.peek(plan, &shards, now));
        seen.map(Cow::into_owned).collect()
    }

    /// Gives a key whose throttle had several rates, and now has one, a slot with what was counted for that; says whether
    /// there was anything.
    pub(super) fn unpack(&self, key: Key, term: &Term, now: u64) -> bool {
        if !self.boxed.has_lists() {
            return false;
        }
        let mut shard = self.boxed.lock(self.boxed.shard_of(key));
        let Some(state) = self.boxed.take(&mut shard, key, now) else {
            return false;
        };
        let own = match &state {
            State::List(list) => {
                let same = |listed: &&Listed| listed.period == term.rate.period_micros();
                let listed = list.iter().find(same).or(list.first());
                listed.map_or(State::nothing(), |listed| &listed.state)
            }
            // It was only looked at since there have been several.
            state => state,
        };
        let ratio = term.capacity_ratio(now);
        self.table.insert(key, own.packed(), ratio, now)
    }

    /// The same for every plan that has no slot, before any shard is locked.
    fn unpack_all(&self, plans: &[Plan<'_>], now: u64) {
        for plan in plans.iter().filter(|plan| plan.is_packed()) {
            if self.table.find(plan.key).is_none() {
                self.unpack(plan.key, &plan.terms[0], now);
            }
        }
    }

    /// The other way round: what was counted for one rate goes to where that of several is, before any slot is locked,
    /// for whoever moves slots waits for those that are.
    fn pack_up_all(&self, plans: &[Plan<'_>], shards: &mut Shards<'_>, now: u64) {
        for plan in plans.iter().filter(|plan| plan.terms.len() > 1) {
            if self.boxed(plan, shards, now).is_none()
                && self.table.find(plan.key).is_some()
                && let Some(packed) = self.table.take(plan.key)
                && let Some(shard) = self.shard_of(plan, shards)
            {
                let state = State::Packed(packed);
                let prospect = Prospect {
                    expires: packed.expires(),
                    ..Prospect::of_all(plan.reports(&state, now), now)
                };
                let entry = self.boxed.entry(shard, plan.key, now);
                entry.prospect = prospect;
                entry.state = state;
            }
        }
    }

    /// A plan's state at this moment; of one that is packed, only while no slot is locked.
    fn peek<'s>(&self, plan: &Plan<'_>, shards: &'s Shards<'_>, now: u64) -> Cow<'s, State> {
        if !plan.is_packed() {
            let state = self.boxed(plan, shards, now);
            return Cow::Borrowed(state.unwrap_or(State::nothing()));
        }
        loop {
            if let Some(slot) = self.table.find(plan.key) {
                if let Some(snapshot) = slot.read_as(plan.key) {
                    return Cow::Owned(State::Packed(snapshot.state));
                }
            } else if self.table.is_vacant(plan.key) {
                return Cow::Borrowed(State::nothing());
            }
        }
    }

    /// Locks the shards of all boxed states, in their order.
    fn lock_shards(&self, plans: &[Plan<'_>]) -> Shards<'_> {
        let boxed = plans.iter().filter(|plan| !plan.is_packed());
        let mut shards: Several<usize> = boxed.map(|plan| self.boxed.shard_of(plan.key)).collect();
        shards.sort_unstable();
        shards.dedup();
        shards
            .into_iter()
            .map(|shard| (shard, self.boxed.lock(shard)))
            .collect()
    }

    /// Locks the slots of all packed states, in the order of their addresses, so that no two sets wait for each other.
    /// Nothing if one had to be made or was moved: then all has to be looked at again.
    fn lock_slots(&self, plans: &[Plan<'_>], now: u64) -> Option<Slots<'_>> {
        let mut slots: Several<_> = Several::new();
        for plan in plans.iter().filter(|plan| plan.is_packed()) {
            let Some(slot) = self.table.find(plan.key) else {
                let reserved = Packed::reserved(now + RESERVED);
                let ratio = plan.terms[0].capacity_ratio(now);
                self.table.insert(plan.key, &reserved, ratio, now);
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
            Some((_, slot)) => Cow::Owned(State::Packed(slot.read().1)),
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
                told.extend(plan.told(place, &state, now));
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
        if plan.terms.len() > 1 {
            self.boxed.note_list();
        }
        let entry = self.boxed.entry(shard, plan.key, now);
        let told = match own {
            Some((after, told)) => {
                entry.state = after;
                told
            }
            None => {
                plan.take(steps, &mut entry.state, now);
                plan.told(place, &entry.state, now).collect()
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
