//! Locks on the majority of several servers.

use std::time::{Duration, Instant};

use traffik::{Backend, ErrorKind, LockOptions, redlock};
use traffik_tests::RedisServer;

use super::{resume, settings};

async fn three_servers() -> (Vec<RedisServer>, Vec<Backend>) {
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
async fn has_one_holder_at_a_time() {
    let (servers, backends) = three_servers().await;
    let lock = redlock(&backends, "a", at_once()).await.unwrap();
    // Less the time the acquisition took and the drift of clocks.
    assert!(lock.remaining() < Duration::from_millis(9_899));
    assert!(lock.remaining() > Duration::from_secs(5));
    let error = redlock(&backends, "a", at_once()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockTimeout);
    lock.release().await.unwrap();
    // The refused client had a minority at most, which is released in the background.
    let soon = LockOptions::default().blocking_timeout(Duration::from_secs(5));
    let lock = redlock(&backends, "a", soon).await.unwrap();
    lock.release().await.unwrap();
    for server in &servers {
        let keys: Vec<String> = server.command(&["KEYS", "*"]);
        assert_eq!(keys, [""; 0]);
    }
}

#[tokio::test]
async fn tolerates_a_dead_minority() {
    let (mut servers, backends) = three_servers().await;
    servers[1].kill();
    let lock = redlock(&backends, "a", at_once()).await.unwrap();
    assert!(redlock(&backends, "a", at_once()).await.is_err());
    lock.release().await.unwrap();

    servers[1].restart();
    resume(&backends[1]).await;
    // A server that receives commands and does not reply.
    servers[2].stop();
    let start = Instant::now();
    let soon = LockOptions::default().blocking_timeout(Duration::from_secs(10));
    let lock = redlock(&backends, "b", soon).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(5));
    servers[2].resume();
    lock.release().await.unwrap();
}

#[tokio::test]
async fn reports_a_dead_majority() {
    let (mut servers, backends) = three_servers().await;
    servers[0].kill();
    servers[2].kill();
    let error = redlock(&backends, "a", LockOptions::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    let error = redlock(&[], "a", at_once()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}
