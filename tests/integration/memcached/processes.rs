//! Several processes on one key: they admit no more than the limit, and little less.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Barrier;
use tokio::task::JoinSet;
use traffik::failure::raise;
use traffik::strategy::{FixedWindow, SlidingCounter, SlidingLog, Strategy, TokenBucket};
use traffik::{Backend, DynThrottle, Identity, ManualClock, Rate};
use traffik_tests::MemcachedServer;

const PROCESSES: usize = 4;
const TASKS: usize = 32;
const HITS: usize = 20;
const LIMIT: u32 = 1_000;

/// The environment variable with the server's address for the child processes.
const SERVER: &str = "TRAFFIK_TEST_MEMCACHED";

fn throttles(backend: &Backend) -> Vec<(&'static str, DynThrottle)> {
    fn of(backend: &Backend, strategy: impl Strategy) -> DynThrottle {
        let builder = DynThrottle::builder(strategy.name()).rate(Rate::per_day(LIMIT.into()));
        builder
            .strategy(strategy)
            .backend(backend.clone())
            .on_error(raise())
            .build()
            .unwrap()
    }
    vec![
        ("fixed_window", of(backend, FixedWindow::new())),
        ("sliding_counter", of(backend, SlidingCounter::new())),
        ("token_bucket", of(backend, TokenBucket::new())),
        ("sliding_log", of(backend, SlidingLog::new())),
    ]
}

/// Runs in each child process, where each task hits one key; the output lists the admitted and
/// failed hits.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it is a part of `admits_no_more_than_the_limit_across_processes`, which runs it"]
async fn child_process() {
    let Ok(url) = std::env::var(SERVER) else {
        return;
    };
    // The manual clock makes the limit exact; everything else runs in real time.
    let backend = Backend::memcached(url).connect().await.unwrap();
    let standing = backend.clone().clock(ManualClock::new());
    backend.increment("ready", 1).await.unwrap();
    for (name, throttle) in throttles(&standing) {
        backend.increment(name, 1).await.unwrap();
        while backend.get(name).await.unwrap().as_deref() != Some(PROCESSES.to_string().as_bytes())
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let together = Arc::new(Barrier::new(TASKS));
        let mut tasks = JoinSet::new();
        for _ in 0..TASKS {
            let (throttle, together) = (throttle.clone(), together.clone());
            tasks.spawn(async move {
                together.wait().await;
                let (mut admitted, mut failed) = (0, 0);
                for _ in 0..HITS {
                    match throttle.hit(&Identity::new(name), 1).await {
                        Ok(decision) => admitted += u32::from(decision.admitted),
                        Err(_) => failed += 1,
                    }
                }
                (admitted, failed)
            });
        }
        let counts = tasks.join_all().await;
        let admitted: u32 = counts.iter().map(|(admitted, _)| admitted).sum();
        let failed: u32 = counts.iter().map(|(_, failed)| failed).sum();
        println!("\n{name} {admitted} {failed}");
    }
}

#[test]
fn admits_no_more_than_the_limit_across_processes() {
    let server = MemcachedServer::start();
    let own = std::env::current_exe().unwrap();
    let name = "memcached::processes::child_process";
    let processes: Vec<_> = (0..PROCESSES)
        .map(|_| {
            Command::new(&own)
                .args([name, "--exact", "--ignored", "--nocapture"])
                .env(SERVER, server.url())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let outputs: Vec<_> = processes
        .into_iter()
        .map(|process| process.wait_with_output().unwrap())
        .collect();
    for output in &outputs {
        assert!(output.status.success());
    }
    let lines: String = outputs
        .iter()
        .map(|output| String::from_utf8_lossy(&output.stdout))
        .collect();
    for strategy in [
        "fixed_window",
        "sliding_counter",
        "token_bucket",
        "sliding_log",
    ] {
        let counts: Vec<(u32, u32)> = lines
            .lines()
            .filter_map(|line| {
                let (admitted, failed) = line.strip_prefix(strategy)?.trim().split_once(' ')?;
                Some((admitted.parse().ok()?, failed.parse().ok()?))
            })
            .collect();
        assert_eq!(counts.len(), PROCESSES, "{lines}");
        let admitted: u32 = counts.iter().map(|(admitted, _)| admitted).sum();
        let failed: u32 = counts.iter().map(|(_, failed)| failed).sum();
        let sent = PROCESSES * TASKS * HITS;
        println!("{strategy}: {admitted} admitted of {LIMIT}, {failed} of {sent} undecided");
        assert!(admitted <= LIMIT, "{strategy} admitted {admitted}");
        assert!(admitted > 0, "{strategy} admitted nothing");
        // Only a hit whose reply was lost may have been counted without being admitted.
        assert!(
            admitted + failed >= LIMIT,
            "{strategy}: {admitted} and {failed}"
        );
    }
}
