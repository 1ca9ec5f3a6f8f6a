//! From what is asked of throttles to what is answered.

use http::request::Parts;

use super::asked::{Asked, Asking, Few};
use super::case::{Case, Seen};
use super::held::Held;
use super::report::{Reported, combined, undecided};
use crate::backend::outcome::Outcome;
use crate::backend::plan::{Plan, Term};
use crate::backend::{Answer, Chosen};
use crate::clock::Since;
use crate::decision::{Decision, Report};
use crate::error::Error;
use crate::failure::{Policy, Ruling};
use crate::identity::Identity;
use crate::observe;
use crate::rate::Rate;
use crate::strategy::State;

/// What was decided, and what to tell the client of it.
pub(crate) struct Admission {
    pub(crate) decision: Decision,
    pub(crate) reported: Few<Reported<'static>>,
    /// When it was decided.
    pub(crate) since: Since,
}

pub(crate) async fn hit(asked: &[Asked<'_>], parts: Option<&Parts>) -> Result<Decision, Error> {
    match decide_at_once(asked, parts) {
        Some(decision) => decision,
        None => decide_later(asked, parts).await,
    }
}

/// Takes the costs, and keeps what it takes to settle them.
pub(crate) async fn reserve(
    asked: &[Asked<'_>],
    parts: Option<&Parts>,
) -> Result<(Decision, Held), Error> {
    let reserved =
        |case: &Case<'_>, ruling: &Ruling<Outcome>| (ruled(case, ruling), held(case, ruling));
    match at_once(asked, parts, reserved) {
        Some(reserved) => reserved,
        None => later(asked, parts, reserved).await,
    }
}

/// Takes the costs, from all or from none, if the answer is here: a future has no part in it.
#[inline]
pub(crate) fn decide_at_once(
    asked: &[Asked<'_>],
    parts: Option<&Parts>,
) -> Option<Result<Decision, Error>> {
    let decided = |alone: Alone<'_>| Decision::new(alone.fits, alone.report);
    match Alone::decide(asked, parts, decided) {
        Some(decision) => Some(Ok(decision)),
        None => at_once(asked, parts, ruled),
    }
}

/// The same where somebody else has to be asked.
pub(crate) fn decide_later<'a>(
    asked: &'a [Asked<'a>],
    parts: Option<&'a Parts>,
) -> Answer<'a, Decision> {
    later(asked, parts, ruled)
}

/// Takes the costs, from all or from none, and remembers what to tell the client.
pub(crate) async fn admit(asking: &Asking, parts: &Parts) -> Result<Admission, Error> {
    let asked = asking.asked(None);
    let admitted = |alone: Alone<'_>| {
        let Alone {
            rate, fits, report, ..
        } = alone;
        Admission {
            decision: Decision::new(fits, report),
            reported: Few::from_buf([Reported {
                definition: asking.definition(0),
                rate,
                listed: false,
                fits,
                report: Some(report),
            }]),
            since: Since::new(alone.now, alone.backend.own_clock()),
        }
    };
    if let Some(admission) = Alone::decide(&asked, Some(parts), admitted) {
        return Ok(admission);
    }
    let admission = |case: &Case<'_>, ruling: &Ruling<Outcome>| admission(asking, case, ruling);
    match at_once(&asked, Some(parts), admission) {
        Some(admission) => admission,
        None => later(&asked, Some(parts), admission).await,
    }
}

/// The same at this cost, with what it takes to settle it.
pub(crate) async fn admit_held(
    asking: &Asking,
    cost: u64,
    parts: &Parts,
) -> Result<(Admission, Held), Error> {
    let asked = asking.asked(Some(cost));
    let both = |case: &Case<'_>, ruling: &Ruling<Outcome>| {
        (admission(asking, case, ruling), held(case, ruling))
    };
    match at_once(&asked, Some(parts), both) {
        Some(both) => both,
        None => later(&asked, Some(parts), both).await,
    }
}

fn admission(asking: &Asking, case: &Case<'_>, ruling: &Ruling<Outcome>) -> Admission {
    let definition = |place: usize| asking.definition(place);
    let decision = ruled(case, ruling);
    let (reported, since) = match ruling {
        Ruling::Decided(outcome) => (case.reported(outcome, definition), case.since(outcome)),
        Ruling::Allowed(_) | Ruling::Throttled(..) => {
            let reported = case.unreported(decision.admitted, definition);
            (reported, Since::default())
        }
    };
    Admission {
        decision,
        reported,
        since,
    }
}

fn held(case: &Case<'_>, ruling: &Ruling<Outcome>) -> Held {
    match ruling {
        Ruling::Decided(outcome) => Held::of(case, outcome),
        Ruling::Allowed(_) | Ruling::Throttled(..) => Held::default(),
    }
}

/// Decides as a case, and says what was made of it; nothing if somebody else has to be asked. A case takes some room, so
/// it is kept off the stack of those who need none.
#[inline(never)]
fn at_once<T>(
    asked: &[Asked<'_>],
    parts: Option<&Parts>,
    then: impl FnOnce(&Case<'_>, &Ruling<Outcome>) -> T,
) -> Option<Result<T, Error>> {
    if !Case::is_answered_at_once(asked, parts) {
        return None;
    }
    let case = match Case::new(asked, parts) {
        Ok(case) => case,
        Err(error) => return Some(Err(error)),
    };
    let outcome = case.decide_at_once()?;
    Some(Ok(then(&case, &Ruling::Decided(outcome))))
}

/// The same where it has to be waited for.
#[inline(never)]
fn later<'a, T: 'a>(
    asked: &'a [Asked<'a>],
    parts: Option<&'a Parts>,
    then: impl FnOnce(&Case<'_>, &Ruling<Outcome>) -> T + Send + 'a,
) -> Answer<'a, T> {
    Box::pin(async move {
        let case = Case::new(asked, parts)?;
        let ruling = case.decide().await?;
        Ok(then(&case, &ruling))
    })
}

/// The decision that was come to, which is told to whoever watches.
fn ruled(case: &Case<'_>, ruling: &Ruling<Outcome>) -> Decision {
    case.observe(ruling);
    let limit = || {
        let rates = case.plans.iter().flat_map(|plan| plan.terms.iter());
        let limits = rates.map(|term| u64::from(term.rate.limit()));
        limits.min().unwrap_or(u64::MAX)
    };
    match ruling {
        Ruling::Decided(outcome) => combined(outcome),
        Ruling::Allowed(_) => undecided(limit(), None),
        Ruling::Throttled(wait, _) => undecided(limit(), Some(*wait)),
    }
}

/// Whether all would admit this cost now; takes nothing.
pub(crate) async fn would_admit(
    asked: &[Asked<'_>],
    parts: Option<&Parts>,
    cost: u64,
) -> Result<bool, Error> {
    let looked = async {
        let case = Case::new(asked, parts)?;
        let fits = |place: usize, plan: &Plan<'_>, state: &State, now: u64| {
            let plan = Plan {
                cost,
                ..plan.clone()
            };
            cost == 0 || case.is_shadow(place) || plan.steps(state, now).is_some()
        };
        for (places, looked) in case.look().await? {
            let Seen { now, states, plans } = match looked {
                Ruling::Decided(seen) => seen,
                Ruling::Allowed(_) => continue,
                Ruling::Throttled(..) => return Ok(false),
            };
            for (nth, (place, state)) in places.into_iter().zip(&states).enumerate() {
                let plan = plans.as_ref().map_or(&case.plans[place], |own| &own[nth]);
                if !fits(place, plan, state, now) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    };
    Box::pin(looked).await
}

/// The decision on one rate of one throttle under a built-in law, which is what most requests ask: made without a
/// [`Case`] of plans.
struct Alone<'a> {
    rate: Rate,
    backend: &'a Chosen<'a>,
    now: u64,
    fits: bool,
    report: Report,
}

impl Alone<'_> {
    /// Nothing if there is more to it; then nothing was done, and whatever is wrong is found again.
    #[inline]
    fn decide<T>(
        asked: &[Asked<'_>],
        parts: Option<&Parts>,
        then: impl FnOnce(Alone<'_>) -> T,
    ) -> Option<T> {
        let [asked] = asked else { return None };
        let (Identity::Client(client), None) = (asked.identity, asked.rate) else {
            return None;
        };
        let term = asked.definition.only_term()?;
        let Term { rate, law } = &*term;
        let backend = &asked.backend(parts);
        backend.check().ok()?;
        let key = asked.key(client, parts, backend).ok()?;
        // What stands before the backend is asked first.
        let policy = asked.definition.own_policy().or(backend.on_error());
        if policy.is_some_and(Policy::stands_before) {
            return None;
        }
        let now = backend.now();
        let decided = backend.store().decide_one(key, *rate, law, now, asked.cost);
        let (fits, report) = decided?;
        asked.observe(observe::Outcome::of(fits), parts, || Some(report));
        Some(then(Alone {
            rate: *rate,
            backend,
            now,
            fits,
            report,
        }))
    }
}
