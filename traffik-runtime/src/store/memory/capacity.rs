//! The check that all keys of a set fit the capacity at once.

use crate::error::Error;
use crate::store::key::Key;
use crate::store::memory::Memory;
use crate::store::plan::Plan;

impl Memory {
    /// Returns an error if the keys of a set exceed the capacity.
    pub(crate) fn check_capacity(&self, plans: &[Plan<'_>]) -> Result<(), Error> {
        let (slots, entries) = (self.table.capacity(), self.spill.shard_capacity());
        if plans.len() <= slots.min(entries) {
            return Ok(());
        }
        let mut keys: Vec<(Option<usize>, Key)> = plans
            .iter()
            .map(|plan| {
                let shard = (!plan.is_packed()).then(|| self.spill.shard_of(plan.key));
                (shard, plan.key)
            })
            .collect();
        keys.sort_unstable();
        keys.dedup();
        let mut places = keys.chunk_by(|one, other| one.0 == other.0);
        let fits = places.all(|keys| keys.len() <= keys[0].0.map_or(slots, |_| entries));
        fits.then_some(())
            .ok_or_else(|| self.capacity_error(keys.len()))
    }

    /// Returns the error of a set that exceeds the capacity.
    pub(crate) fn capacity_error(&self, keys: usize) -> Error {
        let capacity = self.table.capacity();
        Error::BackendConfiguration {
            message: format!(
                "a set of {keys} keys finds no room in a capacity of {capacity}; raise `capacity`"
            ),
        }
    }
}
