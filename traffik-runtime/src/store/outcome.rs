//! The outcome of plans that were decided together, limit by limit.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::time::Duration;

use crate::decision::{Provenance, Report};
use crate::inline_vec::{InlineVec1, InlineVec4};
use crate::rate::Rate;
use crate::store::plan::{Limit, Plan};
use crate::strategy::kernel::Law;
use crate::strategy::kernel::state::State;

/// The number of moments that the search for a common wait examines. Members that have none in
/// common among those are considered to have none.
const MAX_MOMENTS: usize = 4_096;

/// The outcome of plans that were decided together.
#[derive(Clone, Debug)]
pub(crate) struct StoreOutcome {
    /// The time of the decision, in microseconds since 1970.
    pub(crate) now: u64,
    /// Set if all were admitted, and counted.
    pub(crate) admitted: bool,
    /// The shortest time after which all would be admitted at once; zero if now, `None` if never.
    pub(crate) wait: Option<Duration>,
    /// The reports of the limits of each plan, in order.
    pub(crate) limits: InlineVec4<LimitReport>,
    /// The states of plans that a shared store has refused, and the state that counts a lease;
    /// otherwise empty.
    pub(crate) states: Vec<State>,
    /// The place where it was decided.
    pub(crate) provenance: Provenance,
}

/// The result of one limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LimitReport {
    /// The plan of the limit: a place among the plans.
    pub(crate) plan: usize,
    pub(crate) rate: Rate,
    /// Set if this limit on its own would have admitted the hit.
    pub(crate) fits: bool,
    pub(crate) report: Report,
    /// The time at which the hit was counted, if it was: not before the state's own moment (L4).
    pub(crate) at: u64,
    /// The incarnation of the state in which it was counted, for a refund to name (L32).
    pub(crate) incarnation: u64,
    /// Set if the throttle refuses nothing.
    pub(crate) shadow: bool,
}

impl LimitReport {
    /// The report of a limit that is about to be decided.
    pub(crate) const UNDECIDED: Self = Self {
        plan: 0,
        rate: Rate::UNLIMITED,
        fits: false,
        report: Report::UNLIMITED,
        at: 0,
        incarnation: 0,
        shadow: false,
    };
}

/// A collector of the reports of limits that are decided together.
pub(crate) trait Reports {
    /// Adds the report of a limit, of the plan in this place, with `true` if the limit on its own
    /// would have admitted the hit.
    fn add(&mut self, plan: usize, limit: &Limit, fits: bool, report: &Report);

    /// Removes all reports, because the decision starts over.
    fn clear(&mut self);
}

impl Reports for InlineVec4<LimitReport> {
    fn add(&mut self, plan: usize, limit: &Limit, fits: bool, report: &Report) {
        self.push(LimitReport {
            plan,
            rate: limit.rate,
            fits,
            report: *report,
            ..LimitReport::UNDECIDED
        });
    }

    fn clear(&mut self) {
        self.clear();
    }
}

impl StoreOutcome {
    /// The outcome without any limit.
    pub(crate) fn unlimited(now: u64) -> Self {
        Self::admitted(now, InlineVec4::new())
    }

    /// The outcome of plans that were all admitted.
    pub(crate) fn admitted(now: u64, limits: InlineVec4<LimitReport>) -> Self {
        Self {
            now,
            admitted: true,
            wait: Some(Duration::ZERO),
            limits,
            states: Vec::new(),
            provenance: Provenance::Memory,
        }
    }

    /// Gives the plans of this outcome these places among others.
    pub(crate) fn reindexed(mut self, places: &[usize]) -> Self {
        for limit in &mut self.limits {
            limit.plan = places[limit.plan];
        }
        self
    }

    /// Reduces each report to the smaller remainder of two stores that admitted the same plans.
    pub(crate) fn limit_to(&mut self, other: &Self) {
        for (own, others) in self.limits.iter_mut().zip(&other.limits) {
            own.report = own.report.limited_to(&others.report);
        }
    }

    /// Returns the reports of the limits of one plan.
    pub(crate) fn limits_of(&self, plan: usize) -> impl Iterator<Item = &LimitReport> + Clone {
        self.limits.iter().filter(move |limit| limit.plan == plan)
    }

    /// Returns the time at which a plan was counted.
    pub(crate) fn counted_at(&self, plan: usize) -> u64 {
        let times = self.limits_of(plan).map(|limit| limit.at);
        times.max().unwrap_or(self.now)
    }

    /// Returns the incarnations that counted a plan.
    pub(crate) fn incarnations(&self, plan: usize) -> InlineVec1<u64> {
        self.limits_of(plan)
            .map(|limit| limit.incarnation)
            .collect()
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
        let in_order = states_in_order(plans, &states, now);
        let in_order = lines(plans, in_order.iter().map(|state| &**state));
        let own = lines(plans, states.iter().copied());
        let limits = own.iter().zip(in_order).map(|(own, in_order)| {
            let (place, plan, limit, state) = *own;
            let (.., after_earlier) = in_order;
            LimitReport {
                plan: place,
                rate: limit.rate,
                fits: plan.evaluate_limit(limit, after_earlier, now).is_some(),
                report: Report {
                    wait: plan.report(limit, after_earlier, now, plan.cost).wait,
                    ..plan.report(limit, state, now, plan.cost)
                },
                at: now,
                incarnation: 0,
                shadow: false,
            }
        });
        let limits: InlineVec4<LimitReport> = limits.collect();
        Self {
            now,
            admitted: false,
            wait: joint_wait(plans, &states, &limits, now),
            limits,
            states: Vec::new(),
            provenance: Provenance::Memory,
        }
    }

    /// The outcome of plans of which one was refused, with the states that refuse.
    pub(crate) fn refused_by(
        plans: &[Plan<'_>],
        states: impl IntoIterator<Item = State>,
        now: u64,
    ) -> Self {
        let states: Vec<State> = states.into_iter().collect();
        let refused = Self::refused(plans, states.iter(), now);
        Self { states, ..refused }
    }
}

impl Plan<'_> {
    /// Returns the reports of the limits on a state that counts the hit.
    pub(crate) fn limit_reports<'s>(
        &'s self,
        place: usize,
        after: &'s State,
        now: u64,
    ) -> impl Iterator<Item = LimitReport> + 's {
        let lines = self.states_for(after).into_iter().zip(&*self.limits);
        let lines = lines.zip(self.incarnations(after));
        lines.map(move |((state, limit), incarnation)| LimitReport {
            plan: place,
            rate: limit.rate,
            fits: true,
            report: Report {
                delay: limit.law.delay(state, now, self.cost),
                ..self.report(limit, state, now, 0)
            },
            at: now.max(state.moment()),
            incarnation,
            shadow: false,
        })
    }

    /// Returns the room that a state leaves, as a value to compare: the largest cost of a hit, and
    /// if that is 0 the wait, of which a shorter one is more room.
    pub(crate) fn room(&self, state: &State, now: u64) -> (u64, Reverse<Duration>) {
        let lines = self.states_for(state).into_iter().zip(&*self.limits);
        let reports = lines.map(|(state, limit)| self.report(limit, state, now, 1));
        let each = reports.map(|report| {
            let wait = report.wait.unwrap_or(Duration::MAX);
            (report.remaining, Reverse(wait))
        });
        each.min().unwrap_or((u64::MAX, Reverse(Duration::ZERO)))
    }

    /// Returns the shortest time after which all limits admit the hit at once.
    pub(crate) fn wait(&self, state: &State, now: u64) -> Option<Duration> {
        let plans = std::slice::from_ref(self);
        StoreOutcome::refused(plans, std::iter::once(state), now).wait
    }
}

/// A limit, its plan and the plan's place, and its state.
type Line<'l, 'p> = (usize, &'l Plan<'p>, &'l Limit, &'l State);

fn lines<'l, 'p>(
    plans: &'l [Plan<'p>],
    states: impl Iterator<Item = &'l State>,
) -> InlineVec4<Line<'l, 'p>> {
    let mut lines = InlineVec4::new();
    for ((place, plan), state) in plans.iter().enumerate().zip(states) {
        let own = plan.limits.iter().zip(plan.states_for(state));
        lines.extend(own.map(|(limit, state)| (place, plan, limit, state)));
    }
    lines
}

/// Returns the states that each plan finds if those before it count at a moment: the second of two
/// hits on one key finds the state that the first leaves.
fn states_in_order<'s>(
    plans: &[Plan<'_>],
    states: &[&'s State],
    at: u64,
) -> InlineVec4<Cow<'s, State>> {
    let mut in_order: InlineVec4<Cow<'s, State>> =
        states.iter().map(|it| Cow::Borrowed(*it)).collect();
    for (place, plan) in plans.iter().enumerate() {
        let earlier = plans[..place].iter().rposition(|it| it.shares_key(plan));
        let Some(earlier) = earlier else { continue };
        let mut state = in_order[earlier].clone();
        if let Some(transitions) = plans[earlier].evaluate(&state, at) {
            plans[earlier].apply(transitions, state.to_mut(), at);
        }
        in_order[place] = state;
    }
    in_order
}

/// Returns the shortest time after which all admit at once. Room mostly stays once it is there, so
/// this is the longest wait. But a limit that depends on the time of day can shrink again before
/// the others have room (L6), and of two hits on one key the first takes its room at that moment
/// only.
fn joint_wait(
    plans: &[Plan<'_>],
    states: &[&State],
    limits: &[LimitReport],
    now: u64,
) -> Option<Duration> {
    let waits = limits.iter().map(|limit| limit.report.wait);
    let longest = waits.reduce(|a, b| Some(a?.max(b?))).flatten()?;
    if limits.len() == 1 || !needs_search(plans) {
        return Some(longest);
    }
    let mut wait = longest;
    for _ in 0..MAX_MOMENTS {
        let at = now.saturating_add(u64::try_from(wait.as_micros()).ok()?);
        let in_order = states_in_order(plans, states, at);
        let mut more = Duration::ZERO;
        for (_, plan, limit, state) in lines(plans, in_order.iter().map(|state| &**state)) {
            more = more.max(plan.report(limit, state, at, plan.cost).wait?);
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
    let mut limits = plans.iter().flat_map(|plan| &*plan.limits);
    let mut later = plans.iter().enumerate();
    limits.any(|limit| matches!(limit.law, Law::Hours(_)))
        || later.any(|(place, plan)| plans[..place].iter().any(|it| it.shares_key(plan)))
}
