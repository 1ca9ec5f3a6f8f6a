//! By the server's own clock, no hit is refused that the server would admit.

use std::time::{Duration, Instant};

use traffik::strategy::{FixedWindow, Gcra, SlidingCounter, SlidingLog, Strategy, TokenBucket};
use traffik::{Backend, DynThrottle, Provenance, Rate};
use traffik_tests::RedisServer;

use super::client;

/// Hits as fast as possible. If the server would admit a hit, the next one is admitted.
async fn admits_what_the_server_would(backend: &Backend, name: &str, strategy: impl Strategy) {
    let rate: Rate = "3/50ms".parse().unwrap();
    let builder = DynThrottle::builder(format!("time: {name}")).rate(rate);
    let throttle = builder
        .strategy(strategy)
        .backend(backend.clone())
        .build()
        .unwrap();
    let start = Instant::now();
    let (mut admitted, mut local) = (0, 0);
    while start.elapsed() < Duration::from_millis(400) {
        let fits = throttle.check(&client(), 1).await.unwrap();
        for _ in 0..20 {
            let decision = throttle.hit(&client(), 1).await.unwrap();
            assert!(decision.admitted || !fits, "{name}: {decision:?}");
            admitted += u32::from(decision.admitted);
            local += u32::from(decision.provenance == Provenance::LocalRefusal);
            if fits {
                break;
            }
        }
    }
    assert!(admitted >= 9 && local >= 20, "{name}: {admitted}, {local}");
}

#[tokio::test]
async fn refuses_no_hit_that_the_server_would_admit() {
    let server = RedisServer::start();
    let backend = Backend::redis(server.url()).timeout(Duration::from_secs(5));
    let backend = backend.connect().await.unwrap();
    admits_what_the_server_would(&backend, "window", FixedWindow::new()).await;
    admits_what_the_server_would(&backend, "counter", SlidingCounter::new()).await;
    admits_what_the_server_would(&backend, "log", SlidingLog::new()).await;
    admits_what_the_server_would(&backend, "bucket", TokenBucket::new()).await;
    admits_what_the_server_would(&backend, "gcra", Gcra::new()).await;
}

/// A client that waits for as long as it was told is admitted.
#[tokio::test]
async fn tells_a_wait_that_is_long_enough() {
    let server = RedisServer::start();
    let backend = Backend::redis(server.url()).timeout(Duration::from_secs(5));
    let backend = backend.connect().await.unwrap();
    let throttle = super::throttle("long enough", "2/100ms", &backend);
    for _ in 0..10 {
        let mut last = throttle.hit(&client(), 1).await.unwrap();
        while last.provenance != Provenance::LocalRefusal {
            last = throttle.hit(&client(), 1).await.unwrap();
        }
        // It is the server's own time, which no test can set.
        std::thread::sleep(last.wait.unwrap());
        assert!(throttle.hit(&client(), 1).await.unwrap().admitted);
    }
}
