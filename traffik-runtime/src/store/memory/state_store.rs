//! The memory backend as a store: everything is answered at once, and fails once the backend is
//! closed.

use std::future::ready;

use crate::clock::Clock;
use crate::clock::reading::Reading;
use crate::clock::system::SystemClock;
use crate::inline_vec::InlineVec4;
use crate::store::Decide;
use crate::store::caller::Caller;
use crate::store::erased::Answer;
use crate::store::memory::Memory;
use crate::store::outcome::Outcome;
use crate::store::plan::Plan;
use crate::store::settlement::Settling;
use crate::strategy::kernel::state::State;

impl Decide for Memory {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn decide_now(&self, plans: &[Plan<'_>], at: Reading<'_>) -> Option<Outcome> {
        // `decide`, which is called next, returns the error.
        self.unless_closed(|| self.decide_set(plans, at)).ok()
    }

    fn settle_now(&self, settling: &[Settling<'_>], now: u64) -> bool {
        self.unless_closed(|| {
            self.settle_each(settling, now);
            Ok(())
        })
        .is_ok()
    }

    fn read_now(&self, plans: &[Plan<'_>], now: u64) -> Option<InlineVec4<State>> {
        self.unless_closed(|| Ok(self.read_states(plans, now))).ok()
    }

    fn decide<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        at: Option<u64>,
        _: &'a Caller,
    ) -> Answer<'a, Outcome> {
        let at = at.map_or_else(Reading::of_system, Reading::from);
        Box::pin(ready(self.unless_closed(|| self.decide_set(plans, at))))
    }

    fn settle<'a>(
        &'a self,
        settling: &'a [Settling<'a>],
        at: Option<u64>,
        _: &'a Caller,
    ) -> Answer<'a, ()> {
        let now = at.unwrap_or_else(|| SystemClock::new().now_micros());
        Box::pin(ready(self.unless_closed(|| {
            self.settle_each(settling, now);
            Ok(())
        })))
    }

    fn read<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        at: Option<u64>,
    ) -> Answer<'a, (u64, InlineVec4<State>)> {
        let now = at.unwrap_or_else(|| SystemClock::new().now_micros());
        let read = self.unless_closed(|| Ok((now, self.read_states(plans, now))));
        Box::pin(ready(read))
    }
}
