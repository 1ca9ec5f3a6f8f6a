//! Refunds of the units that are left of a lease: with the next hit, in the background, when the
//! backend is closed, and never twice.

use std::time::Duration;

use tokio::task::JoinSet;
use traffik::strategy::{
    Gcra, LeakyBucket, QuotaWithRollover, SlidingCounter, SlidingLog, Tiered, TimeOfDay,
    TokenBucket,
};
use traffik::{Backend, DynThrottleBuilder, Identity, ManualClock, Provenance, Rate};
use traffik_tests::{RedisServer, poll_then_drop};

use super::{
    LIFE, builder, client, connect, custom, hit, hit_until_leased, process, throttle, until_used,
    used,
};

const LIMIT: u64 = 10_000;

type Build = fn(DynThrottleBuilder) -> DynThrottleBuilder;

/// Every strategy whose quota is leased.
const STRATEGIES: [(&str, Build); 9] = [
    ("fixed_window", |it| it),
    ("sliding_log", |it| it.strategy(SlidingLog::new())),
    ("sliding_counter", |it| it.strategy(SlidingCounter::new())),
    ("token_bucket", |it| it.strategy(TokenBucket::new())),
    ("leaky_bucket", |it| it.strategy(LeakyBucket::new())),
    ("gcra", |it| {
        it.strategy(Gcra::new().burst_tolerance(Duration::from_secs(3_600)))
    }),
    ("tiered", |it| {
        it.strategy(Tiered::new().tier("free", 1.0).default_tier("free"))
    }),
    ("quota_with_rollover", |it| {
        it.strategy(QuotaWithRollover::new().max(0))
    }),
    ("time_of_day", |it| it.strategy(TimeOfDay::new())),
];

#[tokio::test]
async fn go_back_with_the_next_hit_under_every_strategy() {
    let server = RedisServer::start();
    for (name, strategy) in STRATEGIES {
        let clock = ManualClock::new();
        let backend = process(&server, &clock).await;
        let builder = builder(&format!("next hit, {name}"), "10000/hour", &backend);
        let throttle = strategy(builder).build().unwrap();
        let full = throttle.stat(&client()).await.unwrap().hits_remaining;
        let hits = hit_until_leased(&throttle).await;
        let leased = full - throttle.stat(&client()).await.unwrap().hits_remaining;
        assert!(leased > hits, "{name}: {leased}");
        // Longer than the sweeper waits before it takes what a hit could give back.
        clock.advance(LIFE);
        let before = server.calls("evalsha");
        assert_eq!(hit(&throttle).await.provenance, Provenance::Store);
        let calls = server.calls("evalsha") - before;
        let is_log = name == "sliding_log";
        assert_eq!(calls, if is_log { 3 } else { 1 }, "{name}");
        let used = full - throttle.stat(&client()).await.unwrap().hits_remaining;
        // The hit has taken another lease.
        let next = hits + 1;
        assert!(
            used >= next && used < leased + next,
            "{name}: {used} of {leased}"
        );
        backend.close().await.unwrap();
    }
}

#[tokio::test]
async fn go_back_in_the_background_if_no_hit_comes() {
    let server = RedisServer::start();
    for (name, strategy) in STRATEGIES {
        let clock = ManualClock::new();
        let backend = process(&server, &clock).await;
        let builder = builder(&format!("background, {name}"), "10000/day", &backend);
        let throttle = strategy(builder).build().unwrap();
        let full = throttle.stat(&client()).await.unwrap().hits_remaining;
        let hits = hit_until_leased(&throttle).await;
        clock.advance(LIFE + LIFE / 2);
        until_used(&throttle, full, hits).await;
    }
}

#[tokio::test]
async fn go_back_for_many_clients_in_few_commands() {
    let server = RedisServer::start();
    let clock = ManualClock::new();
    let backend = process(&server, &clock).await;
    let throttle = throttle("many clients", "10000/hour", &backend);
    let clients: Vec<_> = (0..200)
        .map(|number| Identity::new(format!("client {number}")))
        .collect();
    for client in &clients {
        for _ in 0..6 {
            throttle.hit(client, 1).await.unwrap();
        }
    }
    let before = server.calls("evalsha");
    clock.advance(LIFE + LIFE / 2);
    let mut looks = 0;
    for client in &clients {
        while throttle.stat(client).await.unwrap().hits_remaining != LIMIT - 6 {
            looks += 1;
            assert!(looks < 2_000, "leases never came back");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        looks += 1;
    }
    let calls = server.calls("evalsha") - before - looks;
    assert!(calls <= 14, "{calls} calls");
}

#[tokio::test]
async fn go_back_when_the_backend_is_closed() {
    let server = RedisServer::start();
    let clock = ManualClock::new();
    let other = throttle("closed", "10000/hour", &process(&server, &clock).await);
    let backend = process(&server, &clock).await;
    let closed = builder("closed", "10000/hour", &backend).build().unwrap();
    let hits = hit_until_leased(&closed).await;
    assert!(used(&other, LIMIT).await > hits);
    backend.close().await.unwrap();
    assert_eq!(used(&other, LIMIT).await, hits);
}

#[tokio::test]
async fn are_exact_beside_settled_reservations() {
    let server = RedisServer::start();
    let clock = ManualClock::new();
    let backend = process(&server, &clock).await;
    let throttle = throttle("settled", "10000/hour", &backend);
    let hits = hit_until_leased(&throttle).await;
    let reserved = throttle.reserve(&client(), 10).await.unwrap();
    assert_eq!(reserved.decision().provenance, Provenance::Store);
    assert_eq!(hit(&throttle).await.provenance, Provenance::Lease);
    reserved.settle(3).await.unwrap();
    clock.advance(2 * LIFE);
    until_used(&throttle, LIMIT, hits + 1 + 3).await;
}

#[tokio::test]
async fn are_dropped_when_the_state_was_replaced() {
    let server = RedisServer::start();
    let clock = ManualClock::new();
    let backend = process(&server, &clock).await;
    let throttle = throttle("replaced", "10000/hour", &backend);
    hit_until_leased(&throttle).await;
    let _: () = server.command(&["FLUSHDB"]);
    throttle
        .reserve(&client(), 20)
        .await
        .unwrap()
        .settle(20)
        .await
        .unwrap();
    clock.advance(2 * LIFE);
    assert_eq!(hit(&throttle).await.provenance, Provenance::Store);
    backend.close().await.unwrap();
    let other = super::throttle("replaced", "10000/hour", &process(&server, &clock).await);
    assert_eq!(used(&other, LIMIT).await, 21);
}

#[tokio::test]
async fn are_dropped_in_a_later_window() {
    let (backend, clock) = custom();
    let throttle = throttle("later window", "1000/s", &backend);
    hit_until_leased(&throttle).await;
    clock.advance(Duration::from_secs(1));
    assert_eq!(hit(&throttle).await.remaining, 999);
    backend.close().await.unwrap();
}

/// A caller that goes away while its hit takes a lease loses nothing: the lease is there, and the
/// hit is refunded.
#[tokio::test]
async fn lose_nothing_when_the_caller_goes_away() {
    let server = RedisServer::start();
    let clock = ManualClock::new();
    let backend = process(&server, &clock).await;
    let throttle = throttle("cancelled", "10000/hour", &backend);
    for _ in 0..4 {
        assert_eq!(hit(&throttle).await.provenance, Provenance::Store);
    }
    // This one takes a lease. Its future is dropped before the server replies.
    server.stop();
    assert!(!poll_then_drop(throttle.hit(&client(), 1), 1).await);
    server.resume();
    until_used(&throttle, LIMIT, 8).await;
    let leased = hit(&throttle).await;
    assert_eq!(leased.provenance, Provenance::Lease);
    clock.advance(2 * LIFE);
    until_used(&throttle, LIMIT, 5).await;
}

/// A hit that never began leases nothing, so that the next hit takes the lease.
#[tokio::test]
async fn leave_the_lease_to_the_next_hit_if_the_first_never_began() {
    let (backend, _) = custom();
    let throttle = throttle("never polled", "10000/hour", &backend);
    for _ in 0..4 {
        hit(&throttle).await;
    }
    drop(throttle.hit(&client(), 1));
    assert_eq!(hit(&throttle).await.provenance, Provenance::Store);
    assert_eq!(hit(&throttle).await.provenance, Provenance::Lease);
}

#[tokio::test]
async fn are_spent_if_the_backend_is_dropped() {
    let server = RedisServer::start();
    let clock = ManualClock::new();
    let other = throttle("dropped", "10000/hour", &process(&server, &clock).await);
    let hits = {
        let backend = process(&server, &clock).await;
        let dropped = throttle("dropped", "10000/hour", &backend);
        hit_until_leased(&dropped).await
    };
    clock.advance(2 * LIFE);
    tokio::time::sleep(2 * LIFE).await;
    // No more than its lease is lost.
    assert_eq!(used(&other, LIMIT).await, hits - 1 + 4);
}

/// Hits of several processes and their refunds, side by side: the server's count is exact.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn are_exact_with_several_processes() {
    let server = RedisServer::start();
    let clock = ManualClock::new();
    let mut tasks = JoinSet::new();
    for _ in 0..3 {
        let backend = process(&server, &clock).await;
        let throttle = throttle("several", "1000000/hour", &backend);
        let clock = clock.clone();
        tasks.spawn(async move {
            let mut admitted = 0;
            for round in 0..40 {
                for _ in 0..25 {
                    admitted += u64::from(hit(&throttle).await.admitted);
                }
                if round % 4 == 0 {
                    clock.advance(LIFE / 3);
                }
            }
            backend.close().await.unwrap();
            admitted
        });
    }
    let admitted: u64 = tasks.join_all().await.into_iter().sum();
    assert_eq!(admitted, 3_000);
    let throttle = throttle(
        "several",
        "1000000/hour",
        &connect_at(&server, &clock).await,
    );
    assert_eq!(used(&throttle, 1_000_000).await, 3_000);
}

async fn connect_at(server: &RedisServer, clock: &ManualClock) -> Backend {
    connect(server).await.clock(clock.clone())
}

/// A rate whose state counts the hit under another limit meanwhile.
#[tokio::test]
async fn are_exact_when_the_limit_has_changed() {
    let server = RedisServer::start();
    let clock = ManualClock::new();
    let backend = process(&server, &clock).await;
    let other = process(&server, &clock).await;
    let leased = throttle("changed limit", "10000/hour", &backend);
    let hits = hit_until_leased(&leased).await;
    traffik::registry()
        .set_rate("leases: changed limit", Rate::per_hour(5_000))
        .unwrap();
    let decision = hit(&leased).await;
    assert_eq!(decision.remaining, 5_000 - hits - 1);
    drop(other);
}
