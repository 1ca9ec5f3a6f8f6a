//! Decides on states that were read elsewhere: what a store does that can only compare and swap.

use super::outcome::{Outcome, Several};
use super::plan::{Plan, Step};
use crate::strategy::State;

/// The states after all plans, which were read at this time, and what is said of it; or the refusal.
pub(crate) fn apply(
    plans: &[Plan<'_>],
    states: &[State],
    now: u64,
) -> Result<(Several<State>, Outcome), Outcome> {
    let refused = || Outcome::refused(plans, states.iter(), now);
    let mut after: Several<State> = Several::new();
    let mut told = Several::new();
    for (place, plan) in plans.iter().enumerate() {
        // Of two hits on one key, the second knows of the first.
        let earlier = (0..place)
            .rev()
            .find(|other| plans[*other].name == plan.name);
        let before = earlier.map_or(&states[place], |other| &after[other]);
        let steps: Several<Step> = plan.steps(before, now).ok_or_else(refused)?;
        let mut state = before.clone();
        plan.take(steps, &mut state, now);
        told.extend(plan.told(place, &state, now));
        after.push(state);
    }
    Ok((after, Outcome::admitted(now, told)))
}
