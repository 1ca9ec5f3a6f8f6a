//! What every backend does: decide a slice of plans, all or nothing.

use std::fmt;

use super::key::Key;
use super::outcome::{Outcome, Several};
use super::plan::Plan;
use crate::decision::Report;
use crate::rate::Rate;
use crate::strategy::State;
use crate::strategy::kernel::Law;

/// Where states live. A store applies laws atomically; it knows no throttles, clients or requests.
pub(crate) trait Store: fmt::Debug + Send + Sync + 'static {
    /// Decides one hit under one rate and a built-in law, which is what most requests ask: whether it was admitted, and
    /// what the law says afterwards.
    fn decide_one(&self, key: Key, rate: Rate, law: &Law, now: u64, cost: u64) -> (bool, Report);

    /// Decides all plans at one moment, and writes all or none.
    fn decide(&self, plans: &[Plan<'_>], now: u64) -> Outcome;

    /// The states of all plans at one moment.
    fn read(&self, plans: &[Plan<'_>], now: u64) -> Several<State>;
}
