//! From what is asked of throttles to what is answered.

use http::request::Parts;

use super::Throttle;
use super::asked::{Asked, Asking, Few};
use super::case::{Case, Seen};
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

/// What was decided, and what to tell the client of it.
pub(crate) struct Admission {
    pub(crate) decision: Decision,
    pub(crate) reported: Few<Reported<'static>>,
    /// When it was decided.
    pub(crate) since: Since,
}

pub(super) async fn hit<T: Throttle>(parts: &Parts, cost: Option<u64>) -> Result<Decision, Error> {
    let mut asking = Asking::default();
    T::ask(parts, cost, &mut asking).await?;
    let asked = asking.asked();
    match decide_at_once(&asked, Some(parts)) {
        Some(decision) => decision,
        None => decide_later(&asked, Some(parts)).await,
    }
}

pub(super) async fn check<T: Throttle>(parts: &Parts, cost: u64) -> Result<bool, Error> {
    let mut asking = Asking::default();
    T::ask(parts, Some(0), &mut asking).await?;
    would_admit(&asking.asked(), Some(parts), cost).await
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
    let asked = asking.asked();
    let definition = |place: usize| asking.members[place].definition;
    let admitted = |alone: Alone<'_>| {
        let Alone {
            rate, fits, report, ..
        } = alone;
        Admission {
            decision: Decision::new(fits, report),
            reported: Few::from_buf([Reported {
                definition: definition(0),
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
    let admission = |case: &Case<'_>, ruling: &Ruling<Outcome>| {
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
    };
    match at_once(&asked, Some(parts), admission) {
        Some(admission) => admission,
        None => later(&asked, Some(parts), admission).await,
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
    let outcome = case.decide_at_once().unwrap_or(Outcome::unlimited(0));
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
pub(super) async fn would_admit(
    asked: &[Asked<'_>],
    parts: Option<&Parts>,
    cost: u64,
) -> Result<bool, Error> {
    let looked = async {
        let case = Case::new(asked, parts)?;
        let Seen { now, states, plans } = match case.look().await? {
            Ruling::Decided(seen) => seen,
            Ruling::Allowed(_) => return Ok(true),
            Ruling::Throttled(..) => return Ok(false),
        };
        let plans = plans.unwrap_or(case.plans);
        Ok(cost == 0
            || plans.into_iter().zip(&states).all(|(plan, state)| {
                let plan = Plan { cost, ..plan };
                plan.steps(state, now).is_some()
            }))
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
