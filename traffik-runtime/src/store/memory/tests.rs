//! The table against a plain map: nothing is lost, nothing is found twice, nothing outstays the
//! bound.

use std::collections::HashMap;

use crate::store::key::Key;
use crate::store::memory::concurrency_fixtures::stored;
use crate::store::memory::rate_terms::CapacityRatio;
use crate::store::memory::sharded_table::ShardedTable;
use crate::strategy::kernel::packed::{Kind, Packed};

const RATIO: CapacityRatio = CapacityRatio::new(1.0);

/// A generator of the same pseudorandom numbers in every run: xorshift64* (Vigna 2016).
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

fn found(table: &ShardedTable, key: Key) -> Option<Packed> {
    let (owner, state) = table.find(key)?.read();
    assert_eq!(owner, Some(stored(key)));
    Some(state)
}

#[test]
#[cfg_attr(miri, ignore = "it takes minutes")]
fn keys_stay_findable_while_others_expire_around_them() {
    let mut random = Random(7);
    let table = ShardedTable::new(100_000, Some(1));
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
    // Two slots are swept for each insertion, so expired states do not accumulate.
    assert!(
        table.occupied() < 3 * expected.len(),
        "{}",
        table.occupied()
    );
}

#[test]
#[cfg_attr(miri, ignore = "it takes minutes")]
fn a_full_table_evicts_the_clients_that_have_used_least() {
    let mut random = Random(11);
    let table = ShardedTable::new(1_000, None);
    let limited = random.key();
    assert!(table.insert(limited, &window(0, 10), 1.0, 0));
    for _ in 0..50_000 {
        assert!(table.insert(random.key(), &window(0, 1), 1.0, 0));
        assert!(table.occupied() <= 1_000);
    }
    assert_eq!(found(&table, limited), Some(window(0, 10)));
}

/// A new key evicts one in its own shard: otherwise one shard after the other would grow without
/// end.
#[test]
#[cfg_attr(miri, ignore = "it takes minutes")]
fn a_full_table_does_not_grow() {
    let mut random = Random(31);
    let table = ShardedTable::new(4_096, Some(16));
    let mut insert = |keys: usize| {
        for _ in 0..keys {
            assert!(table.insert(random.key(), &window(0, 1), 1.0, 0));
        }
        (table.occupied(), table.slots())
    };
    let full = insert(4_096);
    assert_eq!(full.0, 4_096);
    assert_eq!(insert(200_000), full);
}

#[test]
#[cfg_attr(miri, ignore = "it takes minutes")]
fn evicts_expired_states_before_live_ones() {
    let mut random = Random(41);
    let table = ShardedTable::new(1_000, Some(1));
    let mut live: Vec<Key> = Vec::new();
    let mut insert = |table: &ShardedTable, now: u64, live: &mut Vec<Key>| {
        let key = random.key();
        assert!(table.insert(key, &window(5_000, 1), 1.0, now));
        live.push(key);
        if now == 0 {
            assert!(table.insert(random.key(), &window(0, 10), 1.0, now));
        }
    };
    (0..500).for_each(|_| insert(&table, 0, &mut live));
    // As long as a few dozen keys include an expired one, which with a third of them is all but
    // certain.
    (0..200).for_each(|_| insert(&table, 5_000, &mut live));
    assert!(live.iter().all(|key| found(&table, *key).is_some()));
}

#[test]
fn a_key_whose_shard_is_empty_has_room_in_a_full_table() {
    let table = ShardedTable::new(64, Some(2));
    let mut random = Random(37);
    let mut insert = |stripe: u64| {
        let mut key = random.key();
        key.first = key.first & !1 | stripe;
        key.first = key.first.max(2);
        assert!(table.insert(key, &window(0, 1), 1.0, 0));
        assert_eq!(found(&table, key), Some(window(0, 1)));
        assert!(table.occupied() <= 64);
    };
    (0..64).for_each(|_| insert(0));
    (0..200).for_each(|_| insert(1));
}

#[test]
#[cfg_attr(miri, ignore = "it takes minutes")]
fn as_many_keys_as_the_capacity_are_all_remembered() {
    let mut random = Random(13);
    for (capacity, shards) in [(64, None), (1_000, None), (100_000, None), (5_000, Some(4))] {
        let table = ShardedTable::new(capacity, shards);
        let keys: Vec<Key> = (0..capacity).map(|_| random.key()).collect();
        for key in &keys {
            assert!(table.insert(*key, &window(0, 1), 1.0, 0));
        }
        assert!(keys.iter().all(|key| found(&table, *key).is_some()));
        assert_eq!(table.occupied(), capacity);
    }
}

#[test]
fn distinguishes_keys_that_share_a_home() {
    let table = ShardedTable::new(1_000, Some(1));
    let keys: Vec<Key> = (1..=40)
        .map(|first| Key {
            first,
            second: u64::MAX,
        })
        .collect();
    for (count, key) in (0..).zip(&keys) {
        assert!(table.insert(*key, &window(count % 2 * 5_000, count), 1.0, 0));
    }
    // Half of them have expired by now: sweeping them must not cut off the others.
    let mut random = Random(17);
    for _ in 0..200 {
        table.insert(random.key(), &window(4_000, 1), 1.0, 4_000);
    }
    for (count, key) in (0..).zip(&keys).filter(|(count, _)| count % 2 == 1) {
        assert_eq!(found(&table, *key).map(|state| state.amount), Some(count));
    }
}

#[test]
fn refuses_to_write_a_snapshot_once_another_key_has_had_the_slot() {
    let mut random = Random(19);
    let table = ShardedTable::new(1_000, Some(1));
    let (key, other) = (random.key(), random.key());
    assert!(table.insert(key, &window(0, 1), 1.0, 0));
    let slot = table.find(key).expect("it was inserted");
    let snapshot = slot.read_for(key).expect("it has the key");

    // A key is moved like this when a gap before it closes; then another key gets its slot.
    slot.lock().vacate();
    assert!(slot.read_for(key).is_none(), "it is vacant");
    assert!(!slot.write_if_unchanged(&snapshot, &window(0, 2)));
    slot.lock().occupy(other, &window(0, 7), RATIO);
    assert!(slot.read_for(key).is_none(), "it has another key");
    assert!(!slot.write_if_unchanged(&snapshot, &window(0, 2)));
    assert_eq!(slot.lock().read(), (Some(stored(other)), window(0, 7)));

    // Nor when it came back meanwhile with the same state.
    slot.lock().occupy(key, &window(0, 1), RATIO);
    assert!(!slot.write_if_unchanged(&snapshot, &window(0, 2)));
    let fresh = slot.read_for(key).expect("it has the key again");
    assert!(slot.write_if_unchanged(&fresh, &window(0, 2)));
}

#[test]
fn a_snapshot_is_good_for_one_write() {
    let mut random = Random(23);
    let table = ShardedTable::new(1_000, Some(1));
    let key = random.key();
    assert!(table.insert(key, &window(0, 1), 1.0, 0));
    let slot = table.find(key).expect("it was inserted");
    let (first, second) = (slot.read_for(key), slot.read_for(key));
    let (first, second) = (
        first.expect("it has the key"),
        second.expect("it has the key"),
    );
    assert!(slot.write_if_unchanged(&first, &window(0, 2)));
    assert!(!slot.write_if_unchanged(&second, &window(0, 2)));
    assert!(!slot.write_if_unchanged(&first, &window(0, 3)));
    assert_eq!(found(&table, key), Some(window(0, 2)));
    // Nor while it is locked, even if it is unlocked without a write.
    let snapshot = slot.read_for(key).expect("it has the key");
    let locked = slot.lock();
    assert!(!slot.write_if_unchanged(&snapshot, &window(0, 3)));
    drop(locked);
    assert!(!slot.write_if_unchanged(&snapshot, &window(0, 3)));
}

#[test]
fn a_sweep_removes_expired_states_and_none_that_was_hit_since() {
    let mut random = Random(29);
    let table = ShardedTable::new(1_000, Some(1));
    let keys: Vec<Key> = (0..20).map(|_| random.key()).collect();
    for key in &keys {
        assert!(table.insert(*key, &window(0, 1), 1.0, 0));
    }
    // Half of them are hit again in the window in which all of them have expired.
    for key in keys.iter().step_by(2) {
        let slot = table.find(*key).expect("it was inserted");
        let snapshot = slot.read_for(*key).expect("it has the key");
        assert!(slot.write_if_unchanged(&snapshot, &window(1_000, 1)));
    }
    // Two slots are swept for each insertion: all of 64 or so, more than once.
    for _ in 0..80 {
        assert!(table.insert(random.key(), &window(1_000, 1), 1.0, 1_999));
    }
    for (index, key) in keys.iter().enumerate() {
        let expected = (index % 2 == 0).then(|| window(1_000, 1));
        assert_eq!(found(&table, *key), expected, "{index}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "it takes minutes")]
fn a_cleared_table_is_filled_anew() {
    let mut random = Random(43);
    let table = ShardedTable::new(1_000, Some(2));
    for _ in 0..2 {
        for _ in 0..3_000 {
            assert!(table.insert(random.key(), &window(0, 1), 1.0, 0));
        }
        assert_eq!(table.occupied(), 1_000);
        table.clear();
        assert_eq!(table.occupied(), 0);
    }
}

/// Expired states are the first to go, also while none of the others has used much.
#[test]
#[cfg_attr(miri, ignore = "it takes minutes")]
fn evicts_only_expired_states_while_there_are_some() {
    let mut random = Random(41);
    let table = ShardedTable::new(1_000, Some(1));
    let lasting: Vec<Key> = (0..300).map(|_| random.key()).collect();
    for key in &lasting {
        assert!(table.insert(*key, &window(1_000_000_000, 1), 1.0, 0));
    }
    for round in 0..50_000_u64 {
        let now = 4 * round;
        let key = random.key();
        assert!(table.insert(key, &window(now - now % 1_000, 10), 1.0, now));
        if round % 100 == 0 {
            let lost = lasting
                .iter()
                .filter(|key| table.find(**key).is_none())
                .count();
            assert_eq!(lost, 0, "at {now}");
        }
    }
}
