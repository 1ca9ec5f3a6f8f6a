//! The permissions in the guide are sufficient, and a missing one is reported by name.

use std::time::{Duration, Instant};

use traffik::failure::raise;
use traffik::strategy::{FixedWindow, SlidingLog, TokenBucket};
use traffik::{Backend, DynThrottle, ErrorKind, Identity};
use traffik_tests::{RedisCluster, RedisFailover, RedisServer};

use super::settings;

/// The namespace and the password in the guide.
const NAMESPACE: &str = "prod";
const PASSWORD: &str = "secret";

/// Returns the lines of the guide that create and extend a user.
fn lines() -> Vec<Vec<&'static str>> {
    let guide = include_str!("../../../traffik/docs/backends.md");
    let lines = guide
        .lines()
        .filter(|line| line.starts_with("ACL SETUSER traffik"));
    let lines: Vec<_> = lines
        .map(|line| {
            line.split('#')
                .next()
                .unwrap_or(line)
                .split_whitespace()
                .collect()
        })
        .collect();
    assert_eq!(lines.len(), 6, "the guide lists them");
    lines
}

/// Creates the guide's user, with its first lines.
fn permit(server: &RedisServer, count: usize) {
    for line in &lines()[..count] {
        let () = server.command(line);
    }
}

fn user(server: &RedisServer) -> String {
    format!("redis://traffik:{PASSWORD}@127.0.0.1:{}/", server.port())
}

async fn connect(url: &str) -> Backend {
    let backend = settings(url).namespace(NAMESPACE).connect().await;
    backend.expect("all that is needed is permitted")
}

/// Decides under several strategies, and with a list of rates.
async fn assert_decides(backend: &Backend) {
    let builder = |uid: &str, rate: &str| {
        let builder = DynThrottle::builder(uid).rate(rate.parse().expect("a rate"));
        builder.backend(backend.clone()).on_error(raise())
    };
    let throttles = [
        builder("window", "2/h").strategy(FixedWindow::new()),
        builder("bucket", "2/h").strategy(TokenBucket::new()),
        builder("log", "2/h").strategy(SlidingLog::new()),
    ];
    let client = Identity::new("client");
    for throttle in throttles {
        let throttle = throttle.build().expect("a throttle that works");
        let mut admitted = Vec::new();
        for _ in 0..3 {
            admitted.push(throttle.hit(&client, 1).await.expect("it decides").admitted);
        }
        assert_eq!(admitted, [true, true, false]);
    }
    // A refusal under a rate that needs the state for longer extends its life.
    let strict = builder("bucket", "2/day").strategy(TokenBucket::new());
    let strict = strict.build().expect("a throttle that works");
    let refused = strict.hit(&client, 2).await.expect("it decides");
    assert!(!refused.admitted);
}

#[tokio::test]
async fn decides_with_the_least_permissions_of_the_guide() {
    let server = RedisServer::start();
    permit(&server, 1);
    let backend = connect(&user(&server)).await;
    assert_decides(&backend).await;
    backend.ready().await.unwrap();
    // A replica or a restarted server has no script.
    let () = server.command(&["SCRIPT", "FLUSH"]);
    backend.ready().await.unwrap();
    assert_eq!(server.calls("script|load"), 0);
}

/// A server that does not permit a decision is reported when the backend connects, not at the first
/// request.
#[tokio::test]
async fn connect_and_ready_name_a_missing_permission() {
    let server = RedisServer::start();
    for missing in [
        "-eval",
        "-get",
        "-getrange",
        "-pexpire",
        "-pttl",
        "-set",
        "-setrange",
        "-strlen",
        "-time",
        "resetkeys",
    ] {
        permit(&server, 1);
        let () = server.command(&["SCRIPT", "FLUSH"]);
        let () = server.command(&["ACL", "SETUSER", "traffik", missing]);
        let settings = || settings(user(&server)).namespace(NAMESPACE);
        let error = settings().connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{missing}: {error}");
        assert!(error.to_string().contains("permit"), "{missing}: {error}");
        let error = settings().lazy().ready().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{missing}: {error}");
    }
}

/// `EVALSHA` only saves sending the script.
#[tokio::test]
async fn decides_with_only_eval() {
    let server = RedisServer::start();
    permit(&server, 1);
    let () = server.command(&["ACL", "SETUSER", "traffik", "-evalsha"]);
    let backend = connect(&user(&server)).await;
    assert_decides(&backend).await;
}

#[tokio::test]
async fn connect_and_ready_name_scripts_that_are_disabled() {
    let renamed = ["EVAL", "EVALSHA"].map(|name| ["--rename-command", name, ""]);
    let server = RedisServer::start_with(renamed.as_flattened());
    let error = settings(server.url()).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert!(error.to_string().contains("EVAL"), "{error}");
    let backend = settings(server.url()).lazy();
    let error = backend.ready().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    // Operations without scripts work.
    backend.set("key", "value", None).await.unwrap();
}

#[tokio::test]
async fn connect_and_ready_name_a_server_that_accepts_no_writes() {
    let server = RedisServer::start();
    let () = server.command(&["REPLICAOF", "127.0.0.1", "1"]);
    let error = settings(server.url()).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    assert!(error.to_string().contains("ReadOnly"), "{error}");
    let error = settings(server.url()).lazy().ready().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
}

/// A server without memory is not ready, but the backend may connect: memory may become free.
#[tokio::test]
async fn connects_to_a_server_that_is_out_of_memory() {
    let server = RedisServer::start();
    let () = server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let backend = settings(server.url()).connect().await.unwrap();
    let error = backend.ready().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    let () = server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    backend.ready().await.unwrap();
}

#[tokio::test]
async fn checks_readiness_without_writing() {
    let server = RedisServer::start();
    let backend = settings(server.url()).connect().await.unwrap();
    backend.ready().await.unwrap();
    assert_eq!(server.command::<i64>(&["DBSIZE"]), 0);
}

/// All permissions in the guide permit every operation of a backend.
#[tokio::test]
async fn all_permissions_of_the_guide_permit_all_operations() {
    let server = RedisServer::start();
    permit(&server, 4);
    let backend = connect(&user(&server)).await;
    let minute = Duration::from_secs(60);
    backend.set("key", "value", Some(minute)).await.unwrap();
    assert!(backend.expire("key", minute).await.unwrap());
    assert!(backend.expire("key", Duration::MAX).await.unwrap());
    assert!(backend.delete("key").await.unwrap());
    assert_eq!(backend.increment("n", 2).await.unwrap(), 2);
    let sum = backend.increment_with_ttl("m", 2, minute).await.unwrap();
    assert_eq!(sum, 2);
    let swap = backend.compare_and_swap("c", None, Some(b"1"), None).await;
    assert!(swap.unwrap());
    let swap = backend.compare_and_swap("c", Some(b"1"), None, None).await;
    assert!(swap.unwrap());
    backend.multi_set(&[("a", "1")], None).await.unwrap();
    assert!(backend.multi_get(&["a"]).await.unwrap()[0].is_some());
    let lock = backend.lock("lock", traffik::LockOptions::default()).await;
    lock.unwrap().release().await.unwrap();
    assert_decides(&backend).await;
    backend.clear().await.unwrap();
    assert_eq!(server.command::<i64>(&["DBSIZE"]), 0);
    let log: Vec<redis::Value> = server.command(&["ACL", "LOG"]);
    assert!(log.is_empty(), "{log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn decides_on_a_cluster_with_the_permissions_of_the_guide() {
    let mut cluster = RedisCluster::start();
    for node in cluster.nodes() {
        permit(node, 1);
        let () = node.command(&lines()[4]);
    }
    let url = cluster.url().replace("://", "://traffik:secret@");
    let backend = connect(&url).await;
    assert_decides(&backend).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn decides_behind_sentinels_with_the_permissions_of_the_guide() {
    let servers = RedisFailover::start();
    permit(&servers.primary, 1);
    let () = servers.primary.command(&lines()[5]);
    let url = servers.url().replace("://", "://traffik:secret@");
    let start = Instant::now();
    let backend = connect(&url).await;
    assert_decides(&backend).await;
    assert!(start.elapsed() < Duration::from_secs(5));
}
