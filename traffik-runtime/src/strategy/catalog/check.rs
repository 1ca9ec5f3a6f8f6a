use super::spec::Spec;
use super::{Problem, Subject};
use crate::rate::Rate;
use crate::strategy::StrategyError;

/// Everything that is wrong with a strategy at these rates, and with a cost that each hit takes.
pub fn check(spec: &Spec, rates: &[Rate], cost: Option<u64>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (place, rate) in rates.iter().enumerate() {
        if let Err(error) = spec.law(*rate) {
            let subject = match error {
                StrategyError::NoExactTick(_) => Subject::Rate(place),
                _ => Subject::Strategy,
            };
            problems.push(Problem::new(subject, error.to_string()));
        }
    }
    // What is wrong with the strategy alone is wrong at every rate.
    problems.dedup();
    let largest = spec.largest_cost(rates);
    if let Some(cost) = cost.filter(|cost| problems.is_empty() && *cost > largest) {
        let message = format!(
            "a cost of {cost} can never be admitted: `{}` lets through at most {largest} at once; lower the cost or raise the limit",
            spec.name()
        );
        problems.push(Problem::new(Subject::Cost, message));
    }
    problems
}
