//! Every store decides, waits and reports as the oracle does, and so as the memory backend does, on
//! the same random traces with the caller's time.
//!
//! The tests run a few cases. `PROPTEST_CASES=5000` runs a hundred thousand steps for each
//! strategy.

mod custom;
mod memcached;
mod redis;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::test_runner::TestCaseError;
use tokio::runtime::{Builder, Runtime};
use traffik::{Backend, Rate};

use crate::laws::agreement::follows;
use crate::laws::lists::{Part, follows_lists};
use crate::laws::oracle::{Int, Law, Terms};
use crate::laws::refunds::{Reserving, follows_refunds};
use crate::laws::subject::Dynamic;
use crate::laws::trace::Step;

/// A backend over a network, with the runtime that waits for its replies.
#[derive(Clone)]
pub(crate) struct Remote {
    backend: Backend,
    runtime: Arc<Runtime>,
}

impl Remote {
    fn new(backend: impl AsyncFnOnce() -> Backend) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        Self {
            backend: runtime.block_on(backend()),
            runtime: Arc::new(runtime),
        }
    }

    /// Checks that a new throttle and client follow the oracle through these steps, each under one
    /// of these laws.
    fn follows(
        &self,
        laws: &[(Rate, Law)],
        start: Int,
        steps: &[(usize, Step)],
    ) -> Result<(), TestCaseError> {
        let (rate, law) = laws[0];
        // Shared stores reject longer logs.
        let is_log = matches!(law, Law::SlidingLog | Law::Priority { .. });
        let exist = |(rate, law): &(Rate, Law)| {
            Terms::new(*law, *rate).exist() && !(is_log && rate.limit() > 60_000)
        };
        if !laws.iter().all(exist) {
            return Ok(());
        }
        let mut subject = self.subject(rate, law)?;
        follows(&mut subject, laws, start, steps, || ())
    }

    /// Checks that a new throttle follows the oracle while reservations are settled for less.
    fn follows_refunds(
        &self,
        (rate, law): (Rate, Law),
        start: Int,
        steps: &[Reserving],
    ) -> Result<(), TestCaseError> {
        let is_log = matches!(law, Law::SlidingLog | Law::Priority { .. });
        if !Terms::new(law, rate).exist() || (is_log && rate.limit() > 60_000) {
            return Ok(());
        }
        let mut subject = self.subject(rate, law)?;
        follows_refunds(&mut subject, (rate, law), start, steps)
    }

    /// Checks that a new throttle follows the oracle while parts of a list of rates take effect in
    /// turn.
    fn follows_lists(
        &self,
        (all, law): (&[Rate], Law),
        parts: &[Part],
        start: Int,
        steps: Vec<Step>,
    ) -> Result<(), TestCaseError> {
        // Shared stores reject longer logs and longer means.
        let is_long = matches!(
            law,
            Law::SlidingLog | Law::Priority { .. } | Law::CostBasedTokenBucket { .. }
        );
        let longest = if is_long {
            60_000 / all.len() as u64
        } else {
            u64::MAX
        };
        let exist = |rate: &Rate| Terms::new(law, *rate).exist() && rate.limit() <= longest;
        if !all.iter().all(exist) {
            return Ok(());
        }
        let mut subject = self.subject_of(all, law)?;
        follows_lists(&mut subject, (all, law), parts, start, steps)
    }

    fn subject(&self, rate: Rate, law: Law) -> Result<Dynamic, TestCaseError> {
        self.subject_of(&[rate], law)
    }

    fn subject_of(&self, rates: &[Rate], law: Law) -> Result<Dynamic, TestCaseError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let uid = format!("trace {}", NEXT.fetch_add(1, Ordering::Relaxed));
        let runtime = Some(self.runtime.clone());
        Ok(Dynamic::on(&self.backend, runtime, &uid, law, rates)?)
    }
}

/// Reports that Memcached counts a law's hits natively, each window under a key of its own.
fn counts_windows(law: Law) -> bool {
    matches!(
        law,
        Law::FixedWindow | Law::Tiered { .. } | Law::TimeOfDay { .. }
    )
}

/// Defines a test for each strategy on the store that a function creates.
macro_rules! equivalence {
    ($remote:expr, counts_windows: $counts_windows:literal) => {
        use proptest::prelude::{Just, Strategy, proptest};

        use crate::laws::changes::changing_rates;
        use crate::laws::agreement::{with_parameters_of, at_any_rate, each, alternating, with};
        use super::counts_windows;
        use crate::laws::lists::{lists, parts};
        use crate::laws::oracle::Law;
        use crate::laws::refunds::{any_law, reservations};
        use crate::laws::trace::*;

        equivalence!(@ $remote, $counts_windows,
            fixed_window: at_any_rate(Law::FixedWindow),
            sliding_counter: at_any_rate(Law::SlidingCounter),
            sliding_log: at_any_rate(Law::SlidingLog),
            token_bucket: with(token_buckets),
            leaky_bucket: with(leaky_buckets),
            leaky_bucket_with_queue: with(queues),
            gcra: with(gcras),
            time_of_day: rates_of_hours().prop_flat_map(|rate| (Just(rate), hours(rate))),
            quota_with_rollover: with(rollovers),
            cost_based_token_bucket: with(cost_based);
            adaptive: alternating(adaptives, with_parameters_of),
            priority: alternating(priorities, with_parameters_of),
            tiered: alternating(tiers, with_parameters_of),
        );

        #[test]
        fn agrees_on_windows_whose_rates_change() {
            let (_server, remote) = $remote;
            let windows = |rate| {
                proptest::prop_oneof![Just(Law::FixedWindow), tiers(rate)]
            };
            // If each window has a key of its own, a window of another period starts a new count.
            proptest!(cases(100), |(
                (laws, steps) in changing_rates(rates(), windows, $counts_windows),
                start in starts(),
            )| {
                remote.follows(&laws, start, &steps)?;
            });
        }

        /// Changes from one rate to several and back, and from one list to another. Natively
        /// counted windows have tests of their own for lists.
        #[test]
        fn agrees_on_lists_that_change() {
            let (_server, remote) = $remote;
            proptest!(cases(100), |(
                (all, law) in lists(),
                parts in parts(),
                start in starts(),
                steps in steps(),
            )| {
                if !($counts_windows && counts_windows(law)) {
                    remote.follows_lists((&all, law), &parts, start, steps)?;
                }
            });
        }

        #[test]
        fn agrees_on_other_laws_whose_rates_change() {
            let (_server, remote) = $remote;
            let others = |rate| {
                laws(rate).prop_filter("windows have a test of their own", |law| {
                    // The delays of queues are excluded too, whose levels are those of buckets.
                    let is_queue = matches!(law, Law::LeakyBucketWithQueue { .. });
                    !is_queue && !matches!(law, Law::FixedWindow | Law::Tiered { .. })
                })
            };
            proptest!(cases(300), |(
                (laws, steps) in changing_rates(rates(), others, false),
                start in starts(),
            )| {
                remote.follows(&laws, start, &steps)?;
            });
        }
    };
    (@ $remote:expr, $counts_windows:literal, $($single:ident: $law:expr),+; $($several:ident: $laws:expr,)+) => {
        $(
            #[test]
            fn $single() {
                let (_server, remote) = $remote;
                proptest!(cases(60), |(of in $law, start in starts(), steps in steps())| {
                    remote.follows(&[of], start, &each(&steps, 0))?;
                });
            }
        )+
        /// If the clock steps back, a store decides alike, except that Memcached counts each window
        /// under a key of its own.
        #[test]
        fn agrees_when_the_clock_steps_back() {
            let (_server, remote) = $remote;
            proptest!(cases(80), |(
                of in any_law(),
                start in starts(),
                steps in steps_back_and_forth(),
            )| {
                if !($counts_windows && counts_windows(of.1)) {
                    remote.follows(&[of], start, &each(&steps, 0))?;
                }
            });
        }

        #[test]
        fn agrees_on_refunds() {
            let (_server, remote) = $remote;
            proptest!(cases(80), |(of in any_law(), start in starts(), steps in reservations(false))| {
                remote.follows_refunds(of, start, &steps)?;
            });
        }

        #[test]
        fn agrees_on_refunds_when_the_clock_steps_back() {
            let (_server, remote) = $remote;
            proptest!(cases(80), |(of in any_law(), start in starts(), steps in reservations(true))| {
                if !($counts_windows && counts_windows(of.1)) {
                    remote.follows_refunds(of, start, &steps)?;
                }
            });
        }

        $(
            #[test]
            fn $several() {
                let (_server, remote) = $remote;
                proptest!(cases(60), |((laws, steps) in $laws, start in starts())| {
                    remote.follows(&laws, start, &steps)?;
                });
            }
        )+
    };
}
use equivalence;
