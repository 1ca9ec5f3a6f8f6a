//! A rate that is tightened: earlier hits count as long as the new law demands, if a hit has read
//! the state under the new rate in time, on every store (L30).

use std::time::Duration;

use traffik::strategy::{
    CostBasedTokenBucket, Gcra, Hit, LeakyBucket, LeakyBucketWithQueue, Priority, SlidingLog,
    Strategy, TokenBucket,
};
use traffik::{Backend, Decision, DynThrottle, Identity, ManualClock, Rate, Report, registry};
use traffik_tests::{ExpiringStore, MemcachedServer, RedisServer};

use crate::memcached::PATIENCE;

/// One client of a throttle whose rate changes.
struct Setup {
    throttle: DynThrottle,
    uid: String,
    client: Identity,
    clock: ManualClock,
}

impl Setup {
    fn new(backend: &Backend, rates: &[&str], strategy: impl Strategy) -> Self {
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (clock, uid) = (ManualClock::new(), format!("tightened {next}"));
        let throttle = DynThrottle::builder(&uid).strategy(strategy);
        let throttle = throttle.backend(backend.clone().clock(clock.clone()));
        let throttle = parsed(rates)
            .into_iter()
            .fold(throttle, traffik::DynThrottleBuilder::rate);
        Self {
            throttle: throttle.build().unwrap(),
            uid,
            client: Identity::new("client"),
            clock,
        }
    }

    fn set(&self, rates: &[&str]) {
        registry().set_rate(&self.uid, parsed(rates)).unwrap();
    }

    async fn hit(&self, cost: u64) -> Decision {
        self.throttle.hit(&self.client, cost).await.unwrap()
    }

    async fn takes(&self, cost: u64) {
        assert!(self.hit(cost).await.admitted, "{:?}", self.throttle);
    }

    /// Returns the wait of a refused hit.
    async fn refused(&self, cost: u64) -> Duration {
        let decision = self.hit(cost).await;
        assert!(!decision.admitted, "{:?}", self.throttle);
        decision.wait.unwrap()
    }

    async fn remaining(&self) -> u64 {
        let stat = self.throttle.stat(&self.client).await.unwrap();
        stat.hits_remaining
    }
}

fn parsed(rates: &[&str]) -> Vec<Rate> {
    rates.iter().map(|rate| rate.parse().unwrap()).collect()
}

const MICRO: Duration = Duration::from_micros(1);

/// All ten units are spent at `10/s`, and leak at `10/h` from then on.
async fn keeps_the_waits_of_meters(backend: Backend) {
    meter(&backend, TokenBucket::new()).await;
    meter(&backend, LeakyBucket::new()).await;
    meter(&backend, LeakyBucketWithQueue::new()).await;
    meter(&backend, CostBasedTokenBucket::new().min_refill(1.0)).await;
    meter(&backend, Gcra::new()).await;
}

async fn meter(backend: &Backend, strategy: impl Strategy) {
    let setup = Setup::new(backend, &["10/s"], strategy);
    setup.takes(10).await;
    setup.set(&["10/h"]);
    let wait = setup.refused(10).await;
    assert_eq!(wait, Duration::from_secs(3_600), "{:?}", setup.throttle);
    setup.clock.advance(Duration::from_secs(2));
    assert_eq!(setup.refused(10).await, Duration::from_secs(3_598));
    setup
        .clock
        .advance(Duration::from_micros(3_598_000_000 - 1));
    assert_eq!(setup.refused(10).await, MICRO);
    setup.clock.advance(MICRO);
    setup.takes(10).await;
    assert!(!setup.hit(10).await.admitted);
}

async fn keeps_entries_of_logs_for_the_longer_period(backend: Backend) {
    log(&backend, SlidingLog::new()).await;
    log(&backend, Priority::new().normal(1.0).high(1.0)).await;
}

async fn log(backend: &Backend, strategy: impl Strategy) {
    let setup = Setup::new(backend, &["4/7m"], strategy);
    setup.takes(4).await;
    setup.set(&["4/14m"]);
    assert_eq!(setup.refused(4).await, Duration::from_secs(840));
    setup.clock.advance(Duration::from_secs(420));
    assert_eq!(setup.refused(4).await, Duration::from_secs(420));
    setup.clock.advance(Duration::from_secs(420));
    setup.takes(4).await;
}

/// A state that expired before any hit under the new rate is gone; `stat`, `check` and a cost of 0
/// do not extend it.
async fn removes_an_expired_state_without_a_hit_under_the_new_rate(backend: Backend) {
    for hits in [false, true] {
        let setup = Setup::new(&backend, &["10/s"], TokenBucket::new());
        setup.takes(10).await;
        setup.set(&["10/h"]);
        assert_eq!(setup.remaining().await, 0);
        assert!(!setup.throttle.check(&setup.client, 1).await.unwrap());
        setup.takes(0).await;
        if hits {
            setup.refused(1).await;
        }
        setup.clock.advance(Duration::from_secs(1));
        assert_eq!(setup.remaining().await, if hits { 0 } else { 10 });
        assert_eq!(setup.hit(10).await.admitted, !hits);
    }
}

/// A refusal writes nothing else: the state continues at its own rate when that is restored.
async fn keeps_the_state_of_the_old_rate_after_a_refusal(backend: Backend) {
    let setup = Setup::new(&backend, &["10/s"], TokenBucket::new());
    setup.takes(10).await;
    setup.set(&["10/h"]);
    setup.refused(1).await;
    setup.clock.advance(Duration::from_millis(500));
    setup.refused(1).await;
    setup.set(&["10/s"]);
    assert_eq!(setup.remaining().await, 5);
    setup.takes(5).await;
    setup.refused(1).await;
}

/// A third rate that needs the state for less time does not shorten its life.
async fn never_shortens_a_life_by_a_refusal(backend: Backend) {
    let setup = Setup::new(&backend, &["10/s"], TokenBucket::new());
    setup.takes(10).await;
    setup.set(&["10/h"]);
    setup.refused(1).await;
    setup.set(&["10/m"]);
    setup.refused(1).await;
    setup.clock.advance(Duration::from_secs(90));
    setup.set(&["10/h"]);
    assert_eq!(setup.refused(10).await, Duration::from_secs(3_510));
}

async fn keeps_each_member_of_a_list_as_long_as_needed(backend: Backend) {
    // Under the daily rate nothing remains; under the rate per second all is refilled soon, unless
    // it becomes hourly.
    let setup = Setup::new(&backend, &["10/s", "20/d"], TokenBucket::new());
    setup.takes(10).await;
    setup.set(&["10/h", "20/d"]);
    setup.refused(5).await;
    setup.clock.advance(Duration::from_secs(2));
    assert_eq!(setup.refused(10).await, Duration::from_secs(3_598));
    // One of them continues as the only rate.
    setup.set(&["10/h"]);
    assert_eq!(setup.refused(10).await, Duration::from_secs(3_598));
    setup.clock.advance(Duration::from_secs(3_598));
    setup.takes(10).await;
    let setup = Setup::new(&backend, &["4/7m", "9/d"], SlidingLog::new());
    setup.takes(4).await;
    setup.set(&["4/14m", "9/d"]);
    setup.refused(1).await;
    setup.clock.advance(Duration::from_secs(420));
    setup.refused(1).await;
}

/// A state whose life a refusal has extended is settled like any other, and its life stays
/// extended.
async fn does_not_shorten_a_life_by_a_refund(backend: Backend) {
    for strategy in [0, 1] {
        let setup = match strategy {
            0 => Setup::new(&backend, &["10/7m"], SlidingLog::new()),
            _ => Setup::new(&backend, &["10/7m"], TokenBucket::new()),
        };
        let reserved = setup.throttle.reserve(&setup.client, 10).await.unwrap();
        setup.set(&["10/14h"]);
        setup.refused(1).await;
        reserved.settle(9).await.unwrap();
        setup.clock.advance(Duration::from_secs(420));
        setup.refused(10).await;
    }
}

/// A custom strategy: a level that leaks by the rate's limit.
#[derive(Debug)]
struct Own;

impl Own {
    fn level(state: Option<&(u64, u64)>, hit: &Hit<'_>) -> u64 {
        let Some((last, level)) = state else { return 0 };
        let each = hit.rate.period_micros() / hit.rate.limit();
        level.saturating_sub((hit.now - last) / each)
    }
}

impl Strategy for Own {
    type State = (u64, u64);
    type Metadata = ();

    fn name(&self) -> &'static str {
        "own"
    }

    fn decide(&self, state: Option<(u64, u64)>, hit: &Hit<'_>) -> Option<(u64, u64)> {
        let level = Self::level(state.as_ref(), hit) + hit.cost;
        (level <= hit.rate.limit()).then_some((hit.now, level))
    }

    fn report(&self, state: Option<&(u64, u64)>, hit: &Hit<'_>) -> Report {
        let level = Self::level(state, hit);
        let limit = hit.rate.limit();
        let each = Duration::from_micros(hit.rate.period_micros() / hit.rate.limit());
        let due = state.map_or(0, |(last, _)| {
            let full = each * u32::try_from(state.unwrap().1).unwrap();
            last + full.as_micros() as u64
        });
        let over = (level + hit.cost).saturating_sub(limit);
        Report {
            limit,
            remaining: limit - level.min(limit),
            wait: Some(each * u32::try_from(over).unwrap()),
            reset: Duration::from_micros(due.saturating_sub(hit.now)),
            ..Report::default()
        }
    }

    fn metadata(&self, _: Option<&(u64, u64)>, _: &Hit<'_>) {}
}

async fn keeps_states_of_custom_strategies(backend: Backend) {
    let setup = Setup::new(&backend, &["10/s"], Own);
    setup.takes(10).await;
    setup.set(&["10/h"]);
    setup.refused(1).await;
    setup.clock.advance(Duration::from_secs(5));
    setup.refused(1).await;
    setup.clock.advance(Duration::from_secs(3_595));
    setup.takes(10).await;
}

/// Defines a test of each function on every store.
macro_rules! on_every_store {
    ($($name:ident)+) => {
        mod memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Backend::memory()).await;
            })+
        }

        mod custom_store {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Backend::custom(super::ExpiringStore::default())).await;
            })+
        }

        mod redis {
            $(#[tokio::test]
            async fn $name() {
                let server = super::RedisServer::start();
                let backend = super::Backend::redis(server.url()).timeout(super::PATIENCE);
                super::$name(backend.connect().await.unwrap()).await;
            })+
        }

        mod memcached {
            $(#[tokio::test]
            async fn $name() {
                let server = super::MemcachedServer::start();
                let backend = super::Backend::memcached(server.url()).timeout(super::PATIENCE);
                super::$name(backend.connect().await.unwrap()).await;
            })+
        }
    };
}

on_every_store! {
    keeps_the_waits_of_meters
    keeps_entries_of_logs_for_the_longer_period
    removes_an_expired_state_without_a_hit_under_the_new_rate
    keeps_the_state_of_the_old_rate_after_a_refusal
    never_shortens_a_life_by_a_refusal
    keeps_each_member_of_a_list_as_long_as_needed
    does_not_shorten_a_life_by_a_refund
    keeps_states_of_custom_strategies
}
