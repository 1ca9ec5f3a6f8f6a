//! States and hits for tests and models in which several threads use one slot or table.

use std::sync::Arc;

use crate::store::key::Key;
use crate::store::memory::probe_table::{Insertion, ProbeTable, Writer};
use crate::store::memory::rate_terms::{CapacityRatio, TermsTable};
use crate::store::memory::segment::Segment;
use crate::store::memory::seqlock_slot::Slot;
#[cfg(not(traffik_loom))]
use crate::store::memory::slot_words::KEY_BITS;
use crate::store::memory::sync::yield_now;
use crate::strategy::kernel::packed::{Kind, Packed};

/// Returns the state with this count. All its words follow from the count, so that a torn read is
/// noticed.
pub(crate) fn state(count: u64) -> Packed {
    Packed {
        kind: Kind::Counter,
        tick_power: 3,
        limit: 1 + count % 1_000,
        period: 1_000 + count,
        at: 2 * count,
        amount: count,
        extra: 3 * count,
    }
}

/// Returns the count of a state, all words of which must have been written together.
pub(crate) fn count_of(packed: &Packed) -> u64 {
    assert_eq!(*packed, state(packed.amount), "a torn read");
    packed.amount
}

/// Returns the only slot of a segment.
pub(crate) fn only_slot(segment: &Segment) -> Slot<'_> {
    Slot::new(segment, 0).expect("it has a slot")
}

/// Returns the part of a key that a slot stores.
#[cfg(not(traffik_loom))]
pub(crate) const fn stored(key: Key) -> Key {
    Key {
        second: key.second & KEY_BITS,
        ..key
    }
}

/// Creates a segment of one slot.
pub(crate) fn segment() -> Segment {
    Segment::new(1, &Arc::new(TermsTable::new(8)))
}

/// Creates a table whose first segment has this many slots.
pub(crate) fn table(slots: usize) -> ProbeTable {
    ProbeTable::new(slots, &Arc::new(TermsTable::new(8)))
}

/// Adds 1 to the count in the slot of a key that stays there, as a single hit does.
pub(crate) fn add(slot: Slot<'_>, key: Key) {
    loop {
        let snapshot = slot.read_for(key).expect("the key stays");
        let count = count_of(&snapshot.state);
        if slot.write_if_unchanged(&snapshot, &state(count + 1)) {
            return;
        }
        yield_now();
    }
}

/// Returns the insertion of a key with a state of incarnation 2.
pub(crate) fn insertion(key: Key, state: &Packed) -> Insertion<'_> {
    Insertion {
        key,
        state,
        incarnation: 2,
        ratio: CapacityRatio::new(1.0),
        is_late: false,
    }
}

/// Inserts a key with a count of 1.
pub(crate) fn insert(table: &ProbeTable, writer: &mut Writer, key: Key) {
    table.insert(writer, &insertion(key, &state(1)));
}

/// Counts a hit on a key in a table as a single decision does, and returns the count after it.
pub(crate) fn hit(table: &ProbeTable, key: Key) -> u64 {
    loop {
        if let Some(count) = try_hit(table, key) {
            return count;
        }
        yield_now();
    }
}

fn try_hit(table: &ProbeTable, key: Key) -> Option<u64> {
    if let Some(slot) = table.find(key) {
        let snapshot = slot.read_for(key)?;
        let count = count_of(&snapshot.state) + 1;
        let is_written = slot.write_if_unchanged(&snapshot, &state(count));
        return is_written.then_some(count);
    }
    let mut writer = table.lock();
    if table.find(key).is_some() {
        return None;
    }
    insert(table, &mut writer, key);
    Some(1)
}

/// Returns the count of a key in a table, 0 if it is not there.
pub(crate) fn count(table: &ProbeTable, key: Key) -> u64 {
    let _writer = table.lock();
    let snapshot = table.find(key).and_then(|slot| slot.read_for(key));
    snapshot.map_or(0, |snapshot| count_of(&snapshot.state))
}
