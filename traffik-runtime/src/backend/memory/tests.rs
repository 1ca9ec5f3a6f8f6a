//! The table against a plain map: nothing is lost, nothing is found twice, nothing outstays the bound.

use std::collections::HashMap;

use super::table::Table;
use crate::backend::key::Key;
use crate::strategy::kernel::{Kind, Packed};

/// xorshift64* (Vigna 2016): the same numbers each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn key(&mut self) -> Key {
        Key {
            first: self.next().max(1),
            second: self.next(),
        }
    }
}

fn window(at: u64, count: u64) -> Packed {
    Packed {
        kind: Kind::Window,
        tick_power: 0,
        limit: 10,
        period: 1_000,
        at,
        amount: count,
    }
}

fn found(table: &Table, key: Key) -> Option<Packed> {
    let (owner, state) = table.find(key)?.read();
    assert_eq!(owner, Some(key));
    Some(state)
}

#[test]
fn keys_stay_findable_while_others_expire_around_them() {
    let mut random = Random(7);
    let table = Table::new(100_000, Some(1));
    let mut expected: HashMap<Key, Packed> = HashMap::new();
    for round in 0..20_000_u64 {
        let key = random.key();
        // Windows end between one and two thousand rounds from now.
        let state = window(round + random.next() % 1_000, 1);
        assert!(table.insert(key, &state, round));
        assert!(
            !table.insert(key, &window(0, 9), round),
            "a key has one slot"
        );
        expected.insert(key, state);
        if round % 500 == 0 {
            expected.retain(|_, state| state.expires() > round);
            for (key, state) in &expected {
                assert_eq!(found(&table, *key), Some(*state));
            }
        }
    }
    // Two are swept for each that comes, so what has expired does not pile up.
    assert!(
        table.occupied() < 3 * expected.len(),
        "{}",
        table.occupied()
    );
}

#[test]
fn a_full_table_gives_up_those_that_are_missed_least() {
    let mut random = Random(11);
    let table = Table::new(1_000, None);
    let limited = random.key();
    assert!(table.insert(limited, &window(0, 10), 0));
    for _ in 0..50_000 {
        assert!(table.insert(random.key(), &window(0, 1), 0));
        assert!(table.occupied() <= 1_000);
    }
    assert_eq!(found(&table, limited), Some(window(0, 10)));
}

#[test]
fn as_many_keys_as_the_capacity_are_all_remembered() {
    let mut random = Random(13);
    for (capacity, stripes) in [(64, None), (1_000, None), (100_000, None), (5_000, Some(4))] {
        let table = Table::new(capacity, stripes);
        let keys: Vec<Key> = (0..capacity).map(|_| random.key()).collect();
        for key in &keys {
            assert!(table.insert(*key, &window(0, 1), 0));
        }
        assert!(keys.iter().all(|key| found(&table, *key).is_some()));
        assert_eq!(table.occupied(), capacity);
    }
}

#[test]
fn keys_that_share_a_home_are_told_apart() {
    let table = Table::new(1_000, Some(1));
    let keys: Vec<Key> = (1..=40)
        .map(|first| Key {
            first,
            second: u64::MAX,
        })
        .collect();
    for (count, key) in (0..).zip(&keys) {
        assert!(table.insert(*key, &window(count % 2 * 5_000, count), 0));
    }
    // Half of them have expired by now: sweeping them must not cut off the rest.
    let mut random = Random(17);
    for _ in 0..200 {
        table.insert(random.key(), &window(4_000, 1), 4_000);
    }
    for (count, key) in (0..).zip(&keys).filter(|(count, _)| count % 2 == 1) {
        assert_eq!(found(&table, *key).map(|state| state.amount), Some(count));
    }
}
