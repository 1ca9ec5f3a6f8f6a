//! Locks on the majority of several servers.

use std::time::{Duration, Instant};

use traffik::{Backend, ErrorKind, LockOptions, redlock};
use traffik_tests::RedisServer;

use super::{resume, settings};

async fn three() -> (Vec<RedisServer>, Vec<Backend>) {
    let servers: Vec<_> = (0..3).map(|_| RedisServer::start()).collect();
    let mut backends = Vec::new();
    for server in &servers {
        let settings = settings(server.url()).timeout(Duration::from_millis(500));
        backends.push(settings.connect().await.unwrap());
    }
    (servers, backends)
}

fn at_once() -> LockOptions {
    LockOptions::default().blocking(false)
}

#[tokio::test]
async fn one_holder_at_a_time() {
    let (servers, backends) = three().await;
    let held = redlock(&backends, "a", at_once()).await.unwrap();
    // Less the time it took, and what clocks may differ by.
    assert!(held.remaining() < Duration::from_millis(9_899));
    assert!(held.remaining() > Duration::from_secs(5));
    let error = redlock(&backends, "a", at_once()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockTimeout);
    held.release().await.unwrap();
    // Who was refused had a minority at most, and gives that back in the background.
    let soon = LockOptions::default().blocking_timeout(Duration::from_secs(5));
    let held = redlock(&backends, "a", soon).await.unwrap();
    held.release().await.unwrap();
    for server in &servers {
        let keys: Vec<String> = server.command(&["KEYS", "*"]);
        assert_eq!(keys, [""; 0]);
    }
}

#[tokio::test]
async fn a_dead_minority_holds_nothing_up() {
    let (mut servers, backends) = three().await;
    servers[1].kill();
    let held = redlock(&backends, "a", at_once()).await.unwrap();
    assert!(redlock(&backends, "a", at_once()).await.is_err());
    held.release().await.unwrap();

    servers[1].restart();
    resume(&backends[1]).await;
    // One that hears and does not answer.
    servers[2].stop();
    let start = Instant::now();
    let soon = LockOptions::default().blocking_timeout(Duration::from_secs(10));
    let held = redlock(&backends, "b", soon).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(5));
    servers[2].resume();
    held.release().await.unwrap();
}

#[tokio::test]
async fn a_dead_majority_is_an_error() {
    let (mut servers, backends) = three().await;
    servers[0].kill();
    servers[2].kill();
    let error = redlock(&backends, "a", LockOptions::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    let error = redlock(&[], "a", at_once()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}
