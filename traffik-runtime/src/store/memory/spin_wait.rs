//! Waiting for a thread that has a slot locked.

use crate::store::memory::sync::{spin_loop, yield_now};

/// A wait that spins at first, and then yields the processor to the thread it waits for.
#[derive(Default)]
pub(crate) struct SpinWait {
    spins: u32,
}

impl SpinWait {
    /// Waits for a moment.
    #[cold]
    pub(crate) fn wait(&mut self) {
        self.spins += 1;
        if self.spins < 64 {
            spin_loop();
        } else {
            yield_now();
        }
    }
}
