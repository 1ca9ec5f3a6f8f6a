//! `Spec`: a strategy of the catalog with its parameters.

use std::any::Any;

use crate::identity;
use crate::rate::Rate;
use crate::strategy::adaptive::Adaptive;
use crate::strategy::catalog::value::Value;
use crate::strategy::cost_based_token_bucket::CostBasedTokenBucket;
use crate::strategy::error::StrategyError;
use crate::strategy::factor::Factor;
use crate::strategy::fixed_window::FixedWindow;
use crate::strategy::gcra::Gcra;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::adaptive::Tuning;
use crate::strategy::leaky_bucket::LeakyBucket;
use crate::strategy::leaky_bucket_with_queue::LeakyBucketWithQueue;
use crate::strategy::priority::Priority;
use crate::strategy::quota_with_rollover::QuotaWithRollover;
use crate::strategy::sliding_counter::SlidingCounter;
use crate::strategy::sliding_log::SlidingLog;
use crate::strategy::tiered::Tiered;
use crate::strategy::time_of_day::TimeOfDay;
use crate::strategy::token_bucket::TokenBucket;
use crate::strategy::{Strategy, Who};

macro_rules! specs {
    ($($strategy:ident),+ $(,)?) => {
        /// A strategy with its parameters, ready to be used.
        #[derive(Clone, Debug)]
        pub enum Spec {
            $(#[doc = concat!("[`", stringify!($strategy), "`].")] $strategy($strategy),)+
        }

        impl Spec {
            /// Returns the name in the catalog.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$strategy(it) => Strategy::name(it),)+
                }
            }

            /// Computes the law of a rate for a client.
            pub(super) fn law_of(&self, rate: Rate, who: &Who<'_>) -> Result<Law, StrategyError> {
                match self {
                    $(Self::$strategy(it) => it.law(rate, who),)+
                }
            }

            fn recognized(strategy: &dyn Any) -> Option<Self> {
                $(if let Some(it) = strategy.downcast_ref::<$strategy>() {
                    return Some(Self::$strategy(Clone::clone(it)));
                })+
                None
            }
        }
    };
}

specs!(
    FixedWindow,
    SlidingLog,
    SlidingCounter,
    TokenBucket,
    LeakyBucket,
    LeakyBucketWithQueue,
    Gcra,
    Tiered,
    Adaptive,
    Priority,
    QuotaWithRollover,
    TimeOfDay,
    CostBasedTokenBucket,
);

impl Spec {
    /// Returns a value as a strategy of the catalog, if it is one. A load is left out, since its
    /// current value is not a parameter.
    pub fn of_value(strategy: &dyn Any) -> Option<Self> {
        Some(match Self::recognized(strategy)? {
            Self::Adaptive(adaptive) => Self::Adaptive(adaptive.without_load()),
            spec => spec,
        })
    }

    /// Returns the largest cost that these rates together can ever admit, for the client with the
    /// largest limit.
    pub fn largest_cost(&self, rates: &[Rate]) -> u64 {
        let each = rates.iter().map(|rate| self.largest_at(*rate));
        each.min().unwrap_or(u64::MAX)
    }

    fn largest_at(&self, rate: Rate) -> u64 {
        let clients = self.clients().into_iter();
        let laws = clients.filter_map(|who| self.law_of(rate, &who).ok());
        laws.map(|law| law.max_cost()).max().unwrap_or(u64::MAX)
    }

    /// Lists a client of each kind that the law distinguishes.
    pub(super) fn clients(&self) -> Vec<Who<'_>> {
        use identity::Priority::{Critical, High, Low, Normal};
        match self {
            Self::Tiered(tiered) => {
                let names = tiered.tiers().0.iter().map(|(name, _)| Some(&**name));
                let of = |tier| Who {
                    tier,
                    ..Who::default()
                };
                names.map(of).collect()
            }
            Self::Priority(_) => [Low, Normal, High, Critical]
                .map(|priority| Who {
                    priority,
                    ..Who::default()
                })
                .into(),
            _ => vec![Who::default()],
        }
    }

    /// Returns the strategy of this name in the catalog, with these values.
    pub(super) fn of(name: &str, values: &[(&str, Value)]) -> Result<Self, StrategyError> {
        let values = Values(values);
        Ok(match name {
            "sliding_log" => Self::SlidingLog(SlidingLog::new()),
            "sliding_counter" => Self::SlidingCounter(SlidingCounter::new()),
            "token_bucket" => {
                let bucket = TokenBucket::new().debt(values.count("debt").unwrap_or(0));
                Self::TokenBucket(
                    values
                        .count("burst")
                        .map_or(bucket, |burst| bucket.burst(burst)),
                )
            }
            "leaky_bucket" => {
                let bucket = LeakyBucket::new();
                Self::LeakyBucket(
                    values
                        .count("capacity")
                        .map_or(bucket, |capacity| bucket.capacity(capacity)),
                )
            }
            "leaky_bucket_with_queue" => {
                let queue = LeakyBucketWithQueue::new();
                let size = values.count("queue_size");
                Self::LeakyBucketWithQueue(size.map_or(queue, |size| queue.queue_size(size)))
            }
            "gcra" => Self::Gcra(values.gcra()),
            "tiered" => Self::Tiered(values.tiered()?),
            "adaptive" => Self::Adaptive(values.adaptive()),
            "priority" => Self::Priority(values.priority()),
            "quota_with_rollover" => Self::QuotaWithRollover(values.quota()),
            "time_of_day" => Self::TimeOfDay(values.time_of_day()),
            "cost_based_token_bucket" => Self::CostBasedTokenBucket(values.cost_based()),
            _ => Self::FixedWindow(FixedWindow::new()),
        })
    }
}

/// The values of parameters, by name.
struct Values<'a>(&'a [(&'a str, Value)]);

impl Values<'_> {
    fn value(&self, name: &str) -> Option<&Value> {
        let found = self.0.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| value)
    }

    fn count(&self, name: &str) -> Option<u64> {
        match self.value(name)? {
            Value::Count(count) => Some(*count),
            _ => None,
        }
    }

    fn factor(&self, name: &str, default: Factor) -> Factor {
        match self.value(name) {
            Some(Value::Factor(factor)) => *factor,
            _ => default,
        }
    }

    fn gcra(&self) -> Gcra {
        match self.value("burst_tolerance") {
            Some(Value::Duration(tolerance)) => Gcra::new().burst_tolerance(*tolerance),
            _ => Gcra::new(),
        }
    }

    fn tiered(&self) -> Result<Tiered, StrategyError> {
        let mut tiered = Tiered::new();
        for (name, value) in self.0 {
            tiered = match value {
                Value::Factor(factor) => tiered.tier(*name, *factor),
                Value::Name(name) => tiered.default_tier(name.as_str()),
                _ => tiered,
            };
        }
        let (tiers, default) = tiered.tiers();
        if tiers.iter().any(|(name, _)| name == default) {
            Ok(tiered)
        } else {
            Err(StrategyError::NoDefaultTier)
        }
    }

    fn adaptive(&self) -> Adaptive {
        let usual = Adaptive::new().tuning();
        Adaptive::of(Tuning {
            threshold: self.factor("threshold", usual.threshold),
            reduction: self.factor("reduction", usual.reduction),
            recovery: self.factor("recovery", usual.recovery),
            least: self.factor("min", usual.least),
        })
    }

    fn priority(&self) -> Priority {
        let [low, normal, high, critical] = Priority::new().shares();
        Priority::of([
            self.factor("low", low),
            self.factor("normal", normal),
            self.factor("high", high),
            self.factor("critical", critical),
        ])
    }

    fn quota(&self) -> QuotaWithRollover {
        let (percent, max) = QuotaWithRollover::new().settings();
        QuotaWithRollover::of(
            self.factor("percent", percent),
            self.count("max").unwrap_or(max),
        )
    }

    fn time_of_day(&self) -> TimeOfDay {
        let mut rules = Vec::new();
        let mut offset = 0;
        for (_, value) in self.0 {
            match value {
                Value::Windows(windows) => rules.clone_from(windows),
                Value::Offset(minutes) => offset = *minutes,
                _ => {}
            }
        }
        TimeOfDay::with_rules(rules, offset)
    }

    fn cost_based(&self) -> CostBasedTokenBucket {
        let usual = CostBasedTokenBucket::new();
        let (_, window, min_refill) = usual.settings();
        let window = self
            .count("window")
            .and_then(|window| u32::try_from(window).ok())
            .unwrap_or(window);
        let bucket = usual
            .window(window)
            .min_refill_factor(self.factor("min_refill", min_refill));
        self.count("burst")
            .map_or(bucket, |burst| bucket.burst(burst))
    }
}
