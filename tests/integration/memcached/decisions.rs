//! Decisions on Memcached beyond the equivalence with the oracle: exchanges per decision, real
//! time, and unusual clients.

use std::time::{Duration, SystemTime};

use tokio::task::JoinSet;
use traffik::strategy::{SlidingCounter, SlidingLog, Strategy, TokenBucket};
use traffik::{Backend, DynThrottle, ErrorKind, Identity, ManualClock, Throttle as _};
use traffik_tests::{MemcachedServer, head};

use super::{connect, settings, throttle};

fn throttle_with(backend: &Backend, rate: &str, strategy: impl Strategy) -> DynThrottle {
    let uid = format!("{rate} {}", strategy.name());
    let builder = DynThrottle::builder(uid).rate(rate.parse().unwrap());
    let builder = builder.strategy(strategy).backend(backend.clone());
    builder.build().unwrap()
}

/// Returns the keys of a server. While the server moves a key between its lists, a dump can miss
/// it.
fn keys(server: &MemcachedServer) -> Vec<String> {
    for _ in 0..10_000 {
        let keys = dumped(server);
        if keys.len() as u64 == server.stats()["curr_items"] {
            return keys;
        }
    }
    panic!("no dump lists all keys");
}

fn dumped(server: &MemcachedServer) -> Vec<String> {
    let lines = server.command("lru_crawler metadump all", "END");
    let keys = lines
        .iter()
        .filter_map(|line| line.strip_prefix("key=")?.split(' ').next());
    // The dump encodes keys once more.
    keys.map(|key| {
        key.replace("%25", "%")
            .replace("%7B", "{")
            .replace("%7D", "}")
            .replace("%3A", ":")
            .replace("%40", "@")
    })
    .collect()
}

#[tokio::test]
async fn refuses_costs_that_overflow_the_largest_count() {
    let server = MemcachedServer::start();
    let throttle = throttle(&connect(&server).await, "6000000000000000/day");
    let client = Identity::new("user");
    let cost = 5_000_000_000_000_000;
    assert!(throttle.hit(&client, cost).await.unwrap().admitted);
    let decision = throttle.hit(&client, cost).await.unwrap();
    assert_eq!(
        (decision.admitted, decision.remaining),
        (false, 1_000_000_000_000_000)
    );
    assert!(
        throttle
            .hit(&client, 1_000_000_000_000_000)
            .await
            .unwrap()
            .admitted
    );
}

#[tokio::test]
async fn decides_a_window_in_one_exchange() {
    let server = MemcachedServer::start();
    let backend = connect(&server).await.local_refusals(Duration::ZERO);
    let throttle = throttle(&backend, "100/day");
    let client = Identity::new("user");
    throttle.hit(&client, 1).await.unwrap();
    let (before, written) = (server.command_count(), server.stats()["cmd_set"]);
    for left in (0..99).rev() {
        let decision = throttle.hit(&client, 1).await.unwrap();
        assert!(
            decision.admitted && decision.remaining == left,
            "{decision:?}"
        );
    }
    assert_eq!(server.command_count() - before, 99);
    // A refusal is taken back.
    let decision = throttle.hit(&client, 1).await.unwrap();
    assert!(!decision.admitted && decision.remaining == 0);
    assert_eq!(server.command_count() - before, 101);
    // A cost that no window can admit is only read.
    for cost in [101, u64::MAX] {
        let decision = throttle.hit(&client, cost).await.unwrap();
        assert!(!decision.admitted && decision.wait.is_none());
    }
    assert_eq!(server.command_count() - before, 103);
    assert_eq!(server.stats()["cmd_set"], written);
    assert_eq!(keys(&server).len(), 1);
}

/// Other laws read the state and swap it.
#[tokio::test]
async fn decides_other_laws_in_two_exchanges() {
    let server = MemcachedServer::start();
    let backend = connect(&server).await;
    let throttle = throttle_with(&backend, "50/day", TokenBucket::new());
    let client = Identity::new("user");
    let before = server.command_count();
    for _ in 0..50 {
        assert!(throttle.hit(&client, 1).await.unwrap().admitted);
    }
    assert_eq!(server.command_count() - before, 100);
    assert!(!throttle.hit(&client, 2).await.unwrap().admitted);
    assert_eq!(server.command_count() - before, 101);
}

/// Times to live over 30 days are dates.
#[tokio::test]
async fn limits_periods_over_30_days() {
    let server = MemcachedServer::start();
    let backend = connect(&server).await;
    let mut throttles = Vec::new();
    for rate in ["5/31days", "5/90days", "5/16days", "5/3650days"] {
        throttles.push(throttle(&backend, rate));
        throttles.push(throttle_with(&backend, rate, SlidingCounter::new()));
        throttles.push(throttle_with(&backend, rate, SlidingLog::new()));
        throttles.push(throttle_with(&backend, rate, TokenBucket::new()));
    }
    let client = |place: usize| Identity::new(format!("user {place}"));
    for (place, throttle) in throttles.iter().enumerate() {
        for _ in 0..5 {
            assert!(throttle.hit(&client(place), 1).await.unwrap().admitted);
        }
    }
    // If it had been taken for a date in 1970, the count would be gone. The clock of the server,
    // which counts seconds, has to show a later one.
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    for (place, throttle) in throttles.iter().enumerate() {
        let decision = throttle.hit(&client(place), 1).await.unwrap();
        assert!(!decision.admitted, "{place}");
    }
    assert_eq!(keys(&server).len(), throttles.len());
}

/// The server counts times to live in its own seconds; windows do not.
#[tokio::test]
async fn limits_windows_of_a_second_exactly() {
    let server = MemcachedServer::start();
    let backend = connect(&server).await;
    let throttle = throttle(&backend, "5/second");
    let client = Identity::new("user");
    let since = || SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let first = since().as_secs() + 1;
    tokio::time::sleep(Duration::from_secs(first).saturating_sub(since())).await;
    let mut admitted = 0;
    while since() < Duration::from_millis(first * 1_000 + 3_900) {
        if throttle.hit(&client, 1).await.unwrap().admitted {
            admitted += 1;
        }
        // Paces the hits; the windows are those of the system's clock.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(admitted, 20);
}

#[tokio::test]
async fn distinguishes_clients_of_any_bytes() {
    let server = MemcachedServer::start();
    let backend = connect(&server).await;
    let clients = [
        "a b".to_owned(),
        "a%20b".to_owned(),
        "a\r\nb".to_owned(),
        "a\nflush_all\n".to_owned(),
        String::new(),
        " ".to_owned(),
        "\0".to_owned(),
        "日本語".to_owned(),
        "é".repeat(5_000),
        "é".repeat(5_001),
        "x".repeat(10_240),
        "x".repeat(10_241),
        "a:b".to_owned(),
        "{a}".to_owned(),
        "a@1.1".to_owned(),
        "a^1".to_owned(),
    ];
    let long = "y".repeat(255);
    for uid in ["api", "an api with spaces\r\n", "ü", &long] {
        let of = || DynThrottle::builder(uid).rate("2/day".parse().unwrap());
        let of = || of().backend(backend.clone());
        // One after the other, because both have one uid.
        for is_log in [false, true] {
            let builder = if is_log {
                of().strategy(SlidingLog::new())
            } else {
                of()
            };
            let throttle = builder.build().unwrap();
            for client in &clients {
                let client = Identity::new(client.as_str());
                for hit in 0..3 {
                    let decision = throttle.hit(&client, 1).await.unwrap();
                    assert_eq!(decision.admitted, hit < 2, "{uid} {client:?}");
                }
            }
        }
    }
    assert_eq!(keys(&server).len(), 2 * 4 * clients.len());
}

/// A malformed state counts as none and is not an error (promise 7).
#[tokio::test]
async fn treats_foreign_values_as_no_state() {
    let server = MemcachedServer::start();
    let backend = connect(&server).await.local_refusals(Duration::ZERO);
    let client = Identity::new("user");
    let throttles = [
        throttle(&backend, "2/day"),
        throttle_with(&backend, "2/day", TokenBucket::new()),
    ];
    for throttle in &throttles {
        for garbage in [
            "garbage",
            "",
            "-5",
            "99999999999999999999999",
            "1x",
            "\u{1}\u{2}",
        ] {
            for _ in 0..2 {
                assert!(
                    throttle.hit(&client, 1).await.unwrap().admitted,
                    "{garbage}"
                );
            }
            assert!(!throttle.hit(&client, 1).await.unwrap().admitted);
            for key in keys(&server) {
                server.command(
                    &format!("set {key} 0 0 {}\r\n{garbage}", garbage.len()),
                    "STORED",
                );
            }
            assert_eq!(
                throttle.stat(&client).await.unwrap().hits_remaining,
                2,
                "{garbage}"
            );
        }
        for key in keys(&server) {
            server.command(&format!("delete {key}"), "DELETED");
        }
    }
}

/// The largest log has a fixed size; a larger one is refused on first use, with advice.
#[tokio::test]
async fn refuses_logs_that_are_too_long() {
    let server = MemcachedServer::start();
    let backend = connect(&server).await;
    let client = Identity::new("user");
    let longest = throttle_with(&backend, "60000/day", SlidingLog::new());
    assert!(longest.hit(&client, 1).await.unwrap().admitted);
    let error = throttle_with(&backend, "60001/day", SlidingLog::new())
        .hit(&client, 1)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let message = error.to_string();
    assert!(
        message.contains("Memcached holds 60000") && message.contains("sliding_counter"),
        "{message}"
    );
    assert!(
        throttle_with(&backend, "60001/day", SlidingLog::new())
            .stat(&client)
            .await
            .is_err()
    );
}

/// The longest log fits.
#[tokio::test(flavor = "multi_thread")]
async fn stores_the_longest_log() {
    let server = MemcachedServer::start();
    let clock = ManualClock::new();
    let backend = connect(&server).await.clock(clock.clone());
    let throttle = throttle_with(&backend, "60000/day", SlidingLog::new());
    let client = Identity::new("user");
    // The entries are as long as possible. Hitting one after the other, with the state read and
    // written each time, would take long.
    for _ in 0..50 {
        clock.advance(Duration::from_micros(1));
        assert!(throttle.hit(&client, 1_000).await.unwrap().admitted);
    }
    assert_eq!(throttle.stat(&client).await.unwrap().hits_remaining, 10_000);
    let value = vec![b'x'; 60_000 * 16 + 64];
    backend.set("as long", &value, None).await.unwrap();
    assert_eq!(backend.get("as long").await.unwrap(), Some(value));
}

traffik::throttles! {
    throttle Short(rate = "30/h", identifier = everyone);
    throttle Long(rate = "50/day", strategy = sliding_counter, identifier = everyone);
    throttle Listed(rate = ["40/h", "500/day"], identifier = everyone);
}

type Set = (Short, Long, Listed);
type Reversed = (Listed, Long, Short);

/// Members are decided one after the other, and refunded if a later one refuses (L32).
#[tokio::test]
async fn charges_all_members_of_a_set_or_none() {
    let server = MemcachedServer::start();
    let backend = connect(&server).await.clock(ManualClock::new());
    let head = head(&backend);
    assert!(Set::hit_cost(&head, 20).await.unwrap().admitted);
    let before = Set::stat(&head).await.unwrap();
    let refused = Set::hit_cost(&head, 11).await.unwrap();
    assert!(!refused.admitted && refused.remaining == 10, "{refused:?}");
    assert!(!Reversed::hit_cost(&head, 11).await.unwrap().admitted);
    assert!(!Set::hit_cost(&head, 1_000).await.unwrap().admitted);
    let after = Set::stat(&head).await.unwrap();
    assert_eq!(before.0.hits_remaining, after.0.hits_remaining);
    assert_eq!(before.1.hits_remaining, after.1.hits_remaining);
    assert_eq!(before.2.hits_remaining, after.2.hits_remaining);
    assert_eq!(
        (
            after.0.hits_remaining,
            after.1.hits_remaining,
            after.2.hits_remaining
        ),
        (10, 30, 20)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn admits_no_more_than_the_limits_of_concurrent_sets() {
    let server = MemcachedServer::start();
    let backend = connect(&server).await.clock(ManualClock::new());
    let mut tasks = JoinSet::new();
    for _ in 0..32 {
        let backend = backend.clone();
        tasks.spawn(async move {
            let head = head(&backend);
            let mut admitted = 0;
            for _ in 0..4 {
                let decision = <(Long, Short, Listed)>::hit(&head).await.unwrap();
                admitted += u64::from(decision.admitted);
            }
            admitted
        });
    }
    let admitted: u64 = tasks.join_all().await.into_iter().sum();
    assert!(admitted <= 30, "{admitted}");
    let head = head(&backend);
    let left = Short::stat(&head).await.unwrap().hits_remaining;
    assert_eq!(left, 30 - admitted, "refused sets were refunded");
    assert_eq!(
        Long::stat(&head).await.unwrap().hits_remaining,
        50 - admitted
    );
}

/// Concurrent hits of equal cost lose nothing to the refused ones beside them.
#[tokio::test(flavor = "multi_thread")]
async fn admits_exactly_the_limit_of_concurrent_tasks() {
    let server = MemcachedServer::start();
    let backend = settings(server.url()).pool_size(3).connect().await.unwrap();
    let throttle = throttle(&backend.clock(ManualClock::new()), "100/hour");
    for round in 0..20_u64 {
        let mut tasks = JoinSet::new();
        for _ in 0..150 {
            let throttle = throttle.clone();
            tasks.spawn(async move {
                throttle
                    .hit(&Identity::from(round), 1)
                    .await
                    .unwrap()
                    .admitted
            });
        }
        let admitted = tasks
            .join_all()
            .await
            .into_iter()
            .filter(|admitted| *admitted)
            .count();
        assert_eq!(admitted, 100);
        let client = Identity::from(round);
        assert_eq!(throttle.stat(&client).await.unwrap().hits_remaining, 0);
    }
}

/// A caller that is cancelled leaves the connection usable, and no reply to another caller.
#[tokio::test(flavor = "multi_thread")]
async fn keeps_connections_usable_after_cancelled_hits() {
    let server = MemcachedServer::start();
    let backend = settings(server.url()).pool_size(2).connect().await.unwrap();
    for micros in (0..3_000_u64).step_by(10) {
        let key = micros.to_string();
        let set = backend.set(&key, &key, None);
        let _ = tokio::time::timeout(Duration::from_micros(micros), set).await;
        let value = backend.get(&key).await.unwrap();
        assert!(value.is_none_or(|value| value == key.as_bytes()));
        let missing = backend.get("missing").await.unwrap();
        assert_eq!(missing, None);
    }
}
