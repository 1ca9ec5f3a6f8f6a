//! A set whose slots are given to others between being found and being locked, step by step; and sets of many keys.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::*;
use crate::backend::key::Key;
use crate::backend::memory::alone::Hit;
use crate::backend::memory::boxed::Boxed;
use crate::backend::memory::slot::Locked;
use crate::backend::memory::slot::Slot;
use crate::backend::memory::table::Table;
use crate::backend::plan::{Few, Term, Terms};
use crate::backend::store::Decide;
use crate::clock::Clock;
use crate::error::ErrorKind;
use crate::rate::Rate;
use crate::strategy::kernel::Packed;
use crate::strategy::kernel::Window;
use crate::strategy::kernel::{Law, Log};
use crate::strategy::{FixedWindow, Who};

const RATE: Rate = Rate::per_hour(10);

/// Slots are locked in the order of their addresses, which is that of these hashes.
const FIRST: Key = Key {
    first: 1,
    second: 0,
};
const LAST: Key = Key {
    first: 1,
    second: u64::MAX / 2,
};

fn plan(key: Key) -> Plan<'static> {
    plan_under(Law::Window(Window::new(RATE)), key)
}

fn logged(key: Key) -> Plan<'static> {
    plan_under(Law::Log(Log::new(RATE, 10)), key)
}

fn plan_under(law: Law, key: Key) -> Plan<'static> {
    Plan {
        key,
        name: String::new(),
        strategy: &FixedWindow,
        terms: Terms::Own(Few::from_iter([Term { rate: RATE, law }])),
        cost: 1,
        who: Who::default(),
    }
}

fn memory(capacity: usize) -> Memory {
    Memory {
        table: Table::new(capacity, Some(1)),
        boxed: Boxed::new(capacity),
        closed: std::sync::atomic::AtomicBool::new(false),
    }
}

/// So many keys of different throttles.
fn keys(count: u64) -> impl Iterator<Item = Key> {
    (1..=count).map(|number| Key {
        first: (number << 52) | number,
        second: number.wrapping_mul(0x9E37_79B9_7F4A_7C15),
    })
}

fn slot(memory: &Memory, key: Key) -> &Slot {
    memory.table.find(key).expect("it has one")
}

fn count(memory: &Memory, key: Key) -> u64 {
    slot(memory, key).read().1.amount
}

/// What becomes of a set that has found both slots, has locked the first, and waits for the last, when this is done to it.
fn overtaken(act: impl FnOnce(Locked<'_>)) -> (Memory, bool) {
    let memory = memory(64);
    let plans = [plan(LAST), plan(FIRST)];
    let once = memory.decide_all(&plans, 0).expect("room");
    assert!(once.admitted);
    let (first, last) = (slot(&memory, FIRST), slot(&memory, LAST));
    let held = last.lock();
    let free = format!("{first:?}");
    let locked = thread::scope(|scope| {
        let set = scope.spawn(|| {
            let mut shards = memory.lock_shards(&plans, 0);
            shards.lock_slots(&plans, 0).is_some()
        });
        // A lock changes the sequence number.
        while format!("{first:?}") == free {
            thread::yield_now();
        }
        act(held);
        set.join().expect("it comes to its end")
    });
    (memory, locked)
}

#[test]
fn slots_that_stayed_are_locked() {
    let (memory, locked) = overtaken(|held| drop(held));
    assert!(locked);
    assert_eq!((count(&memory, FIRST), count(&memory, LAST)), (1, 1));
}

#[test]
fn a_slot_that_was_vacated_meanwhile_is_not_taken_for_the_keys_own() {
    let (memory, locked) = overtaken(|held| {
        held.vacate();
    });
    assert!(!locked, "all has to be looked at again");
    assert!(memory.table.find(LAST).is_none());
    // Nothing stays locked.
    assert_eq!(count(&memory, FIRST), 1);
}

#[test]
fn nor_is_one_that_another_key_has_now() {
    let other = Key {
        first: 3,
        second: LAST.second,
    };
    let (memory, locked) = overtaken(|held| held.settle(other, &Packed::NOTHING));
    assert!(!locked, "all has to be looked at again");
    assert_eq!(count(&memory, FIRST), 1);
    let outcome = memory.decide_all(&[plan(FIRST), plan(other)], 0);
    let outcome = outcome.expect("room");
    assert!(outcome.admitted);
    assert_eq!((count(&memory, FIRST), count(&memory, other)), (2, 1));
}

#[test]
fn counts_a_set_of_as_many_keys_as_the_capacity() {
    for of_kind in [plan, logged] {
        let memory = memory(64);
        let plans: Vec<_> = keys(64).map(of_kind).collect();
        for _ in 0..10 {
            assert!(memory.decide_all(&plans, 0).expect("room").admitted);
        }
        let outcome = memory.decide_all(&plans, 0).expect("room");
        assert!(outcome.told.iter().all(|told| !told.fits));
    }
}

#[test]
fn refuses_to_decide_a_set_of_more_keys_than_the_capacity() {
    for of_kind in [plan, logged] {
        let memory = memory(64);
        let plans: Vec<_> = keys(65).map(of_kind).collect();
        let error = memory.decide_all(&plans, 0).expect_err("no room");
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains("a set of 65 keys"), "{error}");
        assert!(memory.decide_now(&plans, 0.into()).is_none());
        assert_eq!(memory.table.occupied(), 0);
    }
}

/// Half of the keys are slots and half are boxed, so there is room for all.
#[test]
fn counts_a_mixed_set_of_more_keys_than_the_capacity() {
    let memory = memory(64);
    let windows = keys(60).map(plan);
    let logs = keys(120).skip(60).map(logged);
    let plans: Vec<_> = windows.chain(logs).collect();
    assert!(memory.decide_all(&plans, 0).expect("room").admitted);
}

/// Two sets that need more slots together than there are end, one way or the other.
#[test]
fn large_sets_at_once_do_not_spin_for_ever() {
    let memory = memory(64);
    let all: Vec<_> = keys(100).map(plan).collect();
    thread::scope(|scope| {
        for plans in [&all[..50], &all[50..]] {
            let memory = &memory;
            scope.spawn(move || {
                for _ in 0..200 {
                    // Without room it is an error; what is forgotten meanwhile is admitted again.
                    let _ = memory.decide_all(plans, 0);
                }
            });
        }
    });
    assert!(memory.table.occupied() <= 64);
}

/// Each member of a set is new, and all others are at their limit.
#[test]
fn members_of_a_set_do_not_displace_each_other() {
    let memory = memory(64);
    let all: Vec<_> = keys(72).map(logged).collect();
    let (spent, set) = all.split_at(64);
    for plan in spent {
        let plan = Plan {
            cost: 10,
            ..plan.clone()
        };
        assert!(memory.decide_all(&[plan], 0).expect("room").admitted);
    }
    assert!(memory.decide_all(set, 0).expect("room").admitted);
    let shard = memory.boxed.lock(0);
    let forgotten = set.iter().filter(|plan| shard.read(plan.key, 0).is_none());
    assert_eq!(forgotten.count(), 0);
}

/// The newest moment of a key's state, wherever it is.
fn moment(memory: &Memory, plan: &Plan<'_>) -> u64 {
    memory.read_all(std::slice::from_ref(plan), 0)[0].moment()
}

#[test]
fn a_hit_that_read_the_clock_before_others_does_not_set_their_states_back() {
    const LATER: u64 = 36_000_000_000;
    /// A clock that shows this much from its second reading on.
    #[derive(Debug, Default)]
    struct Late(AtomicU64, u64);
    impl Clock for Late {
        fn now_micros(&self) -> u64 {
            self.0.swap(self.1, Ordering::Relaxed)
        }
    }
    let memory = memory(64);
    let (early, back) = (Late(AtomicU64::new(0), LATER), Late::default());
    for plan in [plan(FIRST), logged(LAST)] {
        let plans = std::slice::from_ref(&plan);
        assert!(memory.decide_all(plans, LATER).expect("room").admitted);
        let at = Reading::of(&early);
        early.0.store(LATER, Ordering::Relaxed);
        assert!(!memory.decide_all(plans, at).expect("room").admitted);
        assert_eq!(moment(&memory, &plan), LATER);
        early.0.store(0, Ordering::Relaxed);
    }
    // A single hit is decided anew, at the time that the clock shows by now.
    let at = Reading::of(&early);
    let hit = Hit { at, cost: 1 };
    assert!(memory.decide_alone(FIRST, &plan(FIRST).terms[0], hit, &mut None));
    assert_eq!(
        (moment(&memory, &plan(FIRST)), count(&memory, FIRST)),
        (LATER, 2)
    );
    // Where it is the clock itself that came back, they are set back.
    let at = Reading::of(&back);
    let hit = Hit { at, cost: 1 };
    assert!(!memory.decide_alone(FIRST, &plan(FIRST).terms[0], hit, &mut None));
    assert!(
        !memory
            .decide_all(&[logged(LAST)], at)
            .expect("room")
            .admitted
    );
    assert_eq!(
        [
            moment(&memory, &plan(FIRST)),
            moment(&memory, &logged(LAST))
        ],
        [0, 0]
    );
}
