//! `check`: errors in a whole throttle, and warnings if there are none.

use crate::rate::Rate;
use crate::strategy::Who;
use crate::strategy::catalog::lints::warnings;
use crate::strategy::catalog::problem::{Problem, Subject};
use crate::strategy::catalog::spec::Spec;
use crate::strategy::error::StrategyError;
use crate::strategy::factor::Factor;
use crate::strategy::priority::Priority;

/// A rate at which every strategy with valid parameters makes a law.
const LARGE: Rate = Rate::per_second(1_000_000);

/// Returns all errors of a whole throttle, or its warnings if it has none.
///
/// The strategy is a custom one without a `spec`. Each request has a rate of its own without
/// `rates`, and a cost of its own without a `cost`.
///
/// ```
/// use traffik::strategy::catalog::{Severity, Subject, Warning, check, resolve};
///
/// let window = resolve("fixed_window", &[]).unwrap();
/// let rates = ["10/second".parse()?, "1000/minute".parse()?];
/// let problems = check(Some(&window), &rates, Some(1));
/// assert_eq!(problems[0].subject, Subject::Rate(1));
/// assert_eq!(problems[0].severity, Severity::Warning(Warning::UnreachableRate));
/// # Ok::<(), traffik::RateError>(())
/// ```
pub fn check(spec: Option<&Spec>, rates: &[Rate], cost: Option<u64>) -> Vec<Problem> {
    let mut problems = spec.map_or_else(Vec::new, |spec| unfit(spec, rates));
    if problems.is_empty() {
        problems.extend(spec.and_then(|spec| too_large(spec, rates, cost)));
    }
    if problems.is_empty() {
        problems = warnings(spec, rates, cost);
    }
    problems
}

/// Returns the errors of parameters that make no law, alone or with a rate.
fn unfit(spec: &Spec, rates: &[Rate]) -> Vec<Problem> {
    let law = |rate: Rate| spec.law_of(rate, &Who::default());
    let parameters = law(LARGE).err();
    // Numbers that are too large depend on the rate.
    if let Some(error) = parameters.filter(|error| !matches!(error, StrategyError::NoExactTick(_)))
    {
        return vec![Problem::error(
            subject(spec, LARGE, &error),
            error.to_string(),
        )];
    }
    let mut problems = Vec::new();
    for (place, rate) in rates.iter().enumerate() {
        if let Err(error) = law(*rate) {
            let subject = match error {
                StrategyError::NoExactTick(_) | StrategyError::EffectiveLimit(_) => {
                    Subject::Rate(place)
                }
                _ => subject(spec, *rate, &error),
            };
            let problem = Problem::error(subject, error.to_string());
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
    }
    problems
}

/// Returns the parameter that an error is about.
fn subject(spec: &Spec, rate: Rate, error: &StrategyError) -> Subject {
    let named = match spec {
        _ if error.parameter().is_some() => error.parameter(),
        Spec::Tiered(tiered) => {
            let empty = |factor: Factor| factor.of(rate.limit()) == 0;
            let mut tiers = tiered.tiers().0.iter();
            let tier = tiers.find(|(_, factor)| empty(*factor));
            tier.map(|(name, _)| &**name)
        }
        Spec::Priority(priority) => Some(out_of_order(priority)),
        Spec::TimeOfDay(hours) => {
            let covered = hours.covered().map(Subject::Window);
            return covered.unwrap_or(Subject::Strategy);
        }
        _ => None,
    };
    named.map_or(Subject::Strategy, |name| {
        Subject::Parameter(name.to_owned())
    })
}

/// Returns the share that is too large or too small; of two that do not fit together, the one that
/// was set.
fn out_of_order(priority: &Priority) -> &'static str {
    const NAMES: [&str; 4] = ["low", "normal", "high", "critical"];
    let (shares, usual) = (priority.shares(), Priority::new().shares());
    let first = (0..3).find(|place| shares[*place] > shares[place + 1]);
    match first {
        Some(place) if shares[place] != usual[place] => NAMES[place],
        Some(place) => NAMES[place + 1],
        None => NAMES[3],
    }
}

/// Returns the error of a cost that is above every limit (L9).
fn too_large(spec: &Spec, rates: &[Rate], cost: Option<u64>) -> Option<Problem> {
    let (largest, name) = (spec.largest_cost(rates), spec.name());
    let cost = cost.filter(|cost| *cost > largest)?;
    let (subject, message) = if largest == 0 {
        let message = format!(
            "`{name}` never admits anything at this rate; raise the limit or its multiplier"
        );
        (Subject::Strategy, message)
    } else {
        let message = format!(
            "a cost of {cost} can never be admitted: `{name}` admits at most {largest} at once; lower the cost or raise the limit"
        );
        (Subject::Cost, message)
    };
    Some(Problem::error(subject, message))
}
