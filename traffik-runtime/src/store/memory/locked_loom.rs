//! Loom models of sets: slots that are locked while others move, and states that change between the
//! table and the spill.

use loom::sync::Arc;
use loom::thread;

use super::Memory;
use crate::inline_vec::{InlineVec1, InlineVec4};
use crate::rate::Rate;
use crate::store::key::Key;
use crate::store::memory::decide_slots::KeyedHit;
use crate::store::memory::loom_model::{model_on_large_stack, spawn_on_large_stack};
use crate::store::memory::optimistic::{TimedCost, decider};
use crate::store::memory::sharded_table::ShardedTable;
use crate::store::memory::spill::Spill;
use crate::store::outcome::LimitReport;
use crate::store::plan::{Limit, Plan, PlanLimits};
use crate::strategy::Who;
use crate::strategy::fixed_window::FixedWindow;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::window::Window;

const HOURLY: Rate = Rate::per_hour(10);
const DAILY: Rate = Rate::per_day(100);

/// Keys with the same home, which follow each other in one run.
const FIRST: Key = Key {
    first: 1,
    second: 0,
};
const SECOND: Key = Key {
    first: 2,
    second: 0,
};
const THIRD: Key = Key {
    first: 3,
    second: 0,
};

fn limit(rate: Rate) -> Limit {
    let law = Law::Window(Window::new(rate));
    Limit { rate, law }
}

fn plan_of(key: Key, rates: &[Rate]) -> Plan<'static> {
    Plan {
        key,
        name: String::new(),
        strategy: &FixedWindow,
        limits: PlanLimits::Own(
            rates
                .iter()
                .copied()
                .map(limit)
                .collect::<InlineVec1<Limit>>(),
        ),
        cost: 1,
        who: Who::default(),
        lease: 0,
    }
}

fn plan(key: Key) -> Plan<'static> {
    plan_of(key, &[HOURLY])
}

/// Returns a backend in which these keys have a count of 1.
fn memory(keys: &[Key]) -> Arc<Memory> {
    let memory = Memory {
        table: ShardedTable::new(64, Some(1)),
        spill: Spill::new(64),
        closed: std::sync::atomic::AtomicBool::new(false),
    };
    for key in keys {
        assert!(hit(&memory, *key));
    }
    Arc::new(memory)
}

/// Decides a single hit without locks.
fn hit(memory: &Memory, key: Key) -> bool {
    let cost = TimedCost {
        at: 0.into(),
        cost: 1,
    };
    let limit = limit(HOURLY);
    decider(&limit.law)(memory, key, &limit, &cost).admitted
}

/// Decides a set.
fn set(memory: &Memory, plans: &[Plan<'_>]) -> bool {
    memory.decide_set(plans, 0).expect("there is room").admitted
}

/// Decides a set without waiting for locks, or as [`set`] does if it has to wait.
fn set_on_slots(memory: &Memory, keys: [Key; 2]) -> bool {
    let limits = [limit(HOURLY)];
    let hits = keys.map(|key| KeyedHit {
        key,
        limits: &limits,
        cost: 1,
    });
    let decided = memory.decide_slots(&hits, 0.into(), &mut InlineVec4::<LimitReport>::new());
    decided.unwrap_or_else(|| set(memory, &keys.map(plan)))
}

/// Returns the count of a key, in a slot or in the spill.
fn count(memory: &Memory, key: Key) -> u64 {
    let plan = Plan {
        cost: 0,
        ..plan(key)
    };
    let outcome = memory.decide_set(&[plan], 0).expect("there is room");
    HOURLY.limit() - outcome.limits[0].report.remaining
}

fn spawn<T: Send + 'static>(
    memory: &Arc<Memory>,
    act: impl FnOnce(&Memory) -> T + Send + 'static,
) -> thread::JoinHandle<T> {
    let memory = memory.clone();
    spawn_on_large_stack(move || act(&memory))
}

#[test]
fn two_sets_lock_their_slots_in_one_order() {
    model_on_large_stack("sets: two with the same keys", || {
        let memory = memory(&[FIRST, SECOND]);
        let other = spawn(&memory, |memory| set(memory, &[plan(SECOND), plan(FIRST)]));
        assert!(set(&memory, &[plan(FIRST), plan(SECOND)]));
        assert!(other.join().expect("it decides"));
        assert_eq!((count(&memory, FIRST), count(&memory, SECOND)), (3, 3));
    });
}

#[test]
fn two_sets_lock_their_slots_in_opposite_orders_without_waiting() {
    model_on_large_stack("sets: two with the same keys that do not wait", || {
        let memory = memory(&[FIRST, SECOND]);
        let other = spawn(&memory, |memory| set_on_slots(memory, [SECOND, FIRST]));
        assert!(set_on_slots(&memory, [FIRST, SECOND]));
        assert!(other.join().expect("it decides"));
        assert_eq!((count(&memory, FIRST), count(&memory, SECOND)), (3, 3));
    });
}

#[test]
fn a_set_that_does_not_wait_counts_all_or_nothing_beside_a_hit() {
    model_on_large_stack("sets: one that does not wait, and a hit", || {
        let memory = memory(&[FIRST, SECOND]);
        let other = spawn(&memory, |memory| hit(memory, SECOND));
        assert!(set_on_slots(&memory, [FIRST, SECOND]));
        assert!(other.join().expect("it decides"));
        assert_eq!((count(&memory, FIRST), count(&memory, SECOND)), (2, 3));
    });
}

#[test]
fn a_set_counts_while_its_slots_move() {
    model_on_large_stack("sets: one while its slots move", || {
        let memory = memory(&[FIRST, SECOND, THIRD]);
        let moving = spawn(&memory, |memory| memory.table.extract(FIRST).is_some());
        assert!(set(&memory, &[plan(SECOND), plan(THIRD)]));
        assert!(moving.join().expect("it moves"));
        assert_eq!((count(&memory, SECOND), count(&memory, THIRD)), (2, 2));
    });
}

#[test]
fn a_set_counts_once_while_one_of_its_keys_is_evicted() {
    model_on_large_stack("sets: one while a key is evicted", || {
        let memory = memory(&[FIRST, SECOND]);
        let evicting = spawn(&memory, |memory| memory.table.extract(FIRST).is_some());
        assert!(set(&memory, &[plan(FIRST), plan(SECOND)]));
        assert!(evicting.join().expect("it evicts"));
        // The set counts in the old state, or in a new one.
        assert!([0, 1].contains(&count(&memory, FIRST)));
        assert_eq!(count(&memory, SECOND), 2);
    });
}

#[test]
fn a_set_and_a_hit_on_a_new_key_share_one_slot() {
    model_on_large_stack("sets: one of a new key, and a hit on it", || {
        let memory = memory(&[SECOND]);
        let other = spawn(&memory, |memory| hit(memory, FIRST));
        assert!(set(&memory, &[plan(FIRST)]));
        assert!(other.join().expect("it decides"));
        assert_eq!((count(&memory, FIRST), count(&memory, SECOND)), (2, 1));
    });
}

#[test]
fn a_hit_is_counted_while_its_state_moves_to_the_spill() {
    model_on_large_stack("spill: a hit while its state moves there", || {
        let memory = memory(&[FIRST]);
        let moving = spawn(&memory, |memory| {
            set(memory, &[plan_of(FIRST, &[HOURLY, DAILY])])
        });
        assert!(hit(&memory, FIRST));
        assert!(moving.join().expect("it moves"));
        assert_eq!(count(&memory, FIRST), 3);
    });
}

#[test]
fn two_hits_move_a_state_to_one_slot() {
    model_on_large_stack("spill: two hits on a state there", || {
        let memory = memory(&[]);
        assert!(set(&memory, &[plan_of(FIRST, &[HOURLY, DAILY])]));
        let other = spawn(&memory, |memory| hit(memory, FIRST));
        assert!(hit(&memory, FIRST));
        assert!(other.join().expect("it decides"));
        assert_eq!(count(&memory, FIRST), 3);
        assert!(memory.table.find(FIRST).is_some());
        assert!(memory.spill.lock(0).entry(FIRST, 0).is_none());
    });
}
