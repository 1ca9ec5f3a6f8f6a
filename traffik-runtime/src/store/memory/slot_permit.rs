//! The permit to give a key a slot, which keeps a key from being in the table and in the spill at
//! once.

use std::marker::PhantomData;

use crate::store::memory::spill::{Spill, SpillShard};

/// A reason why a key without a slot may get one, to be checked under the writer lock of the key's
/// probe table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlotPermit<'a> {
    /// The spill that has to be unmarked; `None` if the key's shard is locked.
    unmarked: Option<&'a Spill>,
    locked: PhantomData<&'a SpillShard>,
}

impl<'a> SlotPermit<'a> {
    /// Permits a slot for a key whose spill shard is locked and does not hold its state, or is
    /// about to lose it.
    pub(crate) const fn of_locked(_: &'a SpillShard) -> Self {
        Self {
            unmarked: None,
            locked: PhantomData,
        }
    }

    /// Permits a slot for any key, until the spill is marked.
    pub(crate) const fn of_unmarked(spill: &'a Spill) -> Self {
        Self {
            unmarked: Some(spill),
            locked: PhantomData,
        }
    }

    /// Returns `true` if the key may get a slot now. That is final while the writer lock of the
    /// key's probe table is held, because the spill is marked before a key leaves the table.
    pub(crate) fn is_valid(self) -> bool {
        self.unmarked.is_none_or(|spill| !spill.may_hold_packed())
    }
}
