//! Decides on states that were read elsewhere: what a store does that can only compare and swap.

use crate::inline_vec::InlineVec4;
use crate::store::codec::next_number;
use crate::store::outcome::Outcome;
use crate::store::plan::Plan;
use crate::strategy::kernel::state::State;

/// What becomes of plans whose states were read at this time, and the states afterwards; none after a refusal.
pub(crate) fn apply(
    plans: &[Plan<'_>],
    states: &[State],
    now: u64,
) -> (Outcome, InlineVec4<State>) {
    let mut after: InlineVec4<State> = InlineVec4::new();
    let mut told = InlineVec4::new();
    for (place, plan) in plans.iter().enumerate() {
        // Of two hits on one key, the second knows of the first.
        let earlier = (0..place)
            .rev()
            .find(|other| plans[*other].name == plan.name);
        let mut state = earlier
            .map_or(&states[place], |other| &after[other])
            .clone();
        let Some(steps) = plan.steps(&state, now) else {
            let refused = Outcome::refused(plans, states.iter(), now);
            return (refused, InlineVec4::new());
        };
        plan.take(steps, &mut state, now);
        if plan.cost > 0 {
            state.number_new(next_number);
        }
        told.extend(plan.told(place, &state, now));
        after.push(state);
    }
    (Outcome::admitted(now, told), after)
}
