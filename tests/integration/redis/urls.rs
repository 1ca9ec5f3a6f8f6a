//! URLs that cannot work, and clients of the application.

use std::time::Duration;

use traffik::{Backend, ErrorKind};
use traffik_tests::{RedisCluster, RedisServer};

use super::within;

/// A URL that cannot work fails once and for every caller.
#[tokio::test]
async fn refuses_malformed_urls() {
    for url in [
        "",
        "localhost",
        "http://example/",
        "redis://h/first",
        "redis+sentinel://h",
    ] {
        let error = Backend::redis(url).connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{url}: {error}");
        let backend = Backend::redis(url).lazy();
        let errors = [
            backend.ready().await.unwrap_err(),
            backend.get("key").await.unwrap_err(),
            backend.clear().await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Configuration, "{url}: {error}");
        }
    }
}

#[tokio::test]
async fn reports_an_unreachable_server() {
    let mut server = RedisServer::start();
    server.kill();
    for url in [
        server.url(),
        format!("redis+cluster://127.0.0.1:{}", server.port()),
        format!("redis+sentinel://127.0.0.1:{}/mymaster", server.port()),
        "unix:///nowhere/redis.sock".to_owned(),
    ] {
        let connecting = Backend::redis(&url).connect();
        let error = within(Duration::from_secs(1), connecting)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection, "{url}: {error}");
        assert!(!error.may_have_counted());
    }
}

#[tokio::test]
async fn authenticates_with_a_password() {
    let server = RedisServer::start_with(&["--requirepass", "p@ss"]);
    let url = |password: &str| format!("redis://:{password}@127.0.0.1:{}/", server.port());
    Backend::redis(url("p%40ss")).connect().await.unwrap();
    for wrong in [url("other"), server.url()] {
        let error = Backend::redis(wrong).connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
        assert!(!error.to_string().contains("other"));
    }
}

#[tokio::test]
async fn selects_a_unix_socket_and_a_database() {
    let socket = std::env::temp_dir().join(format!("traffik-{}.sock", std::process::id()));
    let server = RedisServer::start_with(&["--unixsocket", &socket.display().to_string()]);
    let url = format!("unix://{}?db=3", socket.display());
    let backend = Backend::redis(url).connect().await.unwrap();
    backend.set("key", "1", None).await.unwrap();
    let info: String = server.command(&["INFO", "keyspace"]);
    assert!(info.contains("db3:keys=1"), "{info}");
    let _ = std::fs::remove_file(socket);
}

#[tokio::test]
async fn accepts_clients_of_the_application() {
    let server = RedisServer::start();
    let client = redis::Client::open(server.url()).unwrap();
    let backend = Backend::redis_client(client).connect().await.unwrap();
    assert_eq!(backend.increment("n", 1).await.unwrap(), 1);

    let mut cluster = RedisCluster::start();
    let nodes = vec![cluster.nodes()[2].url()];
    let client = redis::cluster::ClusterClient::builder(nodes)
        .retries(0)
        .build();
    let backend = Backend::redis_cluster_client(client.unwrap());
    let backend = backend.connect().await.unwrap();
    assert_eq!(backend.increment("n", 1).await.unwrap(), 1);
}
