//! Loom models of the probe table: lookups and hits while keys are moved, evicted and swept.

use loom::sync::Arc;
use loom::thread;

use super::{ProbeTable, Shares};
use crate::store::key::Key;
use crate::store::memory::concurrency_fixtures::{
    self, count, count_of, hit, insert, insertion, state,
};
use crate::store::memory::loom_model::model;

const fn key(first: u64, home: u64) -> Key {
    Key {
        first,
        second: home,
    }
}

/// Keys with the same home, which follow each other in one run.
const FIRST: Key = key(1, 0);
const SECOND: Key = key(2, 0);
const THIRD: Key = key(3, 0);

/// A time before any state of a small count expires.
const EARLY: u64 = 5;

/// Returns a table of this many slots, with keys that have a count of 1.
fn table(slots: usize, keys: &[Key]) -> Arc<ProbeTable> {
    let table = concurrency_fixtures::table(slots);
    for key in keys {
        insert(&table, &mut table.lock(), *key);
    }
    Arc::new(table)
}

fn spawn<T: 'static>(
    table: &Arc<ProbeTable>,
    act: impl FnOnce(&ProbeTable) -> T + 'static,
) -> thread::JoinHandle<T> {
    let table = table.clone();
    thread::spawn(move || act(&table))
}

#[test]
fn a_hit_is_counted_while_its_slot_moves() {
    model("table: a hit while a gap is closed", || {
        let table = table(4, &[FIRST, SECOND]);
        let moving = spawn(&table, |table| table.extract(&mut table.lock(), FIRST));
        assert_eq!(hit(&table, SECOND), 2);
        assert_eq!(moving.join().expect("it moves"), Some((state(1), 2)));
        assert_eq!((count(&table, FIRST), count(&table, SECOND)), (0, 2));
    });
}

#[test]
fn hits_are_counted_while_the_table_grows() {
    model("table: a hit while it grows", || {
        const LAST: Key = key(2, u64::MAX);
        let table = table(2, &[FIRST]);
        let growing = spawn(&table, |table| hit(table, LAST));
        assert_eq!(hit(&table, FIRST), 2);
        assert_eq!(growing.join().expect("it grows"), 1);
        assert_eq!(table.slots(), 4);
        assert_eq!((count(&table, FIRST), count(&table, LAST)), (2, 1));
    });
}

#[test]
fn two_first_hits_share_one_slot() {
    model("table: two first hits", || {
        let table = table(4, &[SECOND]);
        let other = spawn(&table, |table| hit(table, FIRST));
        let mut counts = [hit(&table, FIRST), other.join().expect("it hits")];
        counts.sort_unstable();
        assert_eq!(counts, [1, 2]);
        assert_eq!((count(&table, FIRST), count(&table, SECOND)), (2, 1));
        assert_eq!(table.lock().occupied, 2);
    });
}

#[test]
fn a_hit_on_an_evicted_key_does_not_change_its_successor() {
    model("table: a hit while its key is replaced", || {
        let table = table(4, &[FIRST]);
        let evicting = spawn(&table, |table| {
            let shares = Shares::default();
            let newcomer = shares.newcomer(THIRD);
            let state = state(1);
            table.replace(
                &mut table.lock(),
                &newcomer,
                &insertion(THIRD, &state),
                EARLY,
            )
        });
        if let Some(slot) = table.find(FIRST)
            && let Some(snapshot) = slot.read_for(FIRST)
        {
            assert_eq!(count_of(&snapshot.state), 1);
            slot.write_if_unchanged(&snapshot, &state(9));
        }
        assert_eq!(evicting.join().expect("it evicts"), Some(FIRST));
        assert_eq!((count(&table, FIRST), count(&table, THIRD)), (0, 1));
    });
}

#[test]
fn a_hit_is_counted_while_its_neighbour_is_evicted() {
    model("table: a hit while its neighbour is evicted", || {
        let table = table(4, &[FIRST]);
        {
            let state = state(7);
            table.insert(&mut table.lock(), &insertion(SECOND, &state));
        }
        let evicting = spawn(&table, |table| {
            let shares = Shares::default();
            table.evict(&mut table.lock(), &shares.newcomer(THIRD), EARLY)
        });
        assert_eq!(hit(&table, SECOND), 8);
        assert_eq!(evicting.join().expect("it evicts"), Some(FIRST));
        assert_eq!((count(&table, FIRST), count(&table, SECOND)), (0, 8));
    });
}

#[test]
fn a_sweep_removes_no_state_that_a_hit_has_renewed() {
    /// A time at which only the state before the hit has expired, and the count after it.
    const LATE: u64 = 5_000;
    const RENEWED: u64 = 6_000;
    model("table: a hit while expired states are swept", || {
        let table = table(1, &[FIRST]);
        let sweeping = spawn(&table, |table| {
            let shares = Shares::default();
            shares.add(FIRST);
            table.sweep(&mut table.lock(), &shares, LATE);
        });
        let renewed = table.find(FIRST).is_some_and(|slot| {
            let snapshot = slot.read_for(FIRST);
            snapshot.is_some_and(|it| slot.write_if_unchanged(&it, &state(RENEWED)))
        });
        sweeping.join().expect("it sweeps");
        assert_eq!(count(&table, FIRST), if renewed { RENEWED } else { 0 });
    });
}
