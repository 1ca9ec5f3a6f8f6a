//! From what is asked of throttles to what is answered.

pub(crate) mod arg_values;
pub(crate) mod attempt;
pub(crate) mod batch;
pub(crate) mod client_key;
pub(crate) mod closed;
pub(crate) mod fast_path;
pub(crate) mod hit;
pub(crate) mod hold;
pub(crate) mod identity_cache;
pub(crate) mod multi_backend;
pub(crate) mod recovery;
pub(crate) mod report;
pub(crate) mod static_hits;

pub use arg_values::ArgValues;
pub use hit::Asking;

use http::request::Parts;

use crate::clock::elapsed::Since;
use crate::decision::Decision;
use crate::engine::batch::{Case, Seen};
use crate::engine::fast_path::Alone;
use crate::engine::hit::Asked;
use crate::engine::hold::{Held, Hold};
use crate::engine::recovery::Ruling;
use crate::engine::report::{Reported, combined, undecided};
use crate::error::Error;
use crate::inline_vec::InlineVec1;
use crate::store::erased::Answer;
use crate::store::outcome::StoreOutcome;
use crate::store::plan::Plan;
use crate::strategy::kernel::state::State;

/// What was decided, and what to tell the client of it.
pub(crate) struct Admission {
    pub(crate) decision: Decision,
    pub(crate) reported: InlineVec1<Reported<'static>>,
    /// When it was decided.
    pub(crate) since: Since,
}

impl Admission {
    /// Whether the request goes on, and at once.
    pub(crate) const fn is_over(&self) -> bool {
        self.decision.admitted && self.decision.delay.is_zero()
    }
}

/// Takes the costs, from all or from none.
pub(crate) async fn hit(asked: &[Asked<'_>], parts: Option<&Parts>) -> Result<Decision, Error> {
    if let Some(decision) = decide_alone(asked, parts) {
        return Ok(decision);
    }
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
        |case: &Case<'_>, ruling: &Ruling<StoreOutcome>| (ruled(case, ruling), held(case, ruling));
    match at_once(asked, parts, reserved) {
        Some(reserved) => reserved,
        None => Box::pin(later(asked, parts, ruled)).await,
    }
}

/// Takes the costs of what most requests ask; a future has no part in it.
#[inline]
pub(crate) fn decide_alone(asked: &[Asked<'_>], parts: Option<&Parts>) -> Option<Decision> {
    let mut said = None;
    match (&Alone::decide(asked, parts, &mut said), &said) {
        (Some(alone), Some(report)) => Some(Decision::new(alone.fits, *report)),
        _ => None,
    }
}

/// The same where there is more to it, but the answer is here.
pub(crate) fn decide_at_once(
    asked: &[Asked<'_>],
    parts: Option<&Parts>,
) -> Option<Result<Decision, Error>> {
    at_once(asked, parts, ruled)
}

/// The same where somebody else has to be asked.
pub(crate) fn decide_later<'a>(
    asked: &'a [Asked<'a>],
    parts: Option<&'a Parts>,
) -> Answer<'a, Decision> {
    Box::pin(async move {
        let (decision, held) = later(asked, parts, ruled).await?;
        held.keep();
        Ok(decision)
    })
}

/// Takes the costs, from all or from none, and remembers what to tell the client.
pub(crate) fn admit<'a>(
    asking: &'a Asking,
    parts: &'a Parts,
) -> impl Future<Output = Result<Admission, Error>> + Send + 'a {
    admit_at(asking, None, parts)
}

/// The same at the members' own costs or at this one.
pub(crate) async fn admit_at(
    asking: &Asking,
    cost: Option<u64>,
    parts: &Parts,
) -> Result<Admission, Error> {
    match admit_at_once(asking, cost, parts) {
        Some(admission) => admission,
        None => {
            let asked = asking.asked(cost);
            let admission =
                |case: &Case<'_>, ruling: &Ruling<StoreOutcome>| admission(asking, case, ruling);
            let (admission, held) = Box::pin(later(&asked, Some(parts), admission)).await?;
            held.keep();
            Ok(admission)
        }
    }
}

/// The same if the answer is here; else nothing was done.
pub(crate) fn admit_at_once(
    asking: &Asking,
    cost: Option<u64>,
    parts: &Parts,
) -> Option<Result<Admission, Error>> {
    let asked = asking.asked(cost);
    let mut said = None;
    if let Some(alone) = Alone::decide(&asked, Some(parts), &mut said)
        && let Some(report) = said
    {
        let Alone {
            fits,
            rate,
            quota,
            now,
            has_own_clock,
        } = alone;
        let own_clock = || asked[0].backend(Some(parts)).store().own_clock();
        return Some(Ok(Admission {
            decision: Decision::new(fits, report),
            reported: InlineVec1::from_buf([Reported {
                definition: asking.definition(0),
                rate,
                quota,
                listed: false,
                fits,
                report: Some(report),
            }]),
            since: Since::new(now, has_own_clock.then(own_clock).flatten()),
        }));
    }
    at_once(&asked, Some(parts), |case, ruling| {
        admission(asking, case, ruling)
    })
}

/// The same at this cost, with what it takes to settle it.
pub(crate) async fn admit_held(
    asking: &Asking,
    cost: u64,
    parts: &Parts,
) -> Result<(Admission, Held), Error> {
    let asked = asking.asked(Some(cost));
    let told = |case: &Case<'_>, ruling: &Ruling<StoreOutcome>| admission(asking, case, ruling);
    let both =
        |case: &Case<'_>, ruling: &Ruling<StoreOutcome>| (told(case, ruling), held(case, ruling));
    match at_once(&asked, Some(parts), both) {
        Some(both) => both,
        None => Box::pin(later(&asked, Some(parts), told)).await,
    }
}

fn admission(asking: &Asking, case: &Case<'_>, ruling: &Ruling<StoreOutcome>) -> Admission {
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

fn held(case: &Case<'_>, ruling: &Ruling<StoreOutcome>) -> Held {
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
    then: impl FnOnce(&Case<'_>, &Ruling<StoreOutcome>) -> T,
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

/// The same where it has to be waited for, and what it takes to settle it.
async fn later<T>(
    asked: &[Asked<'_>],
    parts: Option<&Parts>,
    then: impl FnOnce(&Case<'_>, &Ruling<StoreOutcome>) -> T,
) -> Result<(T, Held), Error> {
    let case = Case::new(asked, parts)?;
    let (ruling, held) = match case.decide().await? {
        Ruling::Decided(Hold { outcome, held }) => (Ruling::Decided(outcome), held),
        Ruling::Allowed(error) => (Ruling::Allowed(error), Held::default()),
        Ruling::Throttled(wait, error) => (Ruling::Throttled(wait, error), Held::default()),
    };
    Ok((then(&case, &ruling), held))
}

/// The decision that was come to, which is told to whoever watches.
fn ruled(case: &Case<'_>, ruling: &Ruling<StoreOutcome>) -> Decision {
    case.observe(ruling);
    match ruling {
        Ruling::Decided(outcome) => combined(outcome),
        Ruling::Allowed(_) => undecided(case.fresh_limit(), None),
        Ruling::Throttled(wait, _) => undecided(case.fresh_limit(), Some(*wait)),
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
        let closed = |place: usize| case.plans[place].is_closed() && !case.is_shadow(place);
        if cost > 0 && (0..case.plans.len()).any(closed) {
            return Ok(false);
        }
        let fits = |place: usize, plan: &Plan<'_>, state: &State, now: u64| {
            let plan = Plan {
                cost,
                ..plan.clone()
            };
            cost == 0 || case.is_shadow(place) || plan.evaluate(state, now).is_some()
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
