//! The outcome of plans that were decided together, limit by limit.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::time::Duration;

use crate::decision::Report;
use crate::inline_vec::{InlineVec1, InlineVec4};
use crate::rate::Rate;
use crate::store::plan::{Plan, Term};
use crate::strategy::kernel::Law;
use crate::strategy::kernel::state::State;

/// The number of moments that the search for a common wait examines. Members that have none in
/// common among those are considered to have none.
const MAX_MOMENTS: usize = 4_096;

/// The outcome of plans that were decided together.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// The time of the decision, in microseconds since 1970.
    pub(crate) now: u64,
    /// Set if all were admitted, and counted.
    pub(crate) admitted: bool,
    /// The shortest time after which all would be admitted at once; zero if now, `None` if never.
    pub(crate) wait: Option<Duration>,
    /// The results of the limits of each plan, in order.
    pub(crate) told: InlineVec4<Told>,
}

/// The result of one limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    /// The plan of the limit: a place among the plans.
    pub(crate) plan: usize,
    pub(crate) rate: Rate,
    /// Set if this limit on its own would have admitted the hit.
    pub(crate) fits: bool,
    pub(crate) report: Report,
    /// The time at which it was counted, if it was: not before the state's own moment (L4).
    pub(crate) at: u64,
    /// The number of the state in which it was counted, for a refund to name (L32).
    pub(crate) made: u64,
    /// Set if the throttle refuses nothing.
    pub(crate) shadow: bool,
}

impl Outcome {
    /// The outcome without any limit.
    pub(crate) fn unlimited(now: u64) -> Self {
        Self::admitted(now, InlineVec4::new())
    }

    /// The outcome of plans that were all admitted.
    pub(crate) fn admitted(now: u64, told: InlineVec4<Told>) -> Self {
        Self {
            now,
            admitted: true,
            wait: Some(Duration::ZERO),
            told,
        }
    }

    /// Gives the only plan of this outcome this place among others.
    pub(crate) fn of_plan(self, place: usize) -> Self {
        self.of_plans(&[place])
    }

    /// Gives the plans of this outcome these places among others.
    pub(crate) fn of_plans(mut self, places: &[usize]) -> Self {
        for told in &mut self.told {
            told.plan = places[told.plan];
        }
        self
    }

    /// Reduces each report to the smaller remainder of two stores that admitted the same plans.
    pub(crate) fn limit_to(&mut self, other: &Self) {
        for (own, others) in self.told.iter_mut().zip(&other.told) {
            own.report = own.report.limited_to(&others.report);
        }
    }

    /// Returns the time at which a plan was counted.
    pub(crate) fn counted_at(&self, plan: usize) -> u64 {
        let told = self.told.iter().filter(|told| told.plan == plan);
        told.map(|told| told.at).max().unwrap_or(self.now)
    }

    /// Returns the numbers of the states that counted a plan.
    pub(crate) fn numbers(&self, plan: usize) -> InlineVec1<u64> {
        let told = self.told.iter().filter(|told| told.plan == plan);
        told.map(|told| told.made).collect()
    }

    /// The outcome of plans of which one was refused. The states are unchanged, or filled where
    /// they are far ahead of the clock (L4).
    pub(crate) fn refused<'s>(
        plans: &'s [Plan<'_>],
        states: impl Iterator<Item = &'s State>,
        now: u64,
    ) -> Self {
        let states: InlineVec4<Cow<'_, State>> = plans
            .iter()
            .zip(states)
            .map(|(plan, state)| {
                let filled = plan.caught_up(state, now);
                filled.map_or(Cow::Borrowed(state), Cow::Owned)
            })
            .collect();
        let states: InlineVec4<&State> = states.iter().map(|state| &**state).collect();
        let found = found(plans, &states, now);
        let met = lines(plans, found.iter().map(|state| &**state));
        let seen = lines(plans, states.iter().copied());
        let told = seen
            .iter()
            .zip(met)
            .map(|((place, plan, term, state), met)| {
                let report = plan.report(term, state, now, plan.cost);
                let (.., met) = met;
                Told {
                    plan: *place,
                    rate: term.rate,
                    fits: plan.step(term, met, now).is_some(),
                    report: Report {
                        wait: plan.report(term, met, now, plan.cost).wait,
                        ..report
                    },
                    at: now,
                    made: 0,
                    shadow: false,
                }
            });
        let told: InlineVec4<Told> = told.collect();
        Self {
            now,
            admitted: false,
            wait: together(plans, &states, &told, now),
            told,
        }
    }
}

impl Plan<'_> {
    /// Returns the results of the limits on a state that counts the hit.
    pub(crate) fn told<'s>(
        &'s self,
        place: usize,
        after: &'s State,
        now: u64,
    ) -> impl Iterator<Item = Told> + 's {
        let lines = self.seen(after).into_iter().zip(&*self.terms);
        let lines = lines.zip(self.numbers(after));
        lines.map(move |((state, term), made)| Told {
            plan: place,
            rate: term.rate,
            fits: true,
            report: Report {
                delay: term.law.delay(state, now, self.cost),
                ..self.report(term, state, now, 0)
            },
            at: now.max(state.moment()),
            made,
            shadow: false,
        })
    }

    /// Returns the room that a state leaves, as a value to compare: the largest cost of a hit, and
    /// if that is 0 the wait, of which a shorter one is more room.
    pub(crate) fn room(&self, state: &State, now: u64) -> (u64, Reverse<Duration>) {
        let seen = self.seen(state).into_iter().zip(&*self.terms);
        let reports = seen.map(|(state, term)| self.report(term, state, now, 1));
        let each = reports.map(|report| {
            let wait = report.wait.unwrap_or(Duration::MAX);
            (report.remaining, Reverse(wait))
        });
        each.min().unwrap_or((u64::MAX, Reverse(Duration::ZERO)))
    }

    /// Returns the shortest time after which all limits admit the hit at once.
    pub(crate) fn wait(&self, state: &State, now: u64) -> Option<Duration> {
        let outcome = Outcome::refused(std::slice::from_ref(self), std::iter::once(state), now);
        outcome.wait
    }
}

/// A limit, its plan and the plan's place, and its state.
type Line<'l, 'p> = (usize, &'l Plan<'p>, &'l Term, &'l State);

fn lines<'l, 'p>(
    plans: &'l [Plan<'p>],
    states: impl Iterator<Item = &'l State>,
) -> InlineVec4<Line<'l, 'p>> {
    let mut lines = InlineVec4::new();
    for ((place, plan), state) in plans.iter().enumerate().zip(states) {
        let seen = plan.terms.iter().zip(plan.seen(state));
        lines.extend(seen.map(|(term, state)| (place, plan, term, state)));
    }
    lines
}

/// Returns the states that each plan finds if those before it count at a moment: the second of two
/// hits on one key finds the state that the first leaves.
fn found<'s>(plans: &[Plan<'_>], states: &[&'s State], at: u64) -> InlineVec4<Cow<'s, State>> {
    let mut found: InlineVec4<Cow<'s, State>> =
        states.iter().map(|it| Cow::Borrowed(*it)).collect();
    for (place, plan) in plans.iter().enumerate() {
        let earlier = plans[..place].iter().rposition(|it| it.shares_key(plan));
        let Some(earlier) = earlier else { continue };
        let mut state = found[earlier].clone();
        if let Some(steps) = plans[earlier].steps(&state, at) {
            plans[earlier].take(steps, state.to_mut(), at);
        }
        found[place] = state;
    }
    found
}

/// Returns the shortest time after which all admit at once. Room mostly stays once it is there, so
/// this is the longest wait. But a limit that depends on the time of day can shrink again before
/// the others have room (L6), and of two hits on one key the first takes its room at that moment
/// only.
fn together(plans: &[Plan<'_>], states: &[&State], told: &[Told], now: u64) -> Option<Duration> {
    let waits = told.iter().map(|told| told.report.wait);
    let longest = waits.reduce(|a, b| Some(a?.max(b?))).flatten()?;
    if told.len() == 1 || !needs_search(plans) {
        return Some(longest);
    }
    let mut wait = longest;
    for _ in 0..MAX_MOMENTS {
        let at = now.saturating_add(u64::try_from(wait.as_micros()).ok()?);
        let found = found(plans, states, at);
        let mut more = Duration::ZERO;
        for (_, plan, term, state) in lines(plans, found.iter().map(|state| &**state)) {
            more = more.max(plan.report(term, state, at, plan.cost).wait?);
        }
        if more.is_zero() {
            return Some(wait);
        }
        wait += more;
    }
    None
}

/// Returns `true` if the wait of all may be longer than the longest wait.
fn needs_search(plans: &[Plan<'_>]) -> bool {
    let mut terms = plans.iter().flat_map(|plan| &*plan.terms);
    let mut later = plans.iter().enumerate();
    terms.any(|term| matches!(term.law, Law::Hours(_)))
        || later.any(|(place, plan)| plans[..place].iter().any(|it| it.shares_key(plan)))
}
