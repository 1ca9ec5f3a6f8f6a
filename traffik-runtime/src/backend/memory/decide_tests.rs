//! A set whose slots are given to others between being found and being locked, step by step.

use std::thread;

use super::*;
use crate::backend::memory::slot::Slot;
use crate::backend::memory::table::Table;
use crate::backend::plan::{Few, Term, Terms};
use crate::strategy::kernel::Law;
use crate::strategy::kernel::Window;
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
    let law = Law::Window(Window::new(RATE));
    Plan {
        key,
        name: String::new(),
        strategy: &FixedWindow,
        terms: Terms::Own(Few::from_iter([Term { rate: RATE, law }])),
        cost: 1,
        who: Who::default(),
    }
}

fn slot(memory: &Memory, key: Key) -> &Slot {
    memory.table.find(key).expect("it has one")
}

fn count(memory: &Memory, key: Key) -> u64 {
    slot(memory, key).read().1.amount
}

/// What becomes of a set that has found both slots, has locked the first, and waits for the last, when this is done to it.
fn overtaken(act: impl FnOnce(Locked<'_>)) -> (Memory, bool) {
    let memory = Memory {
        table: Table::new(64, Some(1)),
        boxed: Boxed::new(64),
    };
    let plans = [plan(LAST), plan(FIRST)];
    let once = memory.decide_all(&plans, 0);
    assert!(once.admitted);
    let (first, last) = (slot(&memory, FIRST), slot(&memory, LAST));
    let held = last.lock();
    let free = format!("{first:?}");
    let locked = thread::scope(|scope| {
        let set = scope.spawn(|| memory.lock_slots(&plans, 0).is_some());
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
    assert!(outcome.admitted);
    assert_eq!((count(&memory, FIRST), count(&memory, other)), (2, 1));
}
