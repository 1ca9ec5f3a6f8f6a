//! Failures of a server under load: every call returns in time, every key expires, and the service
//! resumes by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use traffik::{Backend, DynThrottle, Identity};
use traffik_tests::RedisServer;

use super::each;

const TIMEOUT: Duration = Duration::from_millis(500);

/// Tasks that hit throttles until this is stopped.
struct Load {
    stopped: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    tasks: JoinSet<()>,
}

impl Load {
    fn start(throttles: impl IntoIterator<Item = DynThrottle>) -> Self {
        let mut load = Self {
            stopped: Arc::default(),
            answered: Arc::default(),
            tasks: JoinSet::new(),
        };
        for (place, throttle) in throttles.into_iter().enumerate() {
            let (stopped, answered) = (load.stopped.clone(), load.answered.clone());
            load.tasks.spawn(async move {
                while !stopped.load(Ordering::Relaxed) {
                    let start = Instant::now();
                    let decided = throttle.hit(&Identity::from(place as u64), 1).await;
                    let took = start.elapsed();
                    assert!(
                        took < TIMEOUT + Duration::from_millis(250),
                        "{took:?}: {decided:?}"
                    );
                    // A refusal without a law is not a decision.
                    let decided = decided.is_ok_and(|decision| decision.decided);
                    answered.fetch_add(u64::from(decided), Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            });
        }
        load
    }

    /// Waits until requests are decided and returns how long it took.
    async fn wait_until_decided(&self) -> Duration {
        let (start, before) = (Instant::now(), self.answered.load(Ordering::Relaxed));
        while self.answered.load(Ordering::Relaxed) < before + 5 {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "it never came back"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        start.elapsed()
    }

    async fn stop(self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
    }
}

fn assert_all_keys_expire(server: &RedisServer) {
    let keys: Vec<String> = server.command(&["KEYS", "*"]);
    for key in keys {
        let ttl: i64 = server.command(&["PTTL", &key]);
        assert_ne!(ttl, -1, "{key} never expires");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resumes_after_every_fault() {
    let mut server = RedisServer::start();
    let backend = Backend::redis(server.url())
        .timeout(TIMEOUT)
        .connect()
        .await
        .unwrap();
    let throttles = each(&backend, 50);
    let load = Load::start(throttles.into_iter().map(|(_, throttle)| throttle));
    load.wait_until_decided().await;

    for _ in 0..20 {
        let () = server.command(&["SCRIPT", "FLUSH"]);
        let () = server.command(&["FLUSHALL"]);
        load.wait_until_decided().await;
    }
    let _: u64 = server.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    assert!(load.wait_until_decided().await < Duration::from_secs(2));
    assert_all_keys_expire(&server);

    server.kill();
    tokio::time::sleep(Duration::from_millis(700)).await;
    server.restart();
    assert!(load.wait_until_decided().await < Duration::from_secs(2));
    assert_all_keys_expire(&server);

    server.stop();
    tokio::time::sleep(Duration::from_secs(5)).await;
    server.resume();
    assert!(load.wait_until_decided().await < Duration::from_secs(2));
    assert_all_keys_expire(&server);
    load.stop().await;
}
