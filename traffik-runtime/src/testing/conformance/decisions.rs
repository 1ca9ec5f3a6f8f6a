//! Checks of decisions: each strategy admits exactly its limit under many tasks.

use tokio::task::JoinSet;

use crate::backend::Backend;
use crate::clock::manual::ManualClock;
use crate::error::ErrorKind;
use crate::identity::Identity;
use crate::rate::Rate;
use crate::strategy::Strategy;
use crate::strategy::adaptive::Adaptive;
use crate::strategy::cost_based_token_bucket::CostBasedTokenBucket;
use crate::strategy::fixed_window::FixedWindow;
use crate::strategy::gcra::Gcra;
use crate::strategy::leaky_bucket::LeakyBucket;
use crate::strategy::leaky_bucket_with_queue::LeakyBucketWithQueue;
use crate::strategy::priority::Priority;
use crate::strategy::quota_with_rollover::QuotaWithRollover;
use crate::strategy::sliding_counter::SlidingCounter;
use crate::strategy::sliding_log::SlidingLog;
use crate::strategy::tiered::Tiered;
use crate::strategy::time_of_day::TimeOfDay;
use crate::strategy::token_bucket::TokenBucket;
use crate::testing::conformance::expect::done;
use crate::throttle::dynamic::DynThrottle;

const LIMIT: u32 = 30;
const TASKS: usize = 12;
const HITS: usize = 5;

/// Checks all strategies on a clock that stands still, so that no units come back.
pub(super) async fn check(backend: &Backend) {
    let backend = backend.clone().clock(ManualClock::new());
    // All hits but the first are early, by one emission interval each.
    let rate = Rate::per_hour(u64::from(LIMIT));
    let tolerance = rate.period() / LIMIT * (LIMIT - 1);
    let throttles = [
        throttle(&backend, FixedWindow::new()),
        throttle(
            &backend,
            Tiered::new().tier("free", 1.0).default_tier("free"),
        ),
        throttle(&backend, TimeOfDay::new().window("00:00-24:00", 1.0)),
        throttle(&backend, QuotaWithRollover::new().percent(0.0)),
        throttle(&backend, Adaptive::new().threshold(1.0)),
        throttle(&backend, SlidingCounter::new()),
        throttle(&backend, SlidingLog::new()),
        throttle(&backend, Priority::new().normal(1.0).high(1.0)),
        throttle(&backend, TokenBucket::new()),
        throttle(&backend, LeakyBucket::new()),
        throttle(&backend, LeakyBucketWithQueue::new()),
        throttle(&backend, CostBasedTokenBucket::new()),
        throttle(&backend, Gcra::new().burst_tolerance(tolerance)),
    ];
    for (name, throttle) in throttles {
        together(name, &throttle).await;
        refusals(name, &throttle).await;
    }
}

fn throttle(backend: &Backend, strategy: impl Strategy) -> (&'static str, DynThrottle) {
    let name = strategy.name();
    let builder = DynThrottle::builder(name).rate(Rate::per_hour(u64::from(LIMIT)));
    let throttle = builder.strategy(strategy).backend(backend.clone()).build();
    (name, done("a throttle", throttle))
}

async fn together(name: &str, throttle: &DynThrottle) {
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let throttle = throttle.clone();
        tasks.spawn(async move {
            let mut admitted = 0;
            for _ in 0..HITS {
                admitted += u32::from(admits(&throttle, &Identity::new("many"), 1).await);
            }
            admitted
        });
    }
    let admitted: u32 = tasks.join_all().await.into_iter().sum();
    assert_eq!(
        admitted, LIMIT,
        "`{name}` admitted {admitted} of many tasks, not {LIMIT}"
    );
    let stat = done("`stat`", throttle.stat(&Identity::new("many")).await);
    assert_eq!(stat.hits_remaining, 0, "`{name}` reports remaining units");
}

/// Checks that refusals count nothing, and that another client has a budget of its own.
async fn refusals(name: &str, throttle: &DynThrottle) {
    let client = Identity::new("other");
    let limit = u64::from(LIMIT);
    for cost in [0, limit + 1, u64::MAX] {
        assert_eq!(
            admits(throttle, &client, cost).await,
            cost == 0,
            "`{name}`: a cost of {cost}"
        );
    }
    let stat = done("`stat`", throttle.stat(&client).await);
    assert_eq!(
        stat.hits_remaining, limit,
        "`{name}`: a refusal was counted"
    );
    assert!(
        admits(throttle, &client, limit).await,
        "`{name}` does not admit all at once"
    );
    assert!(
        !admits(throttle, &client, 1).await,
        "`{name}` admits more than all"
    );
    assert!(
        !done("`check`", throttle.check(&client, 1).await),
        "`{name}`: `check` returns another result"
    );
}

/// Reports whether a hit is admitted. A hit that failed by contention was not counted and is
/// repeated.
async fn admits(throttle: &DynThrottle, client: &Identity, cost: u64) -> bool {
    loop {
        match throttle.hit(client, cost).await {
            Err(error) if error.kind() == ErrorKind::Contention => {}
            decision => return done("a decision", decision).admitted,
        }
    }
}

/// Checks that a client has one budget in each namespace, and that `clear` resets only those of its
/// own namespace.
pub(super) async fn check_apart(here: &Backend, there: &Backend) {
    let client = Identity::new("client");
    let clock = ManualClock::new();
    let [here, there] = [here, there].map(|backend| backend.clone().clock(clock.clone()));
    let budgets = |backend: &Backend| {
        [
            throttle(backend, FixedWindow::new()),
            throttle(backend, SlidingLog::new()),
        ]
    };
    for backend in [&here, &there] {
        for (name, throttle) in budgets(backend) {
            let whole = admits(&throttle, &client, LIMIT.into()).await;
            assert!(
                whole,
                "`{name}`: a client's budget was spent in another namespace"
            );
            let more = admits(&throttle, &client, 1).await;
            assert!(!more, "`{name}`: a budget was spent twice");
        }
    }
    let clear = here.clear().await;
    if matches!(&clear, Err(error) if error.kind() == ErrorKind::Unsupported) {
        return;
    }
    done("`clear`", clear);
    for (name, throttle) in budgets(&here) {
        let whole = admits(&throttle, &client, LIMIT.into()).await;
        assert!(whole, "`{name}`: `clear` left a state");
    }
    for (name, throttle) in budgets(&there) {
        let more = admits(&throttle, &client, 1).await;
        assert!(
            !more,
            "`{name}`: `clear` removed a state of another namespace"
        );
    }
}
