//! Tests of the slot: counts of several threads, and states that read back as they were written.

use std::sync::Arc;
use std::thread;

use super::*;
use crate::store::memory::concurrency_fixtures::{add, count_of, only_slot, segment, state};
use crate::store::memory::rate_terms::TermsTable;
use crate::strategy::kernel::packed::Kind;

const KEY: Key = Key {
    first: 7,
    second: 9 << 32,
};
const RATIO: CapacityRatio = CapacityRatio::new(1.5);

const KINDS: [Kind; 6] = [
    Kind::Nothing,
    Kind::Window,
    Kind::Counter,
    Kind::Meter,
    Kind::Rollover,
    Kind::Adaptive,
];

#[test]
fn counts_every_write_of_several_threads() {
    let segment = segment();
    let slot = only_slot(&segment);
    slot.lock().occupy(KEY, &state(0), RATIO);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..8).for_each(|_| add(slot, KEY)));
        }
        scope.spawn(|| {
            for _ in 0..8 {
                let locked = slot.lock();
                let count = count_of(&locked.read().1);
                locked.update(&state(count + 1));
            }
        });
        scope.spawn(|| {
            for _ in 0..8 {
                count_of(&slot.read().1);
            }
        });
    });
    assert_eq!(slot.read(), (Some(KEY), state(24)));
}

/// Returns numbers around every power of two.
fn numbers() -> impl Iterator<Item = u64> + Clone {
    let powers = (0..64).map(|power| 1_u64 << power);
    let around = powers.flat_map(|power| [power - 1, power, power + 1]);
    around.chain([u64::MAX])
}

/// Writes each state in all ways, and compares what is read with it.
fn check_all(slot: Slot<'_>, states: impl Iterator<Item = Packed>) {
    for state in states {
        let snapshot = slot.read_for(KEY).expect("the key stays");
        assert!(slot.write_if_unchanged(&snapshot, &state));
        check(slot, &state);
        slot.lock().vacate();
        assert_eq!(slot.read(), (None, Packed::NOTHING));
        slot.lock().occupy(KEY, &state, RATIO);
        check(slot, &state);
    }
}

fn check(slot: Slot<'_>, state: &Packed) {
    assert_eq!(slot.read_with_ratio(), Some((KEY, *state, RATIO)));
    let snapshot = slot.read_for(KEY).expect("the key stays");
    assert_eq!(snapshot.state, *state);
    let content = slot.lock().content().expect("the key stays");
    slot.lock().vacate();
    slot.lock().restore(&content);
    // The same terms, so that they are not looked up.
    let snapshot = slot.read_for(KEY).expect("the key stays");
    assert_eq!(snapshot.state, *state);
    assert!(slot.write_if_unchanged(&snapshot, state));
    assert_eq!(slot.read_with_ratio(), Some((KEY, *state, RATIO)));
    assert!(slot.read_for(Key { first: 8, ..KEY }).is_none());
    assert!(slot.read_for(Key { second: 0, ..KEY }).is_none());
}

fn occupied_segment(terms: usize) -> Segment {
    let segment = Segment::new(1, &Arc::new(TermsTable::new(terms)));
    only_slot(&segment)
        .lock()
        .occupy(KEY, &Packed::NOTHING, RATIO);
    segment
}

/// Every number of every kind of state, far beyond those that laws write.
#[test]
#[cfg_attr(miri, ignore = "it takes minutes")]
fn reads_every_state_as_it_was_written() {
    for kind in KINDS {
        let one = Packed {
            kind,
            tick_power: 6,
            limit: 5,
            period: 60_000_000,
            at: 1_800_000_000_000_000,
            amount: 3,
            extra: 2,
        };
        for terms in [1, 2_000] {
            let segment = occupied_segment(terms);
            let slot = only_slot(&segment);
            check_all(slot, numbers().map(|at| Packed { at, ..one }));
            check_all(slot, numbers().map(|amount| Packed { amount, ..one }));
            check_all(slot, numbers().map(|extra| Packed { extra, ..one }));
            check_all(slot, numbers().map(|limit| Packed { limit, ..one }));
            check_all(slot, numbers().map(|period| Packed { period, ..one }));
            check_all(slot, (0..=6).map(|tick_power| Packed { tick_power, ..one }));
            let pairs = numbers().flat_map(|amount| numbers().map(move |extra| (amount, extra)));
            let pairs = pairs.map(|(amount, extra)| Packed {
                amount,
                extra,
                ..one
            });
            check_all(slot, pairs);
        }
    }
}

/// The states that laws write at present, under usual rates, are two words.
#[test]
fn usual_states_are_not_wide() {
    let segment = occupied_segment(8);
    let slot = only_slot(&segment);
    for (kind, amount, extra) in [
        (Kind::Nothing, 0, 0),
        (Kind::Window, 1 << 53, 0),
        (Kind::Counter, u32::MAX.into(), u32::MAX.into()),
        (Kind::Meter, 1 << 53, 0),
        (Kind::Rollover, u32::MAX.into(), u32::MAX.into()),
        (Kind::Adaptive, 1 << 42, (1 << 20) + 1_000_000),
    ] {
        let state = Packed {
            kind,
            tick_power: 0,
            limit: 1 << 53,
            period: 86_400_000_000,
            at: 1_800_000_000_000_000,
            amount,
            extra,
        };
        slot.lock().update(&state);
        let snapshot = slot.read_for(KEY).expect("the key stays");
        assert_eq!(snapshot.state, state);
        assert_ne!(snapshot.number, WIDE, "{kind:?}");
    }
}
