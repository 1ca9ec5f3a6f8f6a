//! Replies that are lost, and servers that end: a lease may be lost, and is never refunded twice.

use std::time::Duration;

use traffik::failure::raise;
use traffik::{Backend, ManualClock, Provenance};
use traffik_tests::{Proxy, RedisServer};

use super::{LIFE, builder, client, hit_until_leased, process, throttle, used};

const LIMIT: u64 = 1_000_000;

/// The server has counted at least what was admitted, however many replies were lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn count_at_least_what_was_admitted_when_replies_are_lost() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port()).await;
    let clock = ManualClock::new();
    let backend = Backend::redis(proxy.url()).timeout(Duration::from_millis(300));
    let backend = backend.connect().await.unwrap().clock(clock.clone());
    let builder = builder("lost replies", "1000000/day", &backend);
    let throttle = builder.on_error(raise()).build().unwrap();
    let (mut admitted, mut leased, mut failed) = (0, 0, 0);
    for round in 0..12 {
        if round % 3 == 2 {
            proxy.close_on_reply();
        }
        for hit in 0..60 {
            match throttle.hit(&client(), 1).await {
                Ok(decision) => {
                    assert!(decision.admitted);
                    admitted += 1;
                    leased += u64::from(decision.provenance == Provenance::Lease);
                }
                Err(_) => {
                    failed += 1;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            if hit % 20 == 19 {
                clock.advance(LIFE * 2 / 3);
            }
        }
        proxy.forward();
    }
    assert!(leased > 100 && failed > 0, "{leased}, {failed}");
    let mut looks = 0;
    while let Err(error) = throttle.stat(&client()).await {
        looks += 1;
        assert!(looks < 500, "it never came back: {error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    backend.close().await.unwrap();
    let direct = throttle_of(&server, &clock).await;
    let counted = used(&direct, LIMIT).await;
    assert!(counted >= admitted, "{counted} < {admitted}");
}

async fn throttle_of(server: &RedisServer, clock: &ManualClock) -> traffik::DynThrottle {
    throttle("lost replies", "1000000/day", &process(server, clock).await)
}

/// Hits go on by the lease while the server is away.
#[tokio::test]
async fn serve_while_the_server_is_away() {
    let mut server = RedisServer::start();
    let clock = ManualClock::new();
    let backend = process(&server, &clock).await;
    let builder = builder("away", "10000/hour", &backend);
    let throttle = builder.on_error(raise()).build().unwrap();
    hit_until_leased(&throttle).await;
    server.kill();
    for _ in 0..3 {
        let decision = throttle.hit(&client(), 1).await.unwrap();
        assert_eq!(decision.provenance, Provenance::Lease);
    }
    throttle.hit(&client(), 1).await.unwrap_err();
}
