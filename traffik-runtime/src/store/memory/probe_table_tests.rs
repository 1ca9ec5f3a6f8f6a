//! Tests of the probe table: sweeps between reading a slot and locking it, and incarnations.

use std::thread;

use super::*;
use crate::store::memory::concurrency_fixtures::{count, hit, insert, table};
use crate::strategy::kernel::packed::Kind;

const KEY: Key = Key {
    first: 7,
    second: 7 << 32,
};

fn window(at: u64) -> Packed {
    Packed {
        kind: Kind::Window,
        tick_power: 0,
        limit: 10,
        period: 1_000,
        at,
        amount: 1,
        extra: 0,
    }
}

fn insertion(key: Key, state: &Packed, incarnation: u16) -> Insertion<'_> {
    Insertion {
        key,
        state,
        incarnation,
        ratio: CapacityRatio::new(1.0),
        is_late: false,
    }
}

/// Returns a table with the key, hit in the first window, and the key's index.
fn table_with_key() -> (ProbeTable, usize) {
    let table = table(8);
    table.insert(&mut table.lock(), &insertion(KEY, &window(0), 2));
    let index = ProbeTable::home(KEY, table.len());
    assert!(table.slot(index).may_hold(KEY));
    (table, index)
}

#[test]
fn a_sweep_leaves_a_state_that_was_hit_after_it_was_read() {
    let (table, index) = table_with_key();
    let (_, read) = table.slot(index).read();
    assert!(read.expires() <= 1_500, "the sweep finds it expired");
    table.slot(index).lock().update(&window(1_000));
    let mut writer = table.lock();
    table.remove_expired(&mut writer, index, 1_500);
    assert_eq!(writer.occupied, 1);
    assert_eq!(table.slot(index).read(), (Some(KEY), window(1_000)));
    table.remove_expired(&mut writer, index, 2_000);
    assert_eq!(writer.occupied, 0);
    assert!(table.find(KEY).is_none());
}

#[test]
fn a_sweep_waits_for_a_writer_and_sees_its_write() {
    let (table, index) = table_with_key();
    let writing = table.slot(index).lock();
    thread::scope(|scope| {
        let sweep = scope.spawn(|| table.remove_expired(&mut table.lock(), index, 1_500));
        writing.update(&window(1_000));
        drop(writing);
        sweep.join().expect("the sweep ends");
    });
    assert_eq!(table.slot(index).read(), (Some(KEY), window(1_000)));
}

#[test]
fn moved_states_keep_their_incarnations() {
    let table = table(8);
    let mut writer = table.lock();
    // All have one home, so that gaps are closed.
    let key = |number: u16| Key {
        first: u64::from(number),
        second: u64::MAX,
    };
    for number in 1..=40 {
        table.insert(&mut writer, &insertion(key(number), &window(0), 2 * number));
    }
    for number in (1..=40).step_by(3) {
        assert_eq!(
            table.extract(&mut writer, key(number)),
            Some((window(0), 2 * number))
        );
    }
    for number in (1..=40).filter(|number| number % 3 != 1) {
        let slot = table.find(key(number)).expect("it stays");
        let (_, incarnation) = slot
            .read_with_incarnation(key(number))
            .expect("it is its own");
        assert_eq!(incarnation, 2 * number);
    }
}

#[test]
#[cfg_attr(miri, ignore = "it takes minutes")]
fn numbers_repeat_only_after_all_others() {
    let mut writer = Writer::default();
    let numbers: Vec<u16> = (0..32_768).map(|_| writer.next_incarnation()).collect();
    let mut distinct = numbers.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 32_767);
    assert!(numbers.iter().all(|number| *number != 0 && number % 2 == 0));
    assert_eq!(numbers[32_767], numbers[0]);
}

#[test]
fn counts_every_hit_while_slots_move_and_the_table_grows() {
    const HITS: usize = 8;
    let key = |number: u64| Key {
        first: number,
        second: number.wrapping_mul(0x9E37_79B9_7F4A_7C15),
    };
    let table = table(3);
    let keys: Vec<Key> = (1..=6).map(key).collect();
    thread::scope(|scope| {
        for first in 0..3 {
            let (table, keys) = (&table, &keys);
            scope.spawn(move || {
                for key in keys.iter().cycle().skip(first).take(HITS) {
                    hit(table, *key);
                }
            });
        }
        for number in (100..108).chain(100..108) {
            let mut writer = table.lock();
            if table.extract(&mut writer, key(number)).is_none() {
                insert(&table, &mut writer, key(number));
            }
            drop(writer);
            thread::yield_now();
        }
    });
    let counts = keys.iter().map(|key| count(&table, *key));
    assert_eq!(counts.sum::<u64>(), 3 * HITS as u64);
    assert_eq!(table.lock().occupied, keys.len());
}
