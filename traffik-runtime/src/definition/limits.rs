//! Rates under a strategy: checks, and the limits that they are.

use std::time::Duration;

use crate::error::Error;
use crate::inline_vec::InlineVec1;
use crate::observe;
use crate::rate::Rate;
use crate::store::plan::Limit;
use crate::strategy::catalog::problem::Severity;
use crate::strategy::erased::ErasedStrategy;
use crate::strategy::error::StrategyError;
use crate::strategy::kernel::Law;
use crate::strategy::{Who, catalog};

/// The maximum length of a uid, of a policy's name and of a label, in bytes.
const MAX_NAME_LENGTH: usize = 255;

/// Returns the rates that are limits, each with its law. The laws of a dynamic strategy are
/// computed for each hit, so there are none here.
///
/// # Errors
///
/// If the strategy has no law for a rate.
pub(crate) fn compile(
    strategy: &dyn ErasedStrategy,
    rates: &[Rate],
) -> Result<InlineVec1<Limit>, StrategyError> {
    let mut limits = InlineVec1::new();
    if strategy.is_dynamic() {
        return Ok(limits);
    }
    for rate in rates {
        let law = strategy.law(*rate, &Who::default())?;
        if law != Law::Unlimited {
            limits.push(Limit { rate: *rate, law });
        }
    }
    Ok(limits)
}

/// Returns the limit of a rate whose law is a constant.
pub(crate) fn constant(rate: Rate, law: &Law) -> InlineVec1<Limit> {
    let law = law.clone();
    InlineVec1::from_buf([Limit { rate, law }])
}

/// Returns the only limit, if there is one under a built-in law.
pub(crate) fn only(limits: &[Limit]) -> Option<&Limit> {
    match limits {
        [limit] if limit.law != Law::Custom => Some(limit),
        _ => None,
    }
}

/// Checks that a throttle of this strategy can have these rates, and logs a warning for rates that
/// are legal but probably not meant.
///
/// # Errors
///
/// [`Error::Configuration`] if the throttle cannot have them.
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

/// Checks that the quota of a throttle of this strategy can be leased, if it is to be.
///
/// # Errors
///
/// [`Error::Configuration`] if it cannot.
pub(crate) fn check_lease(
    uid: &str,
    strategy: &dyn ErasedStrategy,
    lease: Option<Duration>,
) -> Result<(), Error> {
    let name = strategy.name();
    let is_leased = lease.is_some_and(|life| !life.is_zero());
    if !is_leased || catalog::is_leasable(name) {
        return Ok(());
    }
    let message = format!("the quota of `{name}` cannot be leased; remove `lease`");
    Err(Error::configuration(uid, message))
}

/// Checks that a throttle's uid and the name of its policy are short enough for logs, metrics and
/// header fields, and that the name is not empty.
///
/// # Errors
///
/// A message about the one that is wrong.
pub(crate) fn check_names(uid: &str, policy: &str) -> Result<(), String> {
    if policy.is_empty() {
        return Err("its policy name is empty; write one, or remove `policy`".to_owned());
    }
    check_length("uid", uid)?;
    check_length("policy", policy)
}

/// Checks that a name, such as the uid, is short enough.
///
/// # Errors
///
/// A message if it is too long.
pub(crate) fn check_length(option: &str, name: &str) -> Result<(), String> {
    match name.len() {
        0..=MAX_NAME_LENGTH => Ok(()),
        length => Err(format!(
            "its {option} has {length} bytes; the maximum is {MAX_NAME_LENGTH}"
        )),
    }
}
