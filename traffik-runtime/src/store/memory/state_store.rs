//! The memory backend as a store: every operation ends at once, and fails once it is closed.

use crate::clock::Clock;
use crate::clock::reading::Reading;
use crate::error::Error;
use crate::flow::Flow;
use crate::inline_vec::InlineVec4;
use crate::store::StateStore;
use crate::store::caller::Caller;
use crate::store::memory::Memory;
use crate::store::outcome::StoreOutcome;
use crate::store::plan::Plan;
use crate::store::settlement::Settlement;
use crate::strategy::kernel::state::State;

impl StateStore for Memory {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn decide<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        clock: Option<&'a dyn Clock>,
        _: &'a Caller,
    ) -> Flow<'a, Result<StoreOutcome, Error>> {
        let at = read(clock);
        Flow::Ready(self.unless_closed(|| self.decide_set(plans, at)))
    }

    fn settle<'a>(
        &'a self,
        settlements: &'a [Settlement<'a>],
        clock: Option<&'a dyn Clock>,
        _: &'a Caller,
    ) -> Flow<'a, Result<(), Error>> {
        let now = read(clock).now;
        Flow::Ready(self.unless_closed(|| {
            self.settle_each(settlements, now);
            Ok(())
        }))
    }

    fn read<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        clock: Option<&'a dyn Clock>,
    ) -> Flow<'a, Result<(u64, InlineVec4<State>), Error>> {
        Flow::Ready(self.unless_closed(|| {
            let at = read(clock);
            let states = self.read_states(plans, at.now);
            // The clock is read again, so that a hit which counted in between is not ahead of it.
            Ok((at.again().now, states))
        }))
    }
}

/// Reads a clock, or the system's.
fn read(clock: Option<&dyn Clock>) -> Reading<'_> {
    clock.map_or_else(Reading::of_system, Reading::of)
}
