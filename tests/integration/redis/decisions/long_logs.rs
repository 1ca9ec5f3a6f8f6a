//! Logs of many entries stay in their keys: a hit writes its own entry only, and answers are those
//! of logs in memory.

use std::time::Duration;

use traffik::strategy::{Priority, SlidingLog, Strategy};
use traffik::{Backend, Decision, DynThrottle, ErrorKind, Identity, ManualClock, Throttle};
use traffik_tests::RedisServer;

use super::{admits, connect};

/// The calls of a command and the bytes that a server has received.
fn statistics(server: &RedisServer) -> (u64, u64, u64) {
    let info: String = server.command(&["INFO", "stats"]);
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("total_net_output_bytes:"));
    let sent = line.expect("a line of the statistics").parse();
    (
        server.calls("set"),
        server.calls("getrange") + server.calls("setrange") + server.calls("strlen"),
        sent.expect("a number"),
    )
}

fn build(backend: &Backend, strategy: impl Strategy, rate: &str) -> DynThrottle {
    let uid = format!("{} {rate}", strategy.name());
    let throttle = DynThrottle::builder(uid).strategy(strategy);
    let throttle = throttle.rate(rate.parse().unwrap());
    throttle.backend(backend.clone()).build().unwrap()
}

/// Returns a backend on a server that decides every hit there, at the time of a clock.
async fn remote(server: &RedisServer, clock: &ManualClock) -> Backend {
    let backend = connect(server).await.clock(clock.clone());
    backend.local_refusals(Duration::ZERO)
}

fn only_key(server: &RedisServer) -> String {
    let [key]: [String; 1] = server.command(&["KEYS", "*"]);
    key
}

fn value(server: &RedisServer) -> Vec<u8> {
    let mut connection = connection(server);
    redis::cmd("GET")
        .arg(only_key(server))
        .query(&mut connection)
        .unwrap()
}

fn set_value(server: &RedisServer, key: &str, value: &[u8]) {
    let mut set = redis::cmd("SET");
    set.arg(key).arg(value).arg("EX").arg(100);
    set.exec(&mut connection(server)).unwrap();
}

fn connection(server: &RedisServer) -> redis::Connection {
    let client = redis::Client::open(server.url()).unwrap();
    client.get_connection().unwrap()
}

/// Numbers that look random, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

traffik::throttles! {
    defaults(identifier = everyone);

    throttle Long(rate = "3000/h", strategy = sliding_log);
    throttle Even(rate = "9000/h", strategy = priority(normal = 1.0, high = 1.0));
    throttle Window(rate = "2000/h");
}

/// Sets of logs and others write no log either, admitted or refused.
#[tokio::test]
async fn writes_only_its_entry_at_a_hit_of_a_set() {
    let server = RedisServer::start();
    let clock = ManualClock::new();
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.extensions.insert(remote(&server, &clock).await);
    let hit = async || {
        clock.advance(Duration::from_millis(1));
        let decision = <(Long, Window, Even)>::hit(&parts).await.unwrap();
        (decision.admitted, decision.remaining)
    };
    for remaining in (10..2_000).rev() {
        assert_eq!(hit().await, (true, remaining));
    }
    let before = statistics(&server);
    for remaining in (0..10).rev() {
        assert_eq!(hit().await, (true, remaining));
    }
    for _ in 0..10 {
        assert_eq!(hit().await, (false, 0));
    }
    let after = statistics(&server);
    // The state of the window is written at each admitted hit.
    assert_eq!(after.0 - before.0, 10);
    assert!(after.2 - before.2 < 30_000, "{} bytes", after.2 - before.2);
}

#[tokio::test]
async fn writes_only_its_entry_at_a_hit() {
    let server = RedisServer::start();
    let clock = ManualClock::new();
    let backend = remote(&server, &clock).await;
    let log = build(&backend, SlidingLog::new(), "10000/h");
    let client = Identity::new("client");
    for _ in 0..9_990 {
        assert!(admits(&log, &client, 1).await);
        clock.advance(Duration::from_millis(360));
    }
    let (sets, ranges, sent) = statistics(&server);
    for hit in 0..20 {
        assert_eq!(admits(&log, &client, 1).await, hit < 10);
        clock.advance(Duration::from_micros(1));
    }
    let after = statistics(&server);
    assert_eq!(after.0, sets, "no log is written whole");
    assert!(after.1 - ranges <= 20 * 6, "{} commands", after.1 - ranges);
    // The statistics are some kilobytes.
    assert!(after.2 - sent < 30_000, "{} bytes", after.2 - sent);
    assert_eq!(value(&server).len(), 43 + 16 * 10_000);
}

/// Hits in bursts, of several costs, on a clock that also steps back.
async fn assert_agrees(strategy: impl Strategy + Clone, rate: &str, hits: u32, seed: u64) {
    let server = RedisServer::start();
    let clock = ManualClock::new();
    let memory = Backend::memory().clock(clock.clone());
    let remote = remote(&server, &clock).await;
    let here = build(&memory, strategy.clone(), rate);
    let there = build(&remote, strategy, rate);
    let limit = here
        .stat(&Identity::new("nobody"))
        .await
        .unwrap()
        .hits_remaining;
    let client = Identity::new("client");
    let mut numbers = Numbers(seed);
    let mut largest = 0;
    for hit in 0..hits {
        let pause = match numbers.below(1_000) {
            0 => 10_000_000,
            1..5 => numbers.below(4_000_000),
            5..400 => 0,
            _ => numbers.below(20_000_000 / limit),
        };
        clock.advance(Duration::from_micros(pause));
        let cost = match numbers.below(50) {
            0 => numbers.below(limit + 2),
            1..5 => numbers.below(5),
            _ => 1,
        };
        let answers = |decision: &Decision| {
            let Decision {
                admitted,
                limit,
                remaining,
                wait,
                next,
                reset,
                ..
            } = *decision;
            (admitted, limit, remaining, wait, next, reset)
        };
        let expected = here.hit(&client, cost).await.unwrap();
        let decision = there.hit(&client, cost).await.unwrap();
        assert_eq!(
            answers(&decision),
            answers(&expected),
            "hit {hit} of {cost}"
        );
        if numbers.below(100) == 0 {
            // A part of a reservation comes back from the middle of the log.
            let reserved = [&here, &there].map(|log| log.reserve(&client, 3));
            let [mine, theirs] = reserved;
            let (mine, theirs) = (mine.await.unwrap(), theirs.await.unwrap());
            clock.advance(Duration::from_micros(1));
            admits(&here, &client, 1).await;
            admits(&there, &client, 1).await;
            mine.settle(1).await.unwrap();
            theirs.settle(1).await.unwrap();
        }
        if hit % 200 == 0 {
            let live = here.stat(&client).await.unwrap();
            assert_eq!(
                serde_json::to_value(&live).unwrap(),
                serde_json::to_value(there.stat(&client).await.unwrap()).unwrap()
            );
            largest = largest.max(value(&server).len());
        }
    }
    // Never more than half of the entries that count have expired, and those of some hits.
    let live = 16 * usize::try_from(limit).unwrap();
    assert!(largest < 43 + live * 3 / 2 + 500, "{largest} bytes");
    let usage: usize = server.command(&["MEMORY", "USAGE", &only_key(&server)]);
    assert!(usage < 500 + 3 * live, "{usage} bytes of memory");
}

#[tokio::test]
async fn agrees_with_memory_on_many_hits() {
    assert_agrees(SlidingLog::new(), "300/10s", 6_000, 1).await;
    assert_agrees(SlidingLog::new(), "60/10s", 2_000, 2).await;
    let even = Priority::new().normal(1.0).high(1.0);
    assert_agrees(even, "1000/10s", 6_000, 3).await;
}

/// A value of another type, or one that no log has written, is no state (promise 7).
#[tokio::test]
async fn replaces_what_is_no_log() {
    let server = RedisServer::start();
    let clock = ManualClock::new();
    let backend = remote(&server, &clock).await;
    let log = build(&backend, SlidingLog::new(), "100/h");
    let client = Identity::new("client");
    for _ in 0..100 {
        assert!(admits(&log, &client, 1).await);
        clock.advance(Duration::from_millis(1));
    }
    let (key, whole) = (only_key(&server), value(&server));
    assert_eq!(whole.len(), 43 + 1_600);
    let with = |place: usize, bytes: &[u8]| {
        let mut changed = whole.clone();
        changed[place..place + bytes.len()].copy_from_slice(bytes);
        changed
    };
    let newest = whole.len() - 16;
    let values = [
        whole[..whole.len() - 1].to_vec(),
        [&whole[..], &[0; 8]].concat(),
        vec![0xff; whole.len()],
        b"hello ".repeat(300),
        with(0, &[3]),
        with(19, &f64::NAN.to_be_bytes()),
        with(19, &101_f64.to_be_bytes()),
        with(19, &0.5_f64.to_be_bytes()),
        with(27, &1e300_f64.to_be_bytes()),
        with(newest, &f64::NAN.to_be_bytes()),
        with(newest, &(-1_f64).to_be_bytes()),
        with(newest + 8, &0_f64.to_be_bytes()),
        with(newest + 8, &0.5_f64.to_be_bytes()),
    ];
    for value in values {
        set_value(&server, &key, &value);
        assert!(admits(&log, &client, 100).await, "{value:?}");
        assert!(!admits(&log, &client, 1).await, "{value:?}");
        set_value(&server, &key, &value);
        assert!(!admits(&log, &client, 101).await, "{value:?}");
    }
    for command in [
        &["RPUSH", &key, "a", "b"][..],
        &["HSET", &key, "a", "b"],
        &["ZADD", &key, "1", "b"],
        &["XADD", &key, "*", "a", "b"],
    ] {
        let _: u64 = server.command(&["DEL", &key]);
        let _: redis::Value = server.command(command);
        assert!(admits(&log, &client, 100).await, "{command:?}");
        assert!(!admits(&log, &client, 1).await, "{command:?}");
    }
    set_value(&server, &key, &whole);
    assert!(!admits(&log, &client, 1).await, "the log itself is one");
}

/// A longer period counts no entry again that a hit has found expired.
#[tokio::test]
async fn counts_no_expired_entry_again_under_a_longer_period() {
    let server = RedisServer::start();
    let clock = ManualClock::new();
    let backend = remote(&server, &clock).await;
    let client = Identity::new("client");
    let throttle = |rate: &str| {
        let throttle = DynThrottle::builder("changed").strategy(SlidingLog::new());
        let throttle = throttle.rate(rate.parse().unwrap());
        throttle.backend(backend.clone()).build().unwrap()
    };
    let short = throttle("100/10s");
    for _ in 0..104 {
        assert!(admits(&short, &client, 1).await);
        clock.advance(Duration::from_millis(101));
    }
    drop(short);
    let stat = throttle("200/100s").stat(&client).await.unwrap();
    assert_eq!(stat.hits_remaining, 200 - 100);
}

/// The log of one rate may be longer than those that are written whole.
#[tokio::test]
async fn accepts_larger_limits_under_one_rate() {
    let server = RedisServer::start();
    let backend = connect(&server).await;
    let client = Identity::new("client");
    let large = build(&backend, SlidingLog::new(), "262144/day");
    assert!(admits(&large, &client, 262_144).await);
    assert!(!admits(&large, &client, 1).await);
    let list = DynThrottle::builder("list").strategy(SlidingLog::new());
    let list = list.rate("60000/h".parse().unwrap());
    let list = list.rate("100000/day".parse().unwrap());
    let list = list.backend(backend.clone()).build().unwrap();
    for log in [list, build(&backend, SlidingLog::new(), "262145/day")] {
        let error = log.hit(&client, 1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
    }
}
