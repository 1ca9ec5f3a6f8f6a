//! Windows with several rates: each period has a counter, which all forms of a throttle and all
//! processes share (L30).

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof, proptest};
use proptest::test_runner::TestCaseError;
use traffik::failure::raise;
use traffik::{Backend, DynThrottle, Identity, ManualClock, Rate, Reservation, registry};
use traffik_tests::{MemcachedServer, Proxy};

use super::{connect, settings, throttle};

fn client() -> Identity {
    Identity::new("user")
}

fn rates(rates: &[&str]) -> Vec<Rate> {
    rates.iter().map(|rate| rate.parse().unwrap()).collect()
}

fn listed(backend: &Backend, uid: &str, list: &[&str]) -> DynThrottle {
    let builder = DynThrottle::builder(uid).backend(backend.clone());
    let builder = rates(list)
        .into_iter()
        .fold(builder, traffik::DynThrottleBuilder::rate);
    builder.on_error(raise()).build().unwrap()
}

async fn left(throttle: &DynThrottle) -> Vec<u64> {
    let stat = throttle.stat(&client()).await.unwrap();
    stat.members.iter().map(|it| it.hits_remaining).collect()
}

/// One exchange reads all counts and another adds to all; a refusal only reads.
#[tokio::test]
async fn writes_nothing_for_a_refusal() {
    let server = MemcachedServer::start();
    let backend = connect(&server).await.local_refusals(Duration::ZERO);
    let throttle = listed(&backend, "list", &["10/hour", "100/day"]);
    throttle.hit(&client(), 1).await.unwrap();
    let before = server.command_count();
    for left in (0..9).rev() {
        let decision = throttle.hit(&client(), 1).await.unwrap();
        assert!(decision.admitted && decision.remaining == left);
    }
    assert_eq!(server.command_count() - before, 36);
    let written = || {
        let stats = server.stats();
        ["cmd_set", "incr_hits", "incr_misses", "decr_hits"].map(|it| stats[it])
    };
    let (before, stats) = (server.command_count(), written());
    for cost in [1, 5, 11, u64::MAX] {
        let decision = throttle.hit(&client(), cost).await.unwrap();
        assert!(!decision.admitted && decision.remaining == 0, "{cost}");
        assert_eq!(decision.wait.is_none(), cost > 10, "{cost}");
    }
    assert_eq!((server.command_count() - before, written()), (8, stats));
    assert_eq!(left(&throttle).await, [0, 90]);
}

/// Two processes share a throttle while only one of them has its new rates, as during a deployment.
#[tokio::test]
async fn counts_across_processes_with_old_and_new_rates() {
    let server = MemcachedServer::start();
    let namespace = || settings(server.url()).namespace("shared");
    let clock = ManualClock::new();
    let [before, after] = [namespace().connect().await, namespace().connect().await];
    let [before, after] = [before, after].map(|it| it.unwrap().clock(clock.clone()));
    let before = listed(&before, "deployed", &["10/hour"]);
    let after = listed(&after, "deployed", &["10/hour", "8/day"]);
    let hit = async |throttle: &DynThrottle| throttle.hit(&client(), 1).await.unwrap();
    for _ in 0..3 {
        assert!(hit(&before).await.admitted && hit(&after).await.admitted);
    }
    assert_eq!(left(&after).await, [4, 5]);
    assert!(hit(&before).await.admitted && hit(&before).await.admitted);
    for remaining in [1, 0] {
        assert_eq!(hit(&after).await.remaining, remaining);
    }
    assert!(!hit(&before).await.admitted && !hit(&after).await.admitted);
    // Another hour of the same day, of which the other process has counted five.
    clock.advance(Duration::from_secs(3_600));
    for _ in 0..3 {
        assert!(hit(&after).await.admitted);
    }
    assert!(!hit(&after).await.admitted);
    assert_eq!(hit(&before).await.remaining, 6);
}

/// A refund goes to the counters that the hit was added to, whichever rates are in force then.
#[tokio::test]
async fn refunds_only_the_counters_of_the_hit() {
    let server = MemcachedServer::start();
    let throttle = listed(&connect(&server).await, "refunded", &["10/hour"]);
    let set = |list: &[&str]| registry().set_rate("refunded", rates(list)).unwrap();
    let reserve = async |cost| throttle.reserve(&client(), cost).await.unwrap();
    let one = reserve(4).await;
    set(&["10/hour", "10/day"]);
    let both = reserve(3).await;
    assert_eq!(left(&throttle).await, [3, 7]);
    one.cancel().await.unwrap();
    assert_eq!(left(&throttle).await, [7, 7]);
    set(&["10/day"]);
    both.settle(1).await.unwrap();
    set(&["10/hour", "10/day"]);
    assert_eq!(left(&throttle).await, [9, 9]);
    // A rate that is no longer in force keeps what was counted under it.
    let both = reserve(5).await;
    set(&["20/minute"]);
    drop(both);
    set(&["10/hour", "10/day"]);
    while left(&throttle).await != [9, 9] {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Two rates of one period count once, and the smaller limit applies.
#[tokio::test]
async fn shares_a_counter_among_rates_of_one_period() {
    let server = MemcachedServer::start();
    let list = ["10/hour", "3/hour", "7/60minutes"];
    let throttle = listed(&connect(&server).await, "same period", &list);
    for remaining in [2, 1, 0] {
        let decision = throttle.hit(&client(), 1).await.unwrap();
        assert!(decision.admitted && decision.remaining == remaining);
    }
    assert!(!throttle.hit(&client(), 1).await.unwrap().admitted);
    assert_eq!(left(&throttle).await, [7, 0, 4]);
    assert_eq!(server.stats()["curr_items"], 1);
}

/// A hit that is cancelled, or that a slow server does not answer in time, leaves no counter of a
/// list increased.
#[tokio::test]
async fn leaves_counters_unchanged_after_a_timeout() {
    let server = MemcachedServer::start();
    let proxy = Proxy::start(server.port()).await;
    let address = proxy.address().to_string();
    let backend = settings(&*address).timeout(Duration::from_millis(60));
    let backend = backend.connect().await.unwrap();
    let throttle = listed(&backend, "slow", &["10/hour", "100/day"]);
    throttle.hit(&client(), 1).await.unwrap();
    // One exchange is in time, two are not.
    proxy.delay(Duration::from_millis(40));
    for _ in 0..10 {
        assert!(throttle.hit(&client(), 1).await.is_err());
    }
    proxy.forward();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(left(&throttle).await, [9, 99]);
}

/// The model: a count for each window of each period to which a hit was added.
#[derive(Default)]
struct Counts(BTreeMap<(u64, u64), u64>);

impl Counts {
    fn windows(now: u64, rates: &[Rate]) -> impl Iterator<Item = (u64, (u64, u64))> {
        rates.iter().map(move |rate| {
            let period = rate.period().as_micros() as u64;
            (rate.limit(), (period, now / period))
        })
    }

    fn remaining(&self, now: u64, rates: &[Rate]) -> u64 {
        let left = Self::windows(now, rates)
            .map(|(limit, at)| limit.saturating_sub(self.0.get(&at).copied().unwrap_or(0)));
        left.min().unwrap()
    }

    fn add(&mut self, now: u64, rates: &[Rate], cost: u64) {
        let windows: std::collections::BTreeSet<_> =
            Self::windows(now, rates).map(|(_, at)| at).collect();
        for at in windows {
            *self.0.entry(at).or_default() += cost;
        }
    }

    fn refund(&mut self, (then, now): (u64, u64), rates: &[Rate], cost: u64) {
        for (_, at) in Self::windows(then, rates) {
            if now / at.0 == at.1
                && let Some(count) = self.0.get_mut(&at)
            {
                *count -= cost;
            }
        }
    }
}

/// The action of a step, after its time has passed.
#[derive(Clone, Debug)]
enum Act {
    Hit(u64),
    Reserve(u64),
    /// A reservation, and how much of it was used.
    Settle(usize, u64),
    Set(usize),
}

fn acts() -> impl Strategy<Value = Vec<(u64, Act)>> {
    let act = prop_oneof![
        4 => (1_u64..6).prop_map(Act::Hit),
        2 => (1_u64..6).prop_map(Act::Reserve),
        2 => (0_usize..4, 0_u64..9).prop_map(|(which, used)| Act::Settle(which, used)),
        2 => (0_usize..FORMS.len()).prop_map(Act::Set),
    ];
    let gap = prop_oneof![3 => Just(0_u64), 2 => 1_u64..700_000, 1 => 1_u64..5_000_000];
    vec((gap, act), 1..50)
}

const FORMS: [&[&str]; 6] = [
    &["8/s"],
    &["8/s", "14/3s"],
    &["14/3s", "5/s"],
    &["20/5s"],
    &["20/5s", "8/s", "9/3s"],
    &["14/3s"],
];

/// A reservation, its time, its rates, and its cost.
struct Reserved(Reservation, u64, Vec<Rate>, u64);

async fn follows(throttle: &DynThrottle, clock: &ManualClock, acts: Vec<(u64, Act)>) {
    let (mut counts, mut open) = (Counts::default(), Vec::<Reserved>::new());
    let mut now = clock.now().as_micros() as u64;
    let mut form = rates(FORMS[0]);
    for (gap, act) in acts {
        now += gap;
        clock.advance(Duration::from_micros(gap));
        let remaining = counts.remaining(now, &form);
        match act {
            Act::Hit(cost) => {
                let decision = throttle.hit(&client(), cost).await.unwrap();
                assert_eq!(
                    decision.admitted,
                    cost <= remaining,
                    "{cost} of {remaining}"
                );
                if decision.admitted {
                    counts.add(now, &form, cost);
                }
            }
            Act::Reserve(cost) => {
                let reserved = throttle.reserve(&client(), cost).await.unwrap();
                assert_eq!(reserved.decision().admitted, cost <= remaining);
                if reserved.decision().admitted {
                    counts.add(now, &form, cost);
                    open.push(Reserved(reserved, now, form.clone(), cost));
                }
            }
            Act::Settle(which, used) if which < open.len() => {
                let Reserved(reserved, at, then, cost) = open.swap_remove(which);
                reserved.settle(used).await.unwrap();
                if used < cost {
                    counts.refund((at, now), &then, cost - used);
                } else {
                    counts.add(now, &form, used - cost);
                }
            }
            Act::Settle(..) => {}
            Act::Set(place) => {
                form = rates(FORMS[place]);
                registry().set_rate("forms", form.clone()).unwrap();
            }
        }
        let stat = throttle.stat(&client()).await.unwrap();
        assert_eq!(stat.hits_remaining, counts.remaining(now, &form), "{now}");
    }
    for Reserved(reserved, ..) in open {
        reserved.keep();
    }
}

/// Whatever forms a throttle takes in turn, each period counts the hits that were admitted while it
/// was in force.
#[test]
fn keeps_the_count_of_each_period_in_every_form() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = MemcachedServer::start();
    let config = ProptestConfig {
        cases: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(acts in acts())| {
        runtime.block_on(async {
            let clock = ManualClock::new();
            let backend = connect(&server).await.clock(clock.clone());
            let throttle = listed(&backend, "forms", FORMS[0]);
            follows(&throttle, &clock, acts).await;
        });
        Ok::<(), TestCaseError>(())?;
    });
}

/// A count saturates, however much is charged beyond the limit (L31).
#[tokio::test]
async fn saturates_counts() {
    const LARGEST: u64 = 1 << 53;
    let server = MemcachedServer::start();
    let throttle = throttle(&connect(&server).await, "9007199254740992/day");
    let mut reserved = Vec::new();
    for _ in 0..2_200 {
        reserved.push(throttle.reserve(&client(), 1).await.unwrap());
    }
    for (charged, reserved) in reserved.into_iter().enumerate() {
        reserved.settle(LARGEST).await.unwrap();
        let stat = throttle.stat(&client()).await.unwrap();
        assert!(charged == 0 || stat.hits_remaining == 0, "after {charged}");
    }
    assert!(!throttle.hit(&client(), 1).await.unwrap().admitted);
}

/// Neither does a count wrap after failed refunds, or after another program wrote the largest
/// number.
#[tokio::test]
async fn refuses_a_hit_on_the_largest_count() {
    let server = MemcachedServer::start();
    let throttle = throttle(&connect(&server).await, "100/day");
    throttle.hit(&client(), 1).await.unwrap();
    let dump = server.command("lru_crawler metadump all", "END");
    let key = dump.iter().find_map(|line| line.strip_prefix("key="));
    let key = key.and_then(|key| key.split(' ').next()).unwrap();
    let key = key.replace("%7B", "{").replace("%7D", "}");
    let key = key
        .replace("%3A", ":")
        .replace("%40", "@")
        .replace("%25", "%");
    for below in [0, 1, 5, 99] {
        let number = (u64::MAX - below).to_string();
        let set = format!("set {key} 0 0 {}\r\n{number}", number.len());
        server.command(&set, "STORED");
        for _ in 0..50 {
            let decision = throttle.hit(&client(), 10).await.unwrap();
            assert!(!decision.admitted && decision.remaining == 0, "{below}");
        }
    }
}
