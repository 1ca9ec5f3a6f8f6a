//! A custom strategy that several tests share.

use std::time::Duration;

use traffik::Report;
use traffik::strategy::{Hit, Strategy};

/// A custom strategy that admits the limit's units once and never refills them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Budget(Refund);

/// The effect of a refund on a [`Budget`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refund {
    /// Units that are refunded can be spent again.
    #[default]
    Returns,
    /// Units that are refunded stay spent.
    Ignores,
    /// Refunding panics.
    Panics,
}

impl Budget {
    /// Creates a budget to which refunds return.
    pub const fn new() -> Self {
        Self::with(Refund::Returns)
    }

    /// Creates a budget with another effect of refunds.
    pub const fn with(refund: Refund) -> Self {
        Self(refund)
    }
}

impl Strategy for Budget {
    type State = u64;
    type Metadata = u64;

    fn name(&self) -> &'static str {
        "budget"
    }

    fn decide(&self, spent: Option<u64>, hit: &Hit<'_>) -> Option<u64> {
        let spent = spent.unwrap_or(0) + hit.cost;
        (spent <= hit.rate.limit()).then_some(spent)
    }

    fn report(&self, spent: Option<&u64>, hit: &Hit<'_>) -> Report {
        let limit = hit.rate.limit();
        let remaining = limit - spent.copied().unwrap_or(0);
        Report {
            limit,
            remaining,
            wait: (hit.cost <= remaining).then_some(Duration::ZERO),
            reset: hit.rate.period(),
            ..Report::default()
        }
    }

    fn metadata(&self, spent: Option<&u64>, _: &Hit<'_>) -> u64 {
        spent.copied().unwrap_or(0)
    }

    fn refund(&self, spent: u64, hit: &Hit<'_>, now: u64) -> u64 {
        assert!(hit.now <= now);
        match self.0 {
            Refund::Returns => spent.saturating_sub(hit.cost),
            Refund::Ignores => spent,
            Refund::Panics => panic!("this budget cannot be refunded"),
        }
    }
}
