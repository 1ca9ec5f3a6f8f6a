//! Custom strategies in memory: decided atomically, serialized with serde, and harmless when they
//! panic.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use http::request::Parts;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use traffik::strategy::{Hit, Strategy};
use traffik::{Backend, DynThrottle, Identity, ManualClock, Rate, Report, Throttle};
use traffik_tests::poll_once;

use super::{admits, remaining};

/// A log of the hits that were admitted in the last period, which panics on demand.
#[derive(Debug, Default)]
struct Log {
    panics: Panics,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Panics {
    #[default]
    Never,
    /// While a hit of cost 13 is decided.
    Deciding,
    /// While a hit of cost 13, after one of cost 1, is reported.
    Reporting,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Entries {
    at: BTreeMap<u64, u64>,
}

impl Entries {
    fn live(&self, hit: &Hit<'_>) -> u64 {
        let oldest = hit.now - hit.rate.period_micros();
        self.at.range(oldest + 1..).map(|(_, cost)| cost).sum()
    }
}

impl Strategy for Log {
    type State = Entries;
    type Metadata = Entries;

    fn name(&self) -> &'static str {
        "log"
    }

    fn decide(&self, state: Option<Entries>, hit: &Hit<'_>) -> Option<Entries> {
        assert!(
            self.panics != Panics::Deciding || hit.cost != 13,
            "panics on demand"
        );
        let mut state = state.unwrap_or_default();
        let fits = state.live(hit) + hit.cost <= hit.rate.limit();
        *state.at.entry(hit.now).or_default() += hit.cost;
        fits.then_some(state)
    }

    fn report(&self, state: Option<&Entries>, hit: &Hit<'_>) -> Report {
        let spent = state.map_or(0, |state| state.live(hit));
        assert!(
            self.panics != Panics::Reporting || spent != 14,
            "panics on demand"
        );
        let limit = hit.rate.limit();
        let remaining = limit - spent;
        Report {
            limit,
            remaining,
            wait: (hit.cost <= remaining).then_some(Duration::ZERO),
            reset: hit.rate.period(),
            ..Report::default()
        }
    }

    fn metadata(&self, state: Option<&Entries>, _: &Hit<'_>) -> Entries {
        state.cloned().unwrap_or_default()
    }
}

fn throttle(panics: Panics, backend: &Backend) -> DynThrottle {
    let throttle = DynThrottle::builder("log")
        .rate(Rate::per_hour(200))
        .strategy(Log { panics });
    throttle
        .backend(backend.clone())
        .build()
        .expect("a throttle that works")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn decides_atomically_under_many_tasks() {
    let clock = ManualClock::new();
    let throttle = throttle(Panics::Never, &Backend::memory().clock(clock.clone()));
    for round in 0..20_u64 {
        let mut tasks = JoinSet::new();
        for task in 0..64 {
            let (throttle, clock) = (throttle.clone(), clock.clone());
            tasks.spawn(async move {
                let mut spent = 0;
                for cost in [1, 2, 1, 1] {
                    clock.advance(Duration::from_micros(task));
                    let decision = throttle.hit(&Identity::from(round), cost).await.unwrap();
                    spent += if decision.admitted { cost } else { 0 };
                    tokio::task::yield_now().await;
                }
                spent
            });
        }
        assert_eq!(
            tasks.join_all().await.into_iter().sum::<u64>(),
            200,
            "round {round}"
        );
    }
}

#[test]
fn serializes_a_state_and_removes_it_when_it_has_expired() {
    let clock = ManualClock::new();
    let throttle = throttle(Panics::Never, &Backend::memory().clock(clock.clone()));
    let client = Identity::new("client");
    assert!(admits(&throttle, &client, 150));
    clock.advance(Duration::from_secs(1_800));
    assert!(admits(&throttle, &client, 50) && !admits(&throttle, &client, 1));
    let entries = |throttle: &DynThrottle| {
        let stat = poll_once(throttle.stat(&client)).unwrap();
        stat.metadata.downcast_ref::<Entries>().unwrap().at.len()
    };
    assert_eq!(entries(&throttle), 2);
    clock.advance(Duration::from_secs(1_800));
    assert_eq!(remaining(&throttle, &client), 150);
    clock.advance(Duration::from_secs(1_800));
    assert_eq!(
        (remaining(&throttle, &client), entries(&throttle)),
        (200, 0)
    );
}

/// A state that another type wrote under the same name counts as none (promise 7).
#[test]
fn treats_a_foreign_state_as_none() {
    /// The log in an older form, without times.
    #[derive(Debug)]
    struct Older;

    impl Strategy for Older {
        type State = (u64, String);
        type Metadata = ();

        fn name(&self) -> &'static str {
            "log"
        }

        fn decide(&self, state: Option<(u64, String)>, hit: &Hit<'_>) -> Option<(u64, String)> {
            Some((
                state.map_or(0, |state| state.0) + hit.cost,
                "older".to_owned(),
            ))
        }

        fn report(&self, _: Option<&(u64, String)>, hit: &Hit<'_>) -> Report {
            Report {
                reset: hit.rate.period(),
                ..Report::UNLIMITED
            }
        }

        fn metadata(&self, _: Option<&(u64, String)>, _: &Hit<'_>) {}
    }

    let backend = Backend::memory().clock(ManualClock::new());
    // Two programs that share a backend, since one process has only one of them.
    let older = || {
        let builder = DynThrottle::builder("log").rate(Rate::per_hour(200));
        let builder = builder.strategy(Older).backend(backend.clone());
        builder.build().unwrap()
    };
    let newer = || throttle(Panics::Never, &backend);
    let client = Identity::new("client");
    assert!(admits(&older(), &client, 7));
    assert_eq!(remaining(&newer(), &client), 200);
    assert!(admits(&newer(), &client, 200) && !admits(&newer(), &client, 1));
    assert!(admits(&older(), &client, 1));
}

/// Nothing is counted, nothing stays locked, and other clients are not affected.
#[test]
fn stays_usable_after_a_panic() {
    for panics in [Panics::Deciding, Panics::Reporting] {
        let backend = Backend::memory().clock(ManualClock::new());
        let throttle = throttle(panics, &backend);
        for client in (0..100_u64).map(Identity::from) {
            assert!(admits(&throttle, &client, 1));
            let panicked = catch_unwind(AssertUnwindSafe(|| admits(&throttle, &client, 13)));
            assert!(panicked.is_err(), "the strategy panics");
            assert_eq!(remaining(&throttle, &client), 199, "{panics:?}");
            assert!(admits(&throttle, &client, 199) && !admits(&throttle, &client, 1));
        }
    }
}

traffik::throttles! {
    throttle Window(rate = "200/h", identifier = everyone);
    throttle Panicking(rate = "300/h", identifier = everyone, strategy = custom(Log { panics: Panics::Deciding }));
    throttle Unreported(rate = "300/h", identifier = everyone, strategy = custom(Log { panics: Panics::Reporting }));
}

/// No other member of the set has counted.
#[test]
fn charges_no_member_of_a_set_after_a_panic() {
    fn after_a_panic<T: Throttle>(other: impl Fn(&Parts) -> u64) {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts
            .extensions
            .insert(Backend::memory().clock(ManualClock::new()));
        assert!(poll_once(T::hit(&parts)).unwrap().admitted);
        let panicked = catch_unwind(AssertUnwindSafe(|| poll_once(T::hit_cost(&parts, 13))));
        assert!(panicked.is_err(), "the strategy panics");
        assert_eq!(
            (
                poll_once(Window::stat(&parts)).unwrap().hits_remaining,
                other(&parts)
            ),
            (199, 299)
        );
        assert!(poll_once(T::hit_cost(&parts, 199)).unwrap().admitted);
    }
    let panicking = |parts: &Parts| poll_once(Panicking::stat(parts)).unwrap().hits_remaining;
    after_a_panic::<(Window, Panicking)>(panicking);
    after_a_panic::<(Panicking, Window)>(panicking);
    let unreported = |parts: &Parts| poll_once(Unreported::stat(parts)).unwrap().hits_remaining;
    after_a_panic::<(Window, Unreported)>(unreported);
    after_a_panic::<(Unreported, Window)>(unreported);
}
