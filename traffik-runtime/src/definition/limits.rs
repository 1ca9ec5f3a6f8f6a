//! Rates under a strategy: whether they go together, and the laws that come of it.

use crate::error::Error;
use crate::inline_vec::InlineVec1;
use crate::observe;
use crate::rate::Rate;
use crate::store::plan::Term;
use crate::strategy::catalog::problem::Severity;
use crate::strategy::erased::ErasedStrategy;
use crate::strategy::error::StrategyError;
use crate::strategy::kernel::Law;
use crate::strategy::{Who, catalog};

/// Each rate that is a limit, with its law. Laws that change are worked out for each hit, so there are none here.
pub(crate) fn terms(
    strategy: &dyn ErasedStrategy,
    rates: &[Rate],
) -> Result<InlineVec1<Term>, StrategyError> {
    let mut terms = InlineVec1::new();
    if strategy.is_dynamic() {
        return Ok(terms);
    }
    for rate in rates {
        let law = strategy.law(*rate, &Who::default())?;
        if law != Law::Unlimited {
            terms.push(Term { rate: *rate, law });
        }
    }
    Ok(terms)
}

/// The only rate, if there is just one, under a built-in law.
pub(crate) fn only(terms: &[Term]) -> Option<&Term> {
    match terms {
        [term] if term.law != Law::Custom => Some(term),
        _ => None,
    }
}

/// Whether a throttle can have these rates. What is legal but was hardly meant is logged.
pub(crate) fn check(uid: &str, strategy: &dyn ErasedStrategy, rates: &[Rate]) -> Result<(), Error> {
    let spec = strategy.spec();
    if spec.is_none() {
        for rate in rates {
            let law = strategy.law(*rate, &Who::default());
            law.map_err(|error| Error::strategy(uid, error))?;
        }
    }
    for problem in catalog::check(spec.as_ref(), rates, None) {
        match problem.severity {
            Severity::Error => return Err(Error::configuration(uid, problem.message)),
            Severity::Warning(warning) => {
                observe::doubtful(uid, warning.name(), &problem.message);
            }
        }
    }
    Ok(())
}

/// The largest length of a uid or a policy's name, in bytes.
const LONGEST_NAME: usize = 255;

/// Checks that a throttle's uid and the name of its policy are short enough for logs, metrics and header fields, and that
/// the name is not empty.
///
/// # Errors
///
/// A message that says which is not.
pub(crate) fn check_names(uid: &str, policy: &str) -> Result<(), String> {
    if policy.is_empty() {
        return Err("the name of its policy is empty; give it one".to_owned());
    }
    check_length("uid", uid)?;
    check_length("policy", policy)
}

/// Checks that a text, such as the uid, is short enough.
///
/// # Errors
///
/// A message that says that it is not.
pub(crate) fn check_length(what: &str, text: &str) -> Result<(), String> {
    match text.len() {
        0..=LONGEST_NAME => Ok(()),
        length => Err(format!(
            "its {what} has {length} bytes; give it one of at most {LONGEST_NAME}"
        )),
    }
}
