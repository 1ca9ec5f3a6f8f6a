//! The removal of all states at one moment.

use crate::store::memory::Memory;

impl Memory {
    /// Removes all states. A hit that is being decided meanwhile counts either before that or after
    /// it.
    pub(crate) fn clear(&self) {
        // States move between the table and the spill only under a shard's lock, so none escapes to
        // the other side.
        let shards = self.spill.lock_all();
        self.table.clear();
        for mut shard in shards {
            self.spill.clear(&mut shard);
        }
    }
}
