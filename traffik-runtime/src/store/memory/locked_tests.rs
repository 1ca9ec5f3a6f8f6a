//! Tests of sets: slots that other keys get between being found and being locked, and many keys.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::*;
use crate::clock::Clock;
use crate::error::ErrorKind;
use crate::inline_vec::InlineVec1;
use crate::rate::Rate;
use crate::store::StateStore;
use crate::store::caller::Caller;
use crate::store::key::Key;
use crate::store::memory::optimistic::{TimedCost, decider};
use crate::store::memory::rate_terms::CapacityRatio;
use crate::store::memory::seqlock_slot::{Slot, SlotGuard};
use crate::store::memory::sharded_table::ShardedTable;
use crate::store::memory::spill::Spill;
use crate::store::plan::{Limit, PlanLimits};
use crate::strategy::Who;
use crate::strategy::fixed_window::FixedWindow;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::log::Log;
use crate::strategy::kernel::packed::Packed;
use crate::strategy::kernel::window::Window;

const RATE: Rate = Rate::per_hour(10);

/// The hash of the slot that is locked first: slots are locked in the order of their addresses,
/// which is that of their hashes here.
const FIRST: Key = Key {
    first: 1,
    second: 0,
};
/// The hash of the slot that is locked last.
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
        limits: PlanLimits::Own(InlineVec1::from_iter([Limit { rate: RATE, law }])),
        cost: 1,
        who: Who::default(),
        lease: 0,
    }
}

fn memory(capacity: usize) -> Memory {
    Memory {
        table: ShardedTable::new(capacity, Some(1)),
        spill: Spill::new(capacity),
        closed: std::sync::atomic::AtomicBool::new(false),
    }
}

/// Returns this many keys of different throttles.
fn keys(count: u64) -> impl Iterator<Item = Key> {
    (1..=count).map(|number| Key {
        first: (number << 52) | number,
        second: number.wrapping_mul(0x9E37_79B9_7F4A_7C15),
    })
}

fn slot_of(memory: &Memory, key: Key) -> Slot<'_> {
    memory.table.find(key).expect("the key has a slot")
}

fn count(memory: &Memory, key: Key) -> u64 {
    slot_of(memory, key).read().1.amount
}

/// Acts on the last slot while a set has found both slots, has locked the first and waits for the
/// last; returns `true` if the set has locked both.
fn lock_set_while(act: impl FnOnce(SlotGuard<'_>)) -> (Memory, bool) {
    let memory = memory(64);
    let plans = [plan(LAST), plan(FIRST)];
    let once = memory.decide_set(&plans, 0).expect("room");
    assert!(once.admitted);
    let (first, last) = (slot_of(&memory, FIRST), slot_of(&memory, LAST));
    let locked_last = last.lock();
    let unlocked = format!("{first:?}");
    let locked = thread::scope(|scope| {
        let set = scope.spawn(|| {
            let mut shards = memory.lock_shards(&plans, 0);
            shards.lock_slots(&plans, 0).is_some()
        });
        // A lock changes the sequence number.
        while format!("{first:?}") == unlocked {
            thread::yield_now();
        }
        act(locked_last);
        set.join().expect("the set ends")
    });
    (memory, locked)
}

#[test]
fn locks_slots_that_have_not_moved() {
    let (memory, locked) = lock_set_while(|slot| drop(slot));
    assert!(locked);
    assert_eq!((count(&memory, FIRST), count(&memory, LAST)), (1, 1));
}

#[test]
fn rejects_a_slot_that_was_vacated_meanwhile() {
    let (memory, locked) = lock_set_while(|slot| {
        slot.vacate();
    });
    assert!(!locked, "the set has to start again");
    assert!(memory.table.find(LAST).is_none());
    // No slot stays locked.
    assert_eq!(count(&memory, FIRST), 1);
}

#[test]
fn rejects_a_slot_that_another_key_got_meanwhile() {
    let other = Key {
        first: 3,
        second: LAST.second,
    };
    let (memory, locked) =
        lock_set_while(|slot| slot.occupy(other, &Packed::NOTHING, CapacityRatio::default()));
    assert!(!locked, "the set has to start again");
    assert_eq!(count(&memory, FIRST), 1);
    let outcome = memory.decide_set(&[plan(FIRST), plan(other)], 0);
    let outcome = outcome.expect("room");
    assert!(outcome.admitted);
    assert_eq!((count(&memory, FIRST), count(&memory, other)), (2, 1));
}

#[test]
#[cfg_attr(miri, ignore = "it takes minutes")]
fn counts_a_set_of_as_many_keys_as_the_capacity() {
    for of_kind in [plan, logged] {
        let memory = memory(64);
        let plans: Vec<_> = keys(64).map(of_kind).collect();
        for _ in 0..10 {
            assert!(memory.decide_set(&plans, 0).expect("room").admitted);
        }
        let outcome = memory.decide_set(&plans, 0).expect("room");
        assert!(outcome.limits.iter().all(|limit| !limit.fits));
    }
}

#[test]
#[cfg_attr(miri, ignore = "it takes minutes")]
fn refuses_to_decide_a_set_of_more_keys_than_the_capacity() {
    for of_kind in [plan, logged] {
        let memory = memory(64);
        let plans: Vec<_> = keys(65).map(of_kind).collect();
        let error = memory.decide_set(&plans, 0).expect_err("no room");
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains("a set of 65 keys"), "{error}");
        let decided = memory.decide(&plans, None, &Caller::default()).into_ready();
        assert!(matches!(decided, Some(Err(_))));
        assert_eq!(memory.table.occupied(), 0);
    }
}

/// Half of the states are in slots and half in the spill, so all fit.
#[test]
#[cfg_attr(miri, ignore = "it takes minutes")]
fn counts_a_mixed_set_of_more_keys_than_the_capacity() {
    let memory = memory(64);
    let windows = keys(60).map(plan);
    let logs = keys(120).skip(60).map(logged);
    let plans: Vec<_> = windows.chain(logs).collect();
    assert!(memory.decide_set(&plans, 0).expect("room").admitted);
}

/// Two sets that together need more slots than there are come to an end, each with a decision or an
/// error.
#[test]
#[cfg_attr(miri, ignore = "it takes minutes")]
fn large_concurrent_sets_end() {
    let memory = memory(64);
    let all: Vec<_> = keys(100).map(plan).collect();
    thread::scope(|scope| {
        for plans in [&all[..50], &all[50..]] {
            let memory = &memory;
            scope.spawn(move || {
                for _ in 0..200 {
                    // A set without room fails; forgotten keys are admitted again.
                    let _ = memory.decide_set(plans, 0);
                }
            });
        }
    });
    assert!(memory.table.occupied() <= 64);
}

/// All keys of the set are new, and all others are at their limit.
#[test]
#[cfg_attr(miri, ignore = "it takes minutes")]
fn keys_of_a_set_do_not_evict_each_other() {
    let memory = memory(64);
    let all: Vec<_> = keys(72).map(logged).collect();
    let (spent, set) = all.split_at(64);
    for plan in spent {
        let plan = Plan {
            cost: 10,
            ..plan.clone()
        };
        assert!(memory.decide_set(&[plan], 0).expect("room").admitted);
    }
    assert!(memory.decide_set(set, 0).expect("room").admitted);
    let shard = memory.spill.lock(0);
    let forgotten = set.iter().filter(|plan| shard.state(plan.key, 0).is_none());
    assert_eq!(forgotten.count(), 0);
}

/// Returns the latest time in a key's state, in a slot or in the spill.
fn moment(memory: &Memory, plan: &Plan<'_>) -> u64 {
    memory.read_states(std::slice::from_ref(plan), 0)[0].moment()
}

#[test]
fn a_hit_with_an_early_clock_reading_does_not_set_states_back() {
    const LATER: u64 = 36_000_000_000;
    /// A clock that shows the second number from its second reading on.
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
        assert!(memory.decide_set(plans, LATER).expect("room").admitted);
        let at = Reading::of(&early);
        early.0.store(LATER, Ordering::Relaxed);
        assert!(!memory.decide_set(plans, at).expect("room").admitted);
        assert_eq!(moment(&memory, &plan), LATER);
        early.0.store(0, Ordering::Relaxed);
    }
    // A single hit is decided again, at the present time.
    let limit = &plan(FIRST).limits[0];
    let decide = |hit| decider(&limit.law)(&memory, FIRST, limit, &hit).admitted;
    let at = Reading::of(&early);
    let hit = TimedCost { at, cost: 1 };
    assert!(decide(hit));
    assert_eq!(
        (moment(&memory, &plan(FIRST)), count(&memory, FIRST)),
        (LATER, 2)
    );
    // If the clock itself was set back, so are the states.
    let at = Reading::of(&back);
    let hit = TimedCost { at, cost: 1 };
    assert!(!decide(hit));
    assert!(
        !memory
            .decide_set(&[logged(LAST)], at)
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
