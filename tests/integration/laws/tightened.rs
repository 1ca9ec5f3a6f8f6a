//! A rate that is tightened: what was admitted before counts for as long as the new law lets it, if
//! a hit has seen the change in time, on every store (L30).

use std::time::Duration;

use traffik::strategy::{
    CostBasedTokenBucket, Gcra, Hit, LeakyBucket, LeakyBucketWithQueue, Priority, SlidingLog,
    Strategy, TokenBucket,
};
use traffik::{Backend, Decision, DynThrottle, Identity, ManualClock, Rate, Report, registry};
use traffik_tests::{ExpiringStore, MemcachedServer, RedisServer};

use crate::memcached::PATIENCE;

/// One client of a throttle whose rate is changed.
struct Ground {
    throttle: DynThrottle,
    uid: String,
    client: Identity,
    clock: ManualClock,
}

impl Ground {
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

    /// The wait that a refused hit is told.
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

/// Meters: all ten are spent at `10/s`, and leak at `10/h` from then on.
async fn meters_wait_as_long_as_they_were_told(backend: Backend) {
    meter(&backend, TokenBucket::new()).await;
    meter(&backend, LeakyBucket::new()).await;
    meter(&backend, LeakyBucketWithQueue::new()).await;
    meter(&backend, CostBasedTokenBucket::new().min_refill(1.0)).await;
    meter(&backend, Gcra::new()).await;
}

async fn meter(backend: &Backend, strategy: impl Strategy) {
    let ground = Ground::new(backend, &["10/s"], strategy);
    ground.takes(10).await;
    ground.set(&["10/h"]);
    let wait = ground.refused(10).await;
    assert_eq!(wait, Duration::from_secs(3_600), "{:?}", ground.throttle);
    ground.clock.advance(Duration::from_secs(2));
    assert_eq!(ground.refused(10).await, Duration::from_secs(3_598));
    ground
        .clock
        .advance(Duration::from_micros(3_598_000_000 - 1));
    assert_eq!(ground.refused(10).await, MICRO);
    ground.clock.advance(MICRO);
    ground.takes(10).await;
    assert!(!ground.hit(10).await.admitted);
}

async fn logs_count_for_the_longer_period(backend: Backend) {
    log(&backend, SlidingLog::new()).await;
    log(&backend, Priority::new().normal(1.0).high(1.0)).await;
}

async fn log(backend: &Backend, strategy: impl Strategy) {
    let ground = Ground::new(backend, &["4/7m"], strategy);
    ground.takes(4).await;
    ground.set(&["4/14m"]);
    assert_eq!(ground.refused(4).await, Duration::from_secs(840));
    ground.clock.advance(Duration::from_secs(420));
    assert_eq!(ground.refused(4).await, Duration::from_secs(420));
    ground.clock.advance(Duration::from_secs(420));
    ground.takes(4).await;
}

/// What ended before any hit saw the change is gone; `stat`, `check` and a cost of 0 have seen
/// nothing.
async fn an_ended_state_is_gone_if_no_hit_saw_the_change(backend: Backend) {
    for hits in [false, true] {
        let ground = Ground::new(&backend, &["10/s"], TokenBucket::new());
        ground.takes(10).await;
        ground.set(&["10/h"]);
        assert_eq!(ground.remaining().await, 0);
        assert!(!ground.throttle.check(&ground.client, 1).await.unwrap());
        ground.takes(0).await;
        if hits {
            ground.refused(1).await;
        }
        ground.clock.advance(Duration::from_secs(1));
        assert_eq!(ground.remaining().await, if hits { 0 } else { 10 });
        assert_eq!(ground.hit(10).await.admitted, !hits);
    }
}

/// A refusal writes nothing else: the state goes on from its own rate when that comes back.
async fn a_refusal_leaves_the_state_of_the_old_rate(backend: Backend) {
    let ground = Ground::new(&backend, &["10/s"], TokenBucket::new());
    ground.takes(10).await;
    ground.set(&["10/h"]);
    ground.refused(1).await;
    ground.clock.advance(Duration::from_millis(500));
    ground.refused(1).await;
    ground.set(&["10/s"]);
    assert_eq!(ground.remaining().await, 5);
    ground.takes(5).await;
    ground.refused(1).await;
}

/// A third rate that needs the state for less time does not shorten its life.
async fn a_life_is_never_shortened_by_a_refusal(backend: Backend) {
    let ground = Ground::new(&backend, &["10/s"], TokenBucket::new());
    ground.takes(10).await;
    ground.set(&["10/h"]);
    ground.refused(1).await;
    ground.set(&["10/m"]);
    ground.refused(1).await;
    ground.clock.advance(Duration::from_secs(90));
    ground.set(&["10/h"]);
    assert_eq!(ground.refused(10).await, Duration::from_secs(3_510));
}

async fn members_of_lists_live_as_long_as_each_is_needed(backend: Backend) {
    // By the day nothing is left; by the second all is back soon, unless it is by the hour.
    let ground = Ground::new(&backend, &["10/s", "20/d"], TokenBucket::new());
    ground.takes(10).await;
    ground.set(&["10/h", "20/d"]);
    ground.refused(5).await;
    ground.clock.advance(Duration::from_secs(2));
    assert_eq!(ground.refused(10).await, Duration::from_secs(3_598));
    // One of them goes on alone.
    ground.set(&["10/h"]);
    assert_eq!(ground.refused(10).await, Duration::from_secs(3_598));
    ground.clock.advance(Duration::from_secs(3_598));
    ground.takes(10).await;
    let ground = Ground::new(&backend, &["4/7m", "9/d"], SlidingLog::new());
    ground.takes(4).await;
    ground.set(&["4/14m", "9/d"]);
    ground.refused(1).await;
    ground.clock.advance(Duration::from_secs(420));
    ground.refused(1).await;
}

/// A state that a refusal has lengthened is settled like any other, and stays lengthened.
async fn a_refund_does_not_shorten_a_life(backend: Backend) {
    for strategy in [0, 1] {
        let ground = match strategy {
            0 => Ground::new(&backend, &["10/7m"], SlidingLog::new()),
            _ => Ground::new(&backend, &["10/7m"], TokenBucket::new()),
        };
        let reserved = ground.throttle.reserve(&ground.client, 10).await.unwrap();
        ground.set(&["10/14h"]);
        ground.refused(1).await;
        reserved.settle(9).await.unwrap();
        ground.clock.advance(Duration::from_secs(420));
        ground.refused(10).await;
    }
}

/// Spends a level that leaks by the rate's limit; a strategy of the user's own.
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

async fn custom_strategies_are_kept_as_long(backend: Backend) {
    let ground = Ground::new(&backend, &["10/s"], Own);
    ground.takes(10).await;
    ground.set(&["10/h"]);
    ground.refused(1).await;
    ground.clock.advance(Duration::from_secs(5));
    ground.refused(1).await;
    ground.clock.advance(Duration::from_secs(3_595));
    ground.takes(10).await;
}

/// A test on every store for each of these.
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
    meters_wait_as_long_as_they_were_told
    logs_count_for_the_longer_period
    an_ended_state_is_gone_if_no_hit_saw_the_change
    a_refusal_leaves_the_state_of_the_old_rate
    a_life_is_never_shortened_by_a_refusal
    members_of_lists_live_as_long_as_each_is_needed
    a_refund_does_not_shorten_a_life
    custom_strategies_are_kept_as_long
}
