//! What became of plans.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::time::Duration;

use crate::decision::Report;
use crate::inline_vec::{InlineVec1, InlineVec4};
use crate::rate::Rate;
use crate::store::plan::{Plan, Term};
use crate::strategy::kernel::Law;
use crate::strategy::kernel::state::State;

/// After so many moments at which one of the members refuses, they are taken to have none in common.
const MOST_MOMENTS: usize = 4_096;

/// What became of plans that were decided together.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// The time of the decision, in microseconds since 1970.
    pub(crate) now: u64,
    /// Whether all were admitted, and counted.
    pub(crate) admitted: bool,
    /// The least time after which all would be admitted at once; zero if now, `None` if never.
    pub(crate) wait: Option<Duration>,
    /// What each term of each plan said, in order.
    pub(crate) told: InlineVec4<Told>,
}

/// What the law of one rate said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    /// Whose rate it is: a place among the plans.
    pub(crate) plan: usize,
    pub(crate) rate: Rate,
    /// Whether it alone would have admitted the hit.
    pub(crate) fits: bool,
    pub(crate) report: Report,
    /// When it was counted, if it was: not before the state's own moment (L4).
    pub(crate) at: u64,
    /// The number of the state in which it was counted, for a refund to name (L32).
    pub(crate) made: u64,
    /// Whether it refuses nobody.
    pub(crate) shadow: bool,
}

impl Outcome {
    /// What is admitted because nothing limits it.
    pub(crate) fn unlimited(now: u64) -> Self {
        Self::admitted(now, InlineVec4::new())
    }

    /// All plans were admitted, and this is what they said.
    pub(crate) fn admitted(now: u64, told: InlineVec4<Told>) -> Self {
        Self {
            now,
            admitted: true,
            wait: Some(Duration::ZERO),
            told,
        }
    }

    /// The same of a plan that was decided alone, and has this place among others.
    pub(crate) fn of_plan(self, place: usize) -> Self {
        self.of_plans(&[place])
    }

    /// The same of plans that have these places among others.
    pub(crate) fn of_plans(mut self, places: &[usize]) -> Self {
        for told in &mut self.told {
            told.plan = places[told.plan];
        }
        self
    }

    /// Reports the smaller of what two backends have left that both admitted the same plans.
    pub(crate) fn limit_to(&mut self, other: &Self) {
        for (own, others) in self.told.iter_mut().zip(&other.told) {
            own.report = own.report.limited_to(&others.report);
        }
    }

    /// When a plan was counted.
    pub(crate) fn counted_at(&self, plan: usize) -> u64 {
        let told = self.told.iter().filter(|told| told.plan == plan);
        told.map(|told| told.at).max().unwrap_or(self.now)
    }

    /// The numbers of the states in which a plan was counted.
    pub(crate) fn numbers(&self, plan: usize) -> InlineVec1<u64> {
        let told = self.told.iter().filter(|told| told.plan == plan);
        told.map(|told| told.made).collect()
    }

    /// Some plan was refused; these are the states, which are as they were, or filled where they are far ahead (L4).
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
    /// What is said of a state that the hit has led to.
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

    /// Returns how much room a state leaves, in an order: the largest cost of a hit, and where that is 0 the more the shorter
    /// the wait.
    pub(crate) fn room(&self, state: &State, now: u64) -> (u64, Reverse<Duration>) {
        let seen = self.seen(state).into_iter().zip(&*self.terms);
        let reports = seen.map(|(state, term)| self.report(term, state, now, 1));
        let each = reports.map(|report| {
            let wait = report.wait.unwrap_or(Duration::MAX);
            (report.remaining, Reverse(wait))
        });
        each.min().unwrap_or((u64::MAX, Reverse(Duration::ZERO)))
    }

    /// The least time after which all terms admit the hit at once.
    pub(crate) fn wait(&self, state: &State, now: u64) -> Option<Duration> {
        let outcome = Outcome::refused(std::slice::from_ref(self), std::iter::once(state), now);
        outcome.wait
    }
}

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

/// The states as each plan finds them if those before it count at a moment: of two hits on one key, the second knows of
/// the first.
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

/// The least time after which all admit at once. What has been waited for mostly stays, so that is the longest wait; but
/// a limit that depends on the time of day can shrink again until the others have room (L6), and of two hits on one key
/// the first takes its room at that moment only.
fn together(plans: &[Plan<'_>], states: &[&State], told: &[Told], now: u64) -> Option<Duration> {
    let waits = told.iter().map(|told| told.report.wait);
    let longest = waits.reduce(|a, b| Some(a?.max(b?))).flatten()?;
    if told.len() == 1 || !needs_search(plans) {
        return Some(longest);
    }
    let mut wait = longest;
    for _ in 0..MOST_MOMENTS {
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

/// Whether the longest wait may not be the wait of all.
fn needs_search(plans: &[Plan<'_>]) -> bool {
    let mut terms = plans.iter().flat_map(|plan| &*plan.terms);
    let mut later = plans.iter().enumerate();
    terms.any(|term| matches!(term.law, Law::Hours(_)))
        || later.any(|(place, plan)| plans[..place].iter().any(|it| it.shares_key(plan)))
}
