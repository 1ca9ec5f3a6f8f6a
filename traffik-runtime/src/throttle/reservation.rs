use std::fmt;

use crate::decision::Decision;
use crate::engine::hold::Held;
use crate::error::Error;

/// What was taken before it is known how much is needed: an upper bound, to be settled when it is.
///
/// Dropped without that, as where a handler returns early, panics or is cancelled, it gives everything back: at once in
/// memory, else in the background. Where no runtime is left to do so, that is logged, and what was taken expires by itself.
///
/// In a set, every member took as much, and is settled alike. A [`Strategy`](crate::strategy::Strategy) of your own gives
/// back what its `refund` says.
#[must_use = "dropped, it gives back what it took"]
pub struct Reservation {
    held: Held,
    decision: Decision,
    reserved: u64,
}

impl Reservation {
    pub(crate) fn new(held: Held, decision: Decision, reserved: u64) -> Self {
        Self {
            held,
            decision,
            reserved,
        }
    }

    /// The decision by which it was taken.
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }

    /// How much was taken.
    pub const fn reserved(&self) -> u64 {
        self.reserved
    }

    /// Pays what was used: what was reserved beyond it is given back, and what goes beyond the reserve is charged, even
    /// beyond the limit.
    ///
    /// Once it has begun it is finished in the background, also where it is dropped or its time is over.
    ///
    /// # Errors
    ///
    /// When a backend does not answer in time, or not at all; in the second case what was reserved stays taken.
    pub async fn settle(self, used: u64) -> Result<(), Error> {
        self.held.settle(used).await
    }

    /// Pays what was reserved.
    pub fn keep(self) -> Decision {
        self.held.keep();
        self.decision
    }

    /// Pays nothing; to drop it does the same, without waiting for it.
    ///
    /// # Errors
    ///
    /// When a backend does not answer in time, or not at all; in the second case what was reserved stays taken until it
    /// expires.
    pub async fn cancel(self) -> Result<(), Error> {
        self.held.cancel().await
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            held: _,
            decision,
            reserved,
        } = self;
        f.debug_struct("Reservation")
            .field("reserved", reserved)
            .field("decision", decision)
            .finish_non_exhaustive()
    }
}
