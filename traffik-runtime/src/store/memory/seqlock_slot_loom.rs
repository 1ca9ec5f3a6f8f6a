//! Loom models of the seqlock slot.

use loom::sync::Arc;
use loom::thread;

use super::{CapacityRatio, Segment, Slot};
use crate::store::key::Key;
use crate::store::memory::concurrency_fixtures::{self, add, count_of, only_slot, state};
use crate::store::memory::loom_model::model;
use crate::strategy::kernel::packed::Kind;

const KEY: Key = Key {
    first: 7,
    second: 9 << 32,
};
const RATIO: CapacityRatio = CapacityRatio::new(1.0);
const OTHER: Key = Key {
    first: 8,
    second: 10 << 32,
};

/// Returns a segment whose only slot holds the key with a count of 1 and the number 2.
fn segment() -> Arc<Segment> {
    let segment = concurrency_fixtures::segment();
    let locked = only_slot(&segment).lock();
    locked.set_incarnation(2);
    locked.occupy(KEY, &state(1), RATIO);
    Arc::new(segment)
}

fn spawn(segment: &Arc<Segment>, act: impl FnOnce(Slot<'_>) + 'static) -> thread::JoinHandle<()> {
    let segment = segment.clone();
    thread::spawn(move || act(only_slot(&segment)))
}

#[test]
fn two_writers_lose_no_count_and_a_reader_sees_whole_states() {
    model("slot: two writers, one reader", || {
        let segment = segment();
        let slot = only_slot(&segment);
        let writers = [(); 2].map(|()| spawn(&segment, |slot| add(slot, KEY)));
        let snapshot = slot.read_for(KEY).expect("the key stays");
        assert!((1..=3).contains(&count_of(&snapshot.state)));
        for writer in writers {
            writer.join().expect("it writes");
        }
        let snapshot = slot.read_for(KEY).expect("the key stays");
        assert_eq!(count_of(&snapshot.state), 3);
    });
}

#[test]
fn a_lock_excludes_single_hits() {
    model("slot: a lock, a hit", || {
        let segment = segment();
        let slot = only_slot(&segment);
        let locking = spawn(&segment, |slot| {
            let locked = slot.lock();
            let (key, packed) = locked.read();
            assert_eq!(key, Some(KEY));
            locked.update(&state(count_of(&packed) + 1));
        });
        add(slot, KEY);
        locking.join().expect("it locks");
        let (key, packed) = slot.read();
        assert_eq!((key, count_of(&packed)), (Some(KEY), 3));
    });
}

/// Gives the slot to another key, as a move and an insertion do.
fn give_away(slot: Slot<'_>) {
    slot.lock().vacate();
    slot.lock().occupy(OTHER, &state(2), RATIO);
}

#[test]
fn a_snapshot_is_not_written_to_another_keys_state() {
    model("slot: a hit while another key gets it", || {
        let segment = segment();
        let slot = only_slot(&segment);
        let moving = spawn(&segment, give_away);
        if let Some(snapshot) = slot.read_for(KEY) {
            assert_eq!(snapshot.state, state(1));
            slot.write_if_unchanged(&snapshot, &state(5));
        }
        moving.join().expect("it moves");
        assert_eq!(slot.read(), (Some(OTHER), state(2)));
    });
}

#[test]
fn a_key_is_read_with_its_own_state() {
    model("slot: a reader while another key gets it", || {
        let segment = segment();
        let slot = only_slot(&segment);
        let moving = spawn(&segment, give_away);
        match slot.read() {
            (Some(KEY), packed) => assert_eq!(packed, state(1)),
            (Some(key), packed) => assert_eq!((key, packed), (OTHER, state(2))),
            (None, packed) => assert_eq!(packed.kind, Kind::Nothing),
        }
        moving.join().expect("it moves");
    });
}

/// The terms of these states find no room in the model, so their words are beside the slot.
#[test]
fn wide_states_are_read_whole() {
    model("slot: wide states under a reader", || {
        let segment = segment();
        let slot = only_slot(&segment);
        let writing = spawn(&segment, |slot| {
            for count in 5..8 {
                slot.lock().update(&state(count));
            }
        });
        let snapshot = slot.read_for(KEY).expect("the key stays");
        assert!([1, 5, 6, 7].contains(&count_of(&snapshot.state)));
        if slot.write_if_unchanged(&snapshot, &state(9)) {
            slot.lock().update(&state(7));
        }
        writing.join().expect("it writes");
        assert_eq!(count_of(&slot.read().1), 7);
    });
}

#[test]
fn a_state_is_read_with_its_own_incarnation() {
    model("slot: replaced under a reader", || {
        let segment = segment();
        let slot = only_slot(&segment);
        let replacing = spawn(&segment, |slot| {
            let snapshot = slot.read_for(KEY).expect("the key stays");
            slot.replace_if_unchanged(&snapshot, &state(3), 4);
        });
        let (snapshot, incarnation) = slot.read_with_incarnation(KEY).expect("the key stays");
        assert!([(1, 2), (3, 4)].contains(&(count_of(&snapshot.state), incarnation)));
        add(slot, KEY);
        replacing.join().expect("it replaces");
        let (snapshot, incarnation) = slot.read_with_incarnation(KEY).expect("the key stays");
        // The hit came before the replacement was read, between, or after it was written.
        assert!([(3, 4), (2, 2), (4, 4)].contains(&(count_of(&snapshot.state), incarnation)));
    });
}
