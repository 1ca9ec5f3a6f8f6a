//! How plans are decided: one optimistically, several with all their slots locked.

use parking_lot::MutexGuard;
use smallvec::SmallVec;

use super::Memory;
use super::boxed::{Boxed, Prospect, Shard};
use super::slot::Locked;
use crate::backend::key::Key;
use crate::backend::store::{Plan, Ruling, Store};
use crate::decision::Report;
use crate::strategy::State;
use crate::strategy::kernel::{Kernel, Law, Packed};

/// Sets are small; larger ones spill to the heap.
type Few<T> = SmallVec<[T; 4]>;
type Shards<'a> = Few<(usize, MutexGuard<'a, Shard>)>;
type Slots<'a> = Few<(Key, Locked<'a>)>;

/// How long a slot is kept for a set that is about to write it, in microseconds.
const RESERVED: u64 = 1_000_000;

impl Store for Memory {
    fn decide_one(&self, key: Key, law: &Law, now: u64, cost: u64) -> (bool, Report) {
        // One loop for each law: the law is then worked into it.
        match law {
            Law::Window(law) => self.decide_alone(key, now, cost, law),
            Law::Counter(law) => self.decide_alone(key, now, cost, law),
            Law::Meter(law) => self.decide_alone(key, now, cost, law),
            Law::Hours(law) => self.decide_alone(key, now, cost, law),
            Law::Rollover(law) => self.decide_alone(key, now, cost, law),
            Law::Adaptive(law) => self.decide_alone(key, now, cost, law),
            Law::Log(_) | Law::Mean(_) => self.decide_boxed(key, law, now, cost),
            Law::Unlimited | Law::Custom => (true, Report::UNLIMITED),
        }
    }

    /// Decides on what is seen without slots locked first: a refusal by any member is one. Only a set that seems to be
    /// admitted gets its slots, locks them, and is decided again.
    fn decide_all(&self, plans: &[Plan<'_>], rulings: &mut [Ruling]) {
        let mut shards = self.lock_shards(plans);
        loop {
            let seen = |plan: &Plan<'_>| self.peek(plan, &shards);
            if !rule_all(plans, rulings, seen) || plans.iter().all(|plan| plan.hit.cost == 0) {
                return;
            }
            let Some(mut slots) = self.lock_slots(plans) else {
                continue;
            };
            let locked = |plan: &Plan<'_>| held(plan, &shards, &slots);
            if rule_all(plans, rulings, locked) {
                self.write_all(plans, rulings, &mut shards, &mut slots);
            }
            return;
        }
    }
}

impl Memory {
    /// Reads the state, asks the law, and writes what it says if nobody else wrote meanwhile. A refusal writes nothing,
    /// so it needs no lock at all.
    #[inline]
    fn decide_alone<K: Kernel>(&self, key: Key, now: u64, cost: u64, law: &K) -> (bool, Report) {
        loop {
            let Some(slot) = self.table.find(key) else {
                match self.decide_unseen(key, now, cost, law) {
                    Some(decided) => return decided,
                    None => continue,
                }
            };
            let Some(snapshot) = slot.read_as(key) else {
                continue;
            };
            let after = if cost == 0 {
                None
            } else {
                law.decide(&snapshot.state, now, cost)
            };
            let Some(after) = after else {
                return (cost == 0, law.report(&snapshot.state, now, cost));
            };
            if slot.write_since(&snapshot, &after) {
                return (true, law.report_admitted(&after, now, cost));
            }
        }
    }

    /// The same for a client that seems never to have been seen; nothing if it turns out that it was.
    #[cold]
    fn decide_unseen<K: Kernel>(
        &self,
        key: Key,
        now: u64,
        cost: u64,
        law: &K,
    ) -> Option<(bool, Report)> {
        let nothing = Packed::NOTHING;
        let after = if cost == 0 {
            None
        } else {
            law.decide(&nothing, now, cost)
        };
        match after {
            Some(after) => {
                let inserted = self.table.insert(key, &after, now);
                inserted.then(|| (true, law.report_admitted(&after, now, cost)))
            }
            None => {
                let unseen = self.table.is_vacant(key);
                unseen.then(|| (cost == 0, law.report(&nothing, now, cost)))
            }
        }
    }

    /// A plan's state at this moment.
    fn peek(&self, plan: &Plan<'_>, shards: &Shards<'_>) -> State {
        if !plan.law.is_packed() {
            return boxed(plan, shards);
        }
        loop {
            if let Some(slot) = self.table.find(plan.key) {
                if let Some(snapshot) = slot.read_as(plan.key) {
                    return State::Packed(snapshot.state);
                }
            } else if self.table.is_vacant(plan.key) {
                return State::Packed(Packed::default());
            }
        }
    }

    /// Locks the shards of all boxed states, in their order.
    fn lock_shards(&self, plans: &[Plan<'_>]) -> Shards<'_> {
        let custom = plans.iter().filter(|plan| !plan.law.is_packed());
        let mut shards: Few<usize> = custom.map(|plan| Boxed::shard_of(plan.key)).collect();
        shards.sort_unstable();
        shards.dedup();
        shards
            .into_iter()
            .map(|shard| (shard, self.boxed.lock(shard)))
            .collect()
    }

    /// Locks the slots of all packed states, in the order of their addresses, so that no two sets wait for each other.
    /// Nothing if one had to be made or was moved: then all has to be looked at again.
    fn lock_slots(&self, plans: &[Plan<'_>]) -> Option<Slots<'_>> {
        let mut slots: Few<_> = SmallVec::new();
        for plan in plans.iter().filter(|plan| plan.law.is_packed()) {
            let Some(slot) = self.table.find(plan.key) else {
                let now = plan.hit.now;
                self.table
                    .insert(plan.key, &Packed::reserved(now + RESERVED), now);
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

    fn write_all(
        &self,
        plans: &[Plan<'_>],
        rulings: &[Ruling],
        shards: &mut Shards<'_>,
        slots: &mut Slots<'_>,
    ) {
        // The user's own laws are asked before anything is written, for they may panic.
        let prospects: Few<Prospect> = plans.iter().zip(rulings).map(prospect).collect();
        // In order: of two hits on one key, the second knows of the first.
        let lines = plans.iter().zip(rulings).zip(prospects);
        for ((plan, ruling), prospect) in lines.filter(|((plan, _), _)| plan.hit.cost > 0) {
            if let State::Packed(state) = &ruling.state {
                if let Some((_, slot)) = slots.iter_mut().find(|(key, _)| *key == plan.key) {
                    slot.update(state);
                }
            } else if let Some(shard) = shard_of(plan, shards) {
                let state = ruling.state.clone();
                self.boxed
                    .write(shard, plan.key, state, prospect, plan.hit.now);
            }
        }
    }

    fn decide_boxed(&self, key: Key, law: &Law, now: u64, cost: u64) -> (bool, Report) {
        let mut shard = self.boxed.lock(Boxed::shard_of(key));
        let nothing = State::default();
        let before = shard.read(key, now).unwrap_or(&nothing);
        if cost == 0 {
            return (true, law.report(before, now, 0));
        }
        let Some(after) = law.decide(before, now, cost) else {
            return (false, law.report(before, now, cost));
        };
        let report = law.report(&after, now, 0);
        let prospect = Prospect::new(&report, now);
        self.boxed.write(&mut shard, key, after, prospect, now);
        (true, report)
    }
}

fn shard_of<'a>(plan: &Plan<'_>, shards: &'a mut Shards<'_>) -> Option<&'a mut Shard> {
    let wanted = Boxed::shard_of(plan.key);
    let shard = shards.iter_mut().find(|(shard, _)| *shard == wanted)?;
    Some(&mut shard.1)
}

/// What the law of a boxed state that is about to be written says of it.
fn prospect((plan, ruling): (&Plan<'_>, &Ruling)) -> Prospect {
    match &ruling.state {
        State::Packed(_) => Prospect::default(),
        state => Prospect::new(&plan.report(state, plan.hit.cost), plan.hit.now),
    }
}

/// Rules on every plan, and says whether all fit; if not, the rulings show the states as they were.
fn rule_all(plans: &[Plan<'_>], rulings: &mut [Ruling], read: impl Fn(&Plan<'_>) -> State) -> bool {
    for (place, plan) in plans.iter().enumerate() {
        let (earlier, rest) = rulings.split_at_mut(place);
        let same = (0..place)
            .rev()
            .find(|other| plans[*other].key == plan.key && earlier[*other].fits);
        let before = same.map_or_else(|| read(plan), |other| earlier[other].state.clone());
        rest[0] = rule(plan, before);
    }
    let admitted = rulings.iter().all(|ruling| ruling.fits);
    if !admitted {
        for (plan, ruling) in plans.iter().zip(rulings) {
            ruling.state = read(plan);
        }
    }
    admitted
}

fn rule(plan: &Plan<'_>, before: State) -> Ruling {
    let after = plan.decide(&before);
    Ruling {
        fits: after.is_some() || plan.hit.cost == 0,
        state: after.unwrap_or(before),
    }
}

/// A plan's state while everything is locked.
fn held(plan: &Plan<'_>, shards: &Shards<'_>, slots: &Slots<'_>) -> State {
    if !plan.law.is_packed() {
        return boxed(plan, shards);
    }
    let slot = slots.iter().find(|(key, _)| *key == plan.key);
    State::Packed(slot.map(|(_, slot)| slot.read().1).unwrap_or_default())
}

fn boxed(plan: &Plan<'_>, shards: &Shards<'_>) -> State {
    let shard = shards
        .iter()
        .find(|(shard, _)| *shard == Boxed::shard_of(plan.key));
    let state = shard.and_then(|(_, shard)| shard.read(plan.key, plan.hit.now));
    state.cloned().unwrap_or_else(|| plan.nothing())
}
