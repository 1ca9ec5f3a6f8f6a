//! `BuiltIn`: a strategy that is one of the kernels with its numbers.

use std::fmt;

use serde::Serialize;

use crate::decision::Report;
use crate::rate::Rate;
use crate::strategy::error::StrategyError;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::state::State;
use crate::strategy::{Hit, Strategy, Who};

/// A strategy that is one of the kernels, with its numbers and metadata.
///
/// The built-in strategies implement this; custom ones implement [`Strategy`].
pub trait BuiltIn: fmt::Debug + Send + Sync + 'static {
    /// The properties of a state in `stat`.
    type Metadata: Serialize + fmt::Debug + Send + 'static;

    /// The name in the catalog.
    const NAME: &'static str;

    /// `true` if the law depends on the client, so that it is computed for each hit.
    const IS_DYNAMIC: bool = false;

    /// Reports whether the law of this value depends on the client or the time.
    fn is_dynamic(&self) -> bool {
        Self::IS_DYNAMIC
    }

    /// Calls the signal that decides beside the client's use, if there is one.
    fn load(&self) -> Option<f64> {
        None
    }

    /// Computes the kernel.
    fn kernel(&self, rate: Rate, who: &Who<'_>) -> Result<Law, StrategyError>;

    /// Describes the state in the terms of the strategy.
    fn describe(&self, law: &Law, state: &State, hit: &Hit<'_>) -> Self::Metadata;
}

#[diagnostic::do_not_recommend]
impl<T: BuiltIn> Strategy for T {
    type State = State;
    type Metadata = T::Metadata;

    fn name(&self) -> &'static str {
        T::NAME
    }

    fn decide(&self, state: Option<State>, hit: &Hit<'_>) -> Option<State> {
        let state = state.unwrap_or_default();
        let law = self.law(hit.rate, &hit.who).ok()?;
        if hit.cost == 0 {
            Some(state)
        } else {
            law.decide(&state, hit.now, hit.cost)
        }
    }

    fn report(&self, state: Option<&State>, hit: &Hit<'_>) -> Report {
        let law = self.law(hit.rate, &hit.who).unwrap_or(Law::Custom);
        law.report(&state.cloned().unwrap_or_default(), hit.now, hit.cost)
    }

    fn metadata(&self, state: Option<&State>, hit: &Hit<'_>) -> T::Metadata {
        let law = self.law(hit.rate, &hit.who).unwrap_or(Law::Custom);
        self.describe(&law, &state.cloned().unwrap_or_default(), hit)
    }

    fn is_dynamic(&self) -> bool {
        BuiltIn::is_dynamic(self)
    }

    fn load(&self) -> Option<f64> {
        BuiltIn::load(self)
    }

    fn law(&self, rate: Rate, who: &Who<'_>) -> Result<Law, StrategyError> {
        if rate.is_unlimited() {
            Ok(Law::Unlimited)
        } else if rate.is_closed() {
            Ok(Law::Closed)
        } else {
            self.kernel(rate, who)
        }
    }
}
