//! The number of commands that a refused client costs, by the server's own count.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use traffik::{Backend, Provenance};
use traffik_tests::RedisServer;

use super::{client, decided, throttle};

async fn connect(server: &RedisServer) -> Backend {
    let backend = Backend::redis(server.url()).timeout(Duration::from_secs(5));
    backend.connect().await.unwrap()
}

/// The time during which clients hit at full speed.
const TIME: Duration = Duration::from_millis(2_500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn costs_at_most_two_commands_a_second() {
    let server = RedisServer::start();
    let backend = connect(&server).await;
    let throttle = throttle("full speed", "5/hour", &backend);
    for hit in 0..6 {
        assert_eq!(decided(&throttle).await, (hit < 5, Provenance::Store));
    }
    let before = server.calls("evalsha");
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let throttle = throttle.clone();
        tasks.spawn(async move {
            let mut hits = 0_u64;
            while start.elapsed() < TIME {
                assert!(!throttle.hit(&client(), 1).await.unwrap().admitted);
                hits += 1;
                if hits.is_multiple_of(64) {
                    tokio::task::yield_now().await;
                }
            }
            hits
        });
    }
    let hits: u64 = tasks.join_all().await.into_iter().sum();
    let calls = server.calls("evalsha") - before;
    assert!((2..=5).contains(&calls), "{calls} calls for {hits} hits");
    assert!(hits > 1_000 * calls, "{calls} calls for {hits} hits");
}

#[tokio::test]
async fn costs_one_command_a_second_if_one_task_hits() {
    let server = RedisServer::start();
    let backend = connect(&server).await;
    let throttle = throttle("one task", "5/hour", &backend);
    for _ in 0..6 {
        decided(&throttle).await;
    }
    let before = server.calls("evalsha");
    let start = Instant::now();
    while start.elapsed() < TIME {
        assert!(!decided(&throttle).await.0);
    }
    let calls = server.calls("evalsha") - before;
    assert!((2..=3).contains(&calls), "{calls} calls");
}

#[tokio::test]
async fn calls_the_server_for_each_hit_if_switched_off() {
    let server = RedisServer::start();
    let backend = Backend::redis(server.url()).local_refusals(Duration::ZERO);
    let backend = backend.connect().await.unwrap();
    let throttle = throttle("off", "5/hour", &backend);
    let before = server.calls("evalsha");
    for hit in 0..20 {
        assert_eq!(decided(&throttle).await, (hit < 5, Provenance::Store));
    }
    assert_eq!(server.calls("evalsha") - before, 20);
}

#[tokio::test]
async fn calls_the_server_for_each_look() {
    let server = RedisServer::start();
    let throttle = throttle("looks", "5/hour", &connect(&server).await);
    for _ in 0..7 {
        decided(&throttle).await;
    }
    let before = server.calls("evalsha");
    assert!(!throttle.check(&client(), 1).await.unwrap());
    assert_eq!(throttle.stat(&client()).await.unwrap().hits_remaining, 0);
    assert_eq!(server.calls("evalsha") - before, 2);
}
