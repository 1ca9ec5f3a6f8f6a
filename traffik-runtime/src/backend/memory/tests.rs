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
            // All of one throttle.
            first: (self.next() >> 12).max(1),
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
        extra: 0,
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
        assert!(table.insert(key, &state, 1.0, round));
        assert!(
            !table.insert(key, &window(0, 9), 1.0, round),
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
    assert!(table.insert(limited, &window(0, 10), 1.0, 0));
    for _ in 0..50_000 {
        assert!(table.insert(random.key(), &window(0, 1), 1.0, 0));
        assert!(table.occupied() <= 1_000);
    }
    assert_eq!(found(&table, limited), Some(window(0, 10)));
}

/// Wherever keys go, as many come from there: otherwise one stripe after the other would grow, without end.
#[test]
fn a_full_table_does_not_grow() {
    let mut random = Random(31);
    let table = Table::new(4_096, Some(16));
    let mut come = |keys: usize| {
        for _ in 0..keys {
            assert!(table.insert(random.key(), &window(0, 1), 1.0, 0));
        }
        (table.occupied(), table.slots())
    };
    let full = come(4_096);
    assert_eq!(full.0, 4_096);
    assert_eq!(come(200_000), full);
}

#[test]
fn what_has_expired_goes_before_what_matters() {
    let mut random = Random(41);
    let table = Table::new(1_000, Some(1));
    let mut live: Vec<Key> = Vec::new();
    let mut come = |table: &Table, now: u64, live: &mut Vec<Key>| {
        let key = random.key();
        assert!(table.insert(key, &window(5_000, 1), 1.0, now));
        live.push(key);
        if now == 0 {
            assert!(table.insert(random.key(), &window(0, 10), 1.0, now));
        }
    };
    (0..500).for_each(|_| come(&table, 0, &mut live));
    // While a few dozen keys hold some that have expired, which a third does all but certainly.
    (0..200).for_each(|_| come(&table, 5_000, &mut live));
    assert!(live.iter().all(|key| found(&table, *key).is_some()));
}

#[test]
fn a_key_whose_stripe_is_empty_has_room_in_a_full_table() {
    let table = Table::new(64, Some(2));
    let mut random = Random(37);
    let mut come = |stripe: u64| {
        let mut key = random.key();
        key.first = key.first & !1 | stripe;
        key.first = key.first.max(2);
        assert!(table.insert(key, &window(0, 1), 1.0, 0));
        assert_eq!(found(&table, key), Some(window(0, 1)));
        assert!(table.occupied() <= 64);
    };
    (0..64).for_each(|_| come(0));
    (0..200).for_each(|_| come(1));
}

#[test]
fn as_many_keys_as_the_capacity_are_all_remembered() {
    let mut random = Random(13);
    for (capacity, stripes) in [(64, None), (1_000, None), (100_000, None), (5_000, Some(4))] {
        let table = Table::new(capacity, stripes);
        let keys: Vec<Key> = (0..capacity).map(|_| random.key()).collect();
        for key in &keys {
            assert!(table.insert(*key, &window(0, 1), 1.0, 0));
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
        assert!(table.insert(*key, &window(count % 2 * 5_000, count), 1.0, 0));
    }
    // Half of them have expired by now: sweeping them must not cut off the rest.
    let mut random = Random(17);
    for _ in 0..200 {
        table.insert(random.key(), &window(4_000, 1), 1.0, 4_000);
    }
    for (count, key) in (0..).zip(&keys).filter(|(count, _)| count % 2 == 1) {
        assert_eq!(found(&table, *key).map(|state| state.amount), Some(count));
    }
}

#[test]
fn what_was_read_of_a_slot_is_not_written_once_it_was_given_to_another() {
    let mut random = Random(19);
    let table = Table::new(1_000, Some(1));
    let (key, other) = (random.key(), random.key());
    assert!(table.insert(key, &window(0, 1), 1.0, 0));
    let slot = table.find(key).expect("it was inserted");
    let snapshot = slot.read_as(key).expect("it is its own");

    // As a key is moved when a gap before it closes; then its place goes to whoever comes.
    slot.lock().vacate();
    assert!(slot.read_as(key).is_none(), "it is nobody's");
    assert!(!slot.write_since(&snapshot, &window(0, 2)));
    slot.lock().settle(other, &window(0, 7));
    assert!(slot.read_as(key).is_none(), "it is another's");
    assert!(!slot.write_since(&snapshot, &window(0, 2)));
    assert_eq!(slot.lock().read(), (Some(other), window(0, 7)));

    // Nor when it came back meanwhile with the same state.
    slot.lock().settle(key, &window(0, 1));
    assert!(!slot.write_since(&snapshot, &window(0, 2)));
    let fresh = slot.read_as(key).expect("it is its own again");
    assert!(slot.write_since(&fresh, &window(0, 2)));
}

#[test]
fn a_snapshot_is_good_for_one_write() {
    let mut random = Random(23);
    let table = Table::new(1_000, Some(1));
    let key = random.key();
    assert!(table.insert(key, &window(0, 1), 1.0, 0));
    let slot = table.find(key).expect("it was inserted");
    let (first, second) = (slot.read_as(key), slot.read_as(key));
    let (first, second) = (first.expect("its own"), second.expect("its own"));
    assert!(slot.write_since(&first, &window(0, 2)));
    assert!(!slot.write_since(&second, &window(0, 2)));
    assert!(!slot.write_since(&first, &window(0, 3)));
    assert_eq!(found(&table, key), Some(window(0, 2)));
    // Nor while somebody holds it, who may give it back as it was.
    let snapshot = slot.read_as(key).expect("its own");
    let held = slot.lock();
    assert!(!slot.write_since(&snapshot, &window(0, 3)));
    drop(held);
    assert!(!slot.write_since(&snapshot, &window(0, 3)));
}

#[test]
fn a_sweep_takes_what_has_expired_and_nothing_that_was_hit_since() {
    let mut random = Random(29);
    let table = Table::new(1_000, Some(1));
    let keys: Vec<Key> = (0..20).map(|_| random.key()).collect();
    for key in &keys {
        assert!(table.insert(*key, &window(0, 1), 1.0, 0));
    }
    // Half of them are hit again in the window in which all of them have expired.
    for key in keys.iter().step_by(2) {
        let slot = table.find(*key).expect("it was inserted");
        let snapshot = slot.read_as(*key).expect("it is its own");
        assert!(slot.write_since(&snapshot, &window(1_000, 1)));
    }
    // Two slots are looked at for each that comes: all of 64 or so, more than once.
    for _ in 0..80 {
        assert!(table.insert(random.key(), &window(1_000, 1), 1.0, 1_999));
    }
    for (place, key) in keys.iter().enumerate() {
        let expected = (place % 2 == 0).then(|| window(1_000, 1));
        assert_eq!(found(&table, *key), expected, "{place}");
    }
}

#[test]
fn a_cleared_table_is_filled_anew() {
    let mut random = Random(43);
    let table = Table::new(1_000, Some(2));
    for _ in 0..2 {
        for _ in 0..3_000 {
            assert!(table.insert(random.key(), &window(0, 1), 1.0, 0));
        }
        assert_eq!(table.occupied(), 1_000);
        table.clear();
        assert_eq!(table.occupied(), 0);
    }
}
