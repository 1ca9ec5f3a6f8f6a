//! What every backend does: decide a slice of plans, all or nothing.

use std::fmt;

use super::key::Key;
use crate::decision::Report;
use crate::strategy::kernel::Law;
use crate::strategy::{ErasedStrategy, Hit, State};

/// One hit on one client's budget under one law.
#[derive(Clone, Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) key: Key,
    pub(crate) law: Law,
    pub(crate) strategy: &'a dyn ErasedStrategy,
    pub(crate) hit: Hit<'a>,
}

impl Plan<'_> {
    /// The state after the hit if there is anything to write: a cost of 0 is admitted without, a refusal has none.
    pub(crate) fn decide(&self, state: &State) -> Option<State> {
        let Hit { now, cost, .. } = self.hit;
        match (&self.law, state) {
            _ if cost == 0 => None,
            (Law::Custom, state) => {
                let after = self.strategy.decide(state.bytes(), &self.hit);
                after.map(|bytes| State::Bytes(Some(bytes)))
            }
            (law, state) => law.decide(state, now, cost),
        }
    }

    /// What the law says of a state, for a cost.
    pub(crate) fn report(&self, state: &State, cost: u64) -> Report {
        match &self.law {
            Law::Custom => self
                .strategy
                .report(state.bytes(), &Hit { cost, ..self.hit }),
            law => law.report(state, self.hit.now, cost),
        }
    }

    /// What it says when the hit was admitted and led to this state.
    pub(crate) fn report_admitted(&self, after: &State) -> Report {
        let report = self.report(after, 0);
        match &self.law {
            Law::Custom => report,
            law => Report {
                delay: law.delay(after, self.hit.now, self.hit.cost),
                ..report
            },
        }
    }

    /// The state of a client never seen.
    pub(crate) fn nothing(&self) -> State {
        if self.law == Law::Custom {
            State::Bytes(None)
        } else {
            State::default()
        }
    }
}

/// What became of a plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ruling {
    /// Whether this plan alone would be admitted. The slice was admitted, and counted, iff all fit.
    pub(crate) fits: bool,
    /// The state afterwards.
    pub(crate) state: State,
}

/// Where states live. A store applies laws atomically; it knows no throttles, clients or requests.
pub(crate) trait Store: fmt::Debug + Send + Sync + 'static {
    /// Decides one hit under a built-in law, which is what most requests ask: whether it was admitted, and what the law
    /// says afterwards.
    fn decide_one(&self, key: Key, law: &Law, now: u64, cost: u64) -> (bool, Report);

    /// Decides all plans at one moment, writes all or none, and gives each its ruling, in order.
    ///
    /// A cost of 0 is admitted without asking the law and writes nothing: this is how states are read.
    fn decide_all(&self, plans: &[Plan<'_>], rulings: &mut [Ruling]);
}
