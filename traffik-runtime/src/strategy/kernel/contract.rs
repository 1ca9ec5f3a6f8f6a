//! `Kernel`: the methods of a law whose states are packed.

use std::time::Duration;

use crate::decision::Report;
use crate::strategy::kernel::packed::Packed;

/// A law whose states are packed, for a store to compile into its loop.
///
/// A hit on a state goes `standing`, `admit`, `report`: a store reads the state once, and each step
/// takes the result of the one before.
pub(crate) trait Kernel {
    /// A state as of a time.
    type Standing;

    /// Reads a state as of `now`.
    fn standing(&self, state: &Packed, now: u64) -> Self::Standing;

    /// Returns the standing after a hit of this cost and the state to store, if the law admits it.
    fn admit(
        &self,
        standing: &Self::Standing,
        now: u64,
        cost: u64,
    ) -> Option<(Self::Standing, Packed)>;

    /// Reports how much remains, and how long a hit of this cost would wait.
    fn report(&self, standing: &Self::Standing, now: u64, cost: u64) -> Report;

    /// Returns the state after a cost is counted, whether there is room for it or not (L32).
    #[cfg(feature = "engine")]
    fn charge(&self, state: &Packed, now: u64, cost: u64) -> Packed;

    /// Returns a full state at `now` if the given one is more than a period ahead of the clock
    /// (L4).
    #[cfg(feature = "engine")]
    fn caught_up(&self, state: &Packed, now: u64) -> Option<Packed>;

    /// Reports whether the law can tell when a state ends. A law that may need a state of another
    /// rate for longer than that rate did is applied only to states that had not ended when they
    /// were first read (L30).
    #[cfg(feature = "engine")]
    fn knows_end(&self, state: &Packed) -> bool {
        let _ = state;
        true
    }

    /// Returns the delay of a hit of this cost that led to this state.
    fn delay(&self, after: &Packed, now: u64, cost: u64) -> Duration {
        let _ = (after, now, cost);
        Duration::ZERO
    }

    /// Returns the state after a hit of this cost, if the law admits it.
    #[inline(always)]
    fn decide(&self, state: &Packed, now: u64, cost: u64) -> Option<Packed> {
        let standing = self.standing(state, now);
        self.admit(&standing, now, cost).map(|(_, after)| after)
    }

    /// Counts a hit of this cost in a state, if the law admits it, and reports on the state after
    /// it, with the hit's delay.
    #[cfg(feature = "engine")]
    #[inline(always)]
    fn hit(&self, state: &mut Packed, now: u64, cost: u64) -> Option<Report> {
        let (standing, after) = self.admit(&self.standing(state, now), now, cost)?;
        *state = after;
        Some(Report {
            delay: self.delay(&after, now, cost),
            ..self.report(&standing, now, 0)
        })
    }

    /// Reports on a state: [`report`](Self::report) of its standing.
    fn report_on(&self, state: &Packed, now: u64, cost: u64) -> Report {
        self.report(&self.standing(state, now), now, cost)
    }
}
