//! Counters that were created after a hit, because the server had evicted or flushed the counter of
//! the hit: a refund does not change them (L32).

use std::time::Duration;

use traffik::failure::raise;
use traffik::strategy::{FixedWindow, Strategy, Tiered, TimeOfDay};
use traffik::{Backend, DynThrottle, Identity, Rate};
use traffik_tests::MemcachedServer;

use super::{connect, throttle};

fn client() -> Identity {
    Identity::new("user")
}

async fn left(throttle: &DynThrottle) -> u64 {
    let stat = throttle.stat(&client()).await.unwrap();
    stat.hits_remaining
}

/// Returns the key of the only counter on a server.
fn key(server: &MemcachedServer) -> String {
    let dump = server.command("lru_crawler metadump all", "END");
    let key = dump.iter().find_map(|line| line.strip_prefix("key="));
    let key = key.and_then(|key| key.split(' ').next()).unwrap();
    let key = key.replace("%7B", "{").replace("%7D", "}");
    key.replace("%3A", ":")
        .replace("%40", "@")
        .replace("%25", "%")
}

/// Deletes the only counter, as an eviction does.
fn evict(server: &MemcachedServer) {
    server.command(&format!("delete {}", key(server)), "DELETED");
}

#[tokio::test]
async fn does_not_refund_a_counter_that_replaced_an_evicted_one() {
    let server = MemcachedServer::start();
    let throttle = throttle(&connect(&server).await, "10/day");
    // A tag has one of a thousand values, so two equal ones are unlikely.
    let reserve = async |cost| throttle.reserve(&client(), cost).await.unwrap();
    let [cancelled, settled, dropped] = [reserve(3).await, reserve(3).await, reserve(2).await];
    evict(&server);
    // An evicted count stays lost.
    settled.settle(1).await.unwrap();
    assert_eq!(left(&throttle).await, 10);
    let own = reserve(8).await;
    cancelled.cancel().await.unwrap();
    drop(dropped);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(left(&throttle).await, 2);
    own.settle(3).await.unwrap();
    assert_eq!(left(&throttle).await, 7);
}

#[tokio::test]
async fn does_not_refund_after_a_flush() {
    async fn check(backend: &Backend, server: &MemcachedServer, strategy: impl Strategy) {
        let throttle = DynThrottle::builder(strategy.name()).strategy(strategy);
        let throttle = throttle.rate(Rate::per_hour(10)).rate(Rate::per_day(20));
        let throttle = throttle.backend(backend.clone()).on_error(raise());
        let throttle = throttle.build().unwrap();
        let reserved = throttle.reserve(&client(), 5).await.unwrap();
        server.flush_all();
        // `flush_all` removes what was written before the present second of the server.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        assert!(throttle.hit(&client(), 6).await.unwrap().admitted);
        reserved.cancel().await.unwrap();
        let stat = throttle.stat(&client()).await.unwrap();
        let left = stat.members.iter().map(|member| member.hits_remaining);
        assert_eq!(left.collect::<Vec<_>>(), [4, 14], "{throttle:?}");
    }
    let server = MemcachedServer::start();
    let backend = connect(&server).await;
    check(&backend, &server, FixedWindow::new()).await;
    let tiers = Tiered::new().tier("free", 1.0).default_tier("free");
    check(&backend, &server, tiers).await;
    let hours = TimeOfDay::new().window("00:00-24:00", 1.0);
    check(&backend, &server, hours).await;
}

/// A refund reads the counter first; a hit is still one exchange, and a refused hit two.
#[tokio::test]
async fn reads_the_counter_only_for_a_refund() {
    let server = MemcachedServer::start();
    let throttle = throttle(&connect(&server).await, "10/day");
    throttle.hit(&client(), 1).await.unwrap();
    let before = server.command_count();
    let reserved = throttle.reserve(&client(), 4).await.unwrap();
    assert_eq!(server.command_count() - before, 1);
    assert!(!throttle.hit(&client(), 6).await.unwrap().admitted);
    assert_eq!(server.command_count() - before, 3);
    reserved.settle(1).await.unwrap();
    assert_eq!(server.command_count() - before, 5);
    assert_eq!(left(&throttle).await, 8);
}

/// Costs that would overflow a counter after a few hits are added to a count that was read.
#[tokio::test(flavor = "multi_thread")]
async fn admits_no_more_than_the_limit_of_concurrent_huge_costs() {
    const LIMIT: u64 = 1 << 53;
    let server = MemcachedServer::start();
    let throttle = throttle(&connect(&server).await, "9007199254740992/day");
    for cost in [LIMIT / 4, LIMIT / 4 - 1, 1 << 40, (1 << 40) + 1, LIMIT] {
        let client = Identity::from(cost);
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..32 {
            let (throttle, client) = (throttle.clone(), client.clone());
            tasks.spawn(async move {
                let decision = throttle.hit(&client, cost).await.unwrap();
                u64::from(decision.admitted)
            });
        }
        let admitted: u64 = tasks.join_all().await.into_iter().sum();
        assert_eq!(admitted, (LIMIT / cost).min(32), "{cost}");
        let stat = throttle.stat(&client).await.unwrap();
        assert_eq!(stat.hits_remaining, LIMIT - admitted * cost, "{cost}");
    }
}

/// A malformed value, or that of no counter, stays as it is.
#[tokio::test]
async fn does_not_refund_foreign_values() {
    let server = MemcachedServer::start();
    let throttle = throttle(&connect(&server).await, "10/day");
    let reserved = throttle.reserve(&client(), 4).await.unwrap();
    for garbage in ["garbage", "0", "7", "-3"] {
        let set = format!("set {} 0 0 {}\r\n{garbage}", key(&server), garbage.len());
        server.command(&set, "STORED");
        throttle.hit(&client(), 0).await.unwrap();
    }
    reserved.cancel().await.unwrap();
    assert_eq!(left(&throttle).await, 10);
}
