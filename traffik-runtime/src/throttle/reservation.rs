//! Units that are reserved before it is known how many are needed.

use std::fmt;

use crate::decision::Decision;
use crate::engine::hold::Hold;
use crate::error::Error;

/// Units that are reserved before it is known how many are needed: an upper bound, to be settled
/// with the number that was used.
///
/// Dropping an unsettled reservation refunds it, for example if a handler returns early, panics or
/// is cancelled: synchronously in memory, in the background otherwise. If no runtime is left to do
/// so, a warning is logged, and the units expire by themselves.
///
/// In a set, every member reserves the same number and is settled with the same number. A
/// [`Strategy`](crate::strategy::Strategy) of your own refunds by its method `refund`.
#[must_use = "dropping it refunds it"]
pub struct Reservation {
    hold: Hold,
    decision: Decision,
    reserved: u64,
}

impl Reservation {
    pub(crate) fn new(hold: Hold, decision: Decision, reserved: u64) -> Self {
        Self {
            hold,
            decision,
            reserved,
        }
    }

    /// Returns the decision on the reservation.
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }

    /// Returns the number of units that were reserved.
    pub const fn reserved(&self) -> u64 {
        self.reserved
    }

    /// Settles the reservation with the number of units that were used: refunds the rest of it, or
    /// charges the units beyond it, even beyond the limit.
    ///
    /// A settlement that has begun is finished in the background, also if its future is dropped or
    /// its time is over.
    ///
    /// # Errors
    ///
    /// If a backend does not answer in time, or fails. If it fails, the reserved units stay counted
    /// until they expire.
    pub async fn settle(self, used: u64) -> Result<(), Error> {
        self.hold.settle(used).await
    }

    /// Settles the reservation with all its units, and returns its decision.
    pub fn keep(self) -> Decision {
        self.hold.keep();
        self.decision
    }

    /// Refunds the reservation. Dropping it does so too, without waiting for the backend.
    ///
    /// # Errors
    ///
    /// If a backend does not answer in time, or fails. If it fails, the reserved units stay counted
    /// until they expire.
    pub async fn cancel(self) -> Result<(), Error> {
        self.hold.cancel().await
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            hold: _,
            decision,
            reserved,
        } = self;
        f.debug_struct("Reservation")
            .field("reserved", reserved)
            .field("decision", decision)
            .finish_non_exhaustive()
    }
}
