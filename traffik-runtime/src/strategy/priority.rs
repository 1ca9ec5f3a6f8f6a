//! `Priority`: one budget with shares by priority.

use serde::Serialize;

use crate::identity;
use crate::rate::Rate;
use crate::strategy::built_in::BuiltIn;
use crate::strategy::error::StrategyError;
use crate::strategy::factor::{Factor, FactorError};
use crate::strategy::kernel::Law;
use crate::strategy::kernel::log::Log;
use crate::strategy::kernel::state::State;
use crate::strategy::{Hit, Who};

/// One budget for all priorities, of which lower ones may use only a share. The rest stays free for
/// higher ones.
///
/// A hit is admitted iff the cost of all hits in the last period and its own stay within its
/// priority's share of L. The application sets the priority of an
/// [`Identity`](crate::identity::Identity).
///
/// * Memory: 16 bytes for each microsecond with a hit, so up to L entries.
/// * Worst case: L in any stretch as long as the period, in any order of priorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priority {
    /// The shares, from low to critical.
    shares: [Factor; 4],
    problem: Option<FactorError>,
}

/// The state of a budget, from the side of one priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PriorityMetadata {
    /// The identity's priority.
    pub priority: identity::Priority,
    /// The cost of all hits in the last period, of all priorities.
    pub total_cost: u64,
    /// The units that this priority may use.
    pub share_limit: u64,
}

impl Priority {
    /// Makes shares of 0.5 for low, 0.8 for normal, 0.95 for high, and everything for critical
    /// priority.
    pub const fn new() -> Self {
        Self::of([
            Factor::millionths(500_000),
            Factor::millionths(800_000),
            Factor::millionths(950_000),
            Factor::ONE,
        ])
    }

    /// Makes a budget with these shares, from low to critical.
    pub const fn of(shares: [Factor; 4]) -> Self {
        Self {
            shares,
            problem: None,
        }
    }

    /// Sets the share of low priority; default 0.5.
    #[must_use]
    pub fn low<E: Into<FactorError>>(self, share: impl TryInto<Factor, Error = E>) -> Self {
        self.with(0, share)
    }

    /// Sets the share of normal priority; default 0.8.
    #[must_use]
    pub fn normal<E: Into<FactorError>>(self, share: impl TryInto<Factor, Error = E>) -> Self {
        self.with(1, share)
    }

    /// Sets the share of high priority; default 0.95.
    #[must_use]
    pub fn high<E: Into<FactorError>>(self, share: impl TryInto<Factor, Error = E>) -> Self {
        self.with(2, share)
    }

    /// Sets the share of critical priority, which has to be 1.
    #[must_use]
    pub fn critical<E: Into<FactorError>>(self, share: impl TryInto<Factor, Error = E>) -> Self {
        self.with(3, share)
    }

    /// Returns the shares, from low to critical.
    pub const fn shares(&self) -> [Factor; 4] {
        self.shares
    }

    fn with<E: Into<FactorError>>(
        mut self,
        place: usize,
        share: impl TryInto<Factor, Error = E>,
    ) -> Self {
        match share.try_into() {
            Ok(share) => self.shares[place] = share,
            Err(problem) => self.problem = Some(problem.into()),
        }
        self
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self::new()
    }
}

impl BuiltIn for Priority {
    type Metadata = PriorityMetadata;

    const NAME: &'static str = "priority";
    const IS_DYNAMIC: bool = true;

    fn kernel(&self, rate: Rate, who: &Who<'_>) -> Result<Law, StrategyError> {
        if let Some(problem) = self.problem {
            return Err(StrategyError::Factor("a priority's share", problem));
        }
        if !self.shares.is_sorted() || self.shares[3] != Factor::ONE {
            return Err(StrategyError::Range(
                "each priority's share is at most that of the next, and that of the highest is 1",
            ));
        }
        let share = self.shares[who.priority as usize];
        Ok(Law::Log(Log::new(rate, share.of(rate.limit()))))
    }

    fn describe(&self, law: &Law, state: &State, hit: &Hit<'_>) -> PriorityMetadata {
        let total_cost = match law {
            Law::Log(law) => law.summary(state.entries(), hit.now).1,
            _ => 0,
        };
        PriorityMetadata {
            priority: hit.who.priority,
            total_cost,
            share_limit: law.max_cost(),
        }
    }
}
