//! A primary that Sentinels know.

use std::time::{Duration, Instant};

use traffik::ErrorKind;
use traffik_tests::RedisFailover;

use super::{back, settings, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_is_followed() {
    let mut servers = RedisFailover::start();
    let settings = settings(servers.url()).timeout(Duration::from_millis(250));
    let backend = settings.connect().await.unwrap();
    backend.set("written", "before", None).await.unwrap();
    let replicated: i64 = servers.primary.ask(&["WAIT", "1", "2000"]);
    assert!(replicated <= 1);
    let start = Instant::now();
    while servers.replica.ask::<i64>(&["DBSIZE"]) == 0 {
        assert!(start.elapsed() < Duration::from_secs(10));
    }
    servers.primary.kill();
    servers.await_failover();
    let took = back(&backend).await;
    assert!(took < Duration::from_secs(4), "{took:?}");
    let value = text(backend.get("written").await.unwrap());
    assert_eq!(value.as_deref(), Some("before"));
    let role: redis::Value = servers.replica.ask(&["ROLE"]);
    assert!(format!("{role:?}").contains("master"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_of_another_name() {
    let servers = RedisFailover::start();
    let url = servers.url().replace("mymaster", "another");
    let error = settings(url).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
}
