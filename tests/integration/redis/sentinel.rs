//! Failovers of a primary that Sentinel monitors.

use std::time::{Duration, Instant};

use traffik::failure::raise;
use traffik::{Backend, DynThrottle, ErrorKind, Identity, Tls};
use traffik_tests::{Certificates, RedisFailover};

use super::{resume, settings, text};

#[tokio::test(flavor = "multi_thread")]
async fn follows_a_failover() {
    let mut servers = RedisFailover::start();
    let settings = settings(servers.url()).timeout(Duration::from_millis(250));
    let backend = settings.connect().await.unwrap();
    backend.set("written", "before", None).await.unwrap();
    let replicated: i64 = servers.primary.command(&["WAIT", "1", "2000"]);
    assert!(replicated <= 1);
    let start = Instant::now();
    while servers.replica.command::<i64>(&["DBSIZE"]) == 0 {
        assert!(start.elapsed() < Duration::from_secs(10));
    }
    servers.primary.kill();
    servers.await_failover();
    let took = resume(&backend).await;
    assert!(took < Duration::from_secs(4), "{took:?}");
    let value = text(backend.get("written").await.unwrap());
    assert_eq!(value.as_deref(), Some("before"));
    let role: redis::Value = servers.replica.command(&["ROLE"]);
    assert!(format!("{role:?}").contains("master"));
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_a_primary_of_another_name() {
    let servers = RedisFailover::start();
    let url = servers.url().replace("mymaster", "another");
    let error = settings(url).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
}

/// The hits that the old primary counts after its replica was promoted are lost. Nothing breaks the
/// connection to it: Sentinel makes it a replica only some ten seconds later.
#[tokio::test(flavor = "multi_thread")]
async fn loses_few_counts_in_a_planned_failover() {
    const HITS: Duration = Duration::from_secs(6);
    const BOUND: Duration = Duration::from_secs(3);

    let servers = RedisFailover::start();
    let throttle = async || {
        let backend = Backend::redis(servers.url()).namespace("planned").connect();
        let throttle = DynThrottle::builder("planned").rate("1000000/day".parse().unwrap());
        let throttle = throttle.backend(backend.await.unwrap()).on_error(raise());
        throttle.build().unwrap()
    };
    let client = Identity::new("client");
    let before = throttle().await;
    let mut admitted = 0_u64;
    before.hit(&client, 1).await.unwrap();
    servers.fail_over();
    let start = Instant::now();
    while start.elapsed() < HITS {
        admitted += u64::from(before.hit(&client, 1).await.is_ok());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    servers.await_failover();
    let after = throttle().await.stat(&client).await.unwrap();
    let counted = 1_000_000 - after.hits_remaining;
    let lost = (admitted + 1).saturating_sub(counted) as f64 / admitted as f64;
    let lost = HITS.mul_f64(lost);
    println!("{admitted} hits were admitted, {counted} are counted; lost: {lost:?}");
    assert!(
        admitted > 100 && lost < BOUND,
        "{admitted} hits, {lost:?} lost"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn follows_a_failover_with_tls_and_passwords() {
    let certificates = Certificates::new();
    let mut servers = RedisFailover::start_secured(&certificates);
    let (password, secret) = (RedisFailover::PASSWORD, RedisFailover::SENTINEL_PASSWORD);
    let url = format!("rediss+sentinel://:{password}@{}", servers.tls_address());
    let tls = Tls::new().ca(certificates.text("ca.pem")).client(
        certificates.text("client.pem"),
        certificates.text("client.key"),
    );
    let with = |user: &str, secret: &str| {
        let settings = settings(&url).timeout(Duration::from_millis(250));
        settings.tls(tls.clone()).sentinel_auth(user, secret)
    };
    let backend = with("watcher", secret).connect().await.unwrap();
    with("", "admin").connect().await.unwrap();
    let in_url = format!(
        "{url}?sentinel_user=watcher&sentinel_password={secret}&ca={}&cert={}&key={}",
        certificates.path("ca.pem"),
        certificates.path("client.pem"),
        certificates.path("client.key"),
    );
    settings(in_url).connect().await.unwrap();
    let without = settings(&url).tls(tls.clone());
    for wrong in [with("watcher", "other"), with("", secret), without] {
        let error = wrong.connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
        assert!(!error.to_string().contains(secret), "{error}");
    }
    servers.primary.kill();
    servers.await_failover();
    let took = resume(&backend).await;
    assert!(took < Duration::from_secs(4), "{took:?}");
}
