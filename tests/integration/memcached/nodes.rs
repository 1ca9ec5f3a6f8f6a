//! Addresses of servers, and the distribution of clients among several.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use traffik::{Backend, ErrorKind, Identity};
use traffik_tests::MemcachedServer;

use super::{connect, settings, throttle};

async fn assert_works(backend: &Backend) {
    backend.ready().await.unwrap();
    assert_eq!(backend.increment("n", 2).await.unwrap(), 2);
    let throttle = throttle(backend, "1/day");
    let client = Identity::new("user");
    assert!(throttle.hit(&client, 1).await.unwrap().admitted);
    assert!(!throttle.hit(&client, 1).await.unwrap().admitted);
}

#[tokio::test]
async fn accepts_every_name_of_a_server() {
    let server = MemcachedServer::start();
    for url in [
        server.url(),
        format!("tcp://{}", server.url()),
        format!("localhost:{}", server.port()),
    ] {
        assert_works(&settings(&url).connect().await.unwrap()).await;
        assert_works(&settings(&url).lazy()).await;
    }
}

#[tokio::test]
async fn connects_to_a_unix_socket() {
    let mut server = MemcachedServer::start_on_socket();
    let backend = connect(&server).await;
    assert_works(&backend).await;
    server.restart();
    // This thread was blocked, so no task has noticed the closed sockets.
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(backend.get("n").await.unwrap(), None);
}

#[tokio::test]
async fn connects_over_ipv6() {
    if TcpListener::bind("[::1]:0").is_err() {
        // This machine has no IPv6.
        return;
    }
    let server = MemcachedServer::start_on_ipv6();
    assert_works(&connect(&server).await).await;
}

#[tokio::test]
async fn reports_nodes_that_cannot_work_at_once() {
    for nodes in ["", "http://127.0.0.1", "127.0.0.1:x", "a,a"] {
        let error = settings(nodes).connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{nodes}");
        let lazy = settings(nodes).lazy();
        assert_eq!(
            lazy.get("key").await.unwrap_err().kind(),
            ErrorKind::Configuration
        );
        assert_eq!(
            lazy.ready().await.unwrap_err().kind(),
            ErrorKind::Configuration
        );
    }
    let mut gone = MemcachedServer::start();
    gone.kill();
    let start = Instant::now();
    let error = settings(gone.url()).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(start.elapsed() < Duration::from_secs(2));
    // A name that fails to resolve later is an ordinary failure.
    let lazy = settings(gone.url()).lazy();
    assert_eq!(
        lazy.get("key").await.unwrap_err().kind(),
        ErrorKind::Connection
    );
    gone.restart();
    assert_works(&lazy).await;
}

/// Clients are spread over all servers, whatever the order of their names; a client whose server is
/// down has no other, and the others are not affected.
#[tokio::test]
async fn spreads_clients_over_several_servers() {
    let mut servers = [(); 3].map(|()| MemcachedServer::start());
    let urls: Vec<_> = servers.iter().map(MemcachedServer::url).collect();
    let one = settings(&*urls).namespace("ns").connect().await.unwrap();
    let reversed: Vec<_> = urls.iter().rev().cloned().collect();
    let other = settings(reversed.join(","))
        .namespace("ns")
        .connect()
        .await
        .unwrap();
    let keys: Vec<_> = (0..90).map(|key| format!("key {key}")).collect();
    let entries: Vec<_> = keys.iter().map(|key| (&**key, key)).collect();
    one.multi_set(&entries, None).await.unwrap();
    let names: Vec<_> = keys.iter().map(|key| &**key).collect();
    let values = other.multi_get(&names).await.unwrap();
    let expected = keys.iter().map(|key| Some(key.clone().into_bytes()));
    assert!(values.into_iter().eq(expected));
    let items: Vec<_> = servers
        .iter()
        .map(|server| server.stats()["curr_items"])
        .collect();
    assert!(items.iter().all(|items| *items > 10), "{items:?}");
    assert_eq!(items.iter().sum::<u64>(), 90);

    let (a, b) = (throttle(&one, "10/day"), throttle(&other, "10/day"));
    for client in 0..30_u64 {
        let client = Identity::from(client);
        for _ in 0..5 {
            assert!(a.hit(&client, 1).await.unwrap().admitted);
            assert!(b.hit(&client, 1).await.unwrap().admitted);
        }
        assert!(!b.hit(&client, 1).await.unwrap().admitted);
    }

    servers[1].kill();
    let mut away = 0;
    for client in 0..30_u64 {
        match a.hit(&Identity::from(client), 1).await {
            Ok(decision) => assert!(!decision.admitted),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Connection);
                away += 1;
            }
        }
    }
    assert!((1..30).contains(&away), "{away}");
    assert!(one.ready().await.is_err());
    servers[1].restart();
    one.ready().await.unwrap();
}

/// A server without memory reports it, and no failed write counts as done.
#[tokio::test]
async fn reports_a_server_that_is_full() {
    let server = MemcachedServer::start_with(&["-m", "2", "-M"]);
    let backend = connect(&server).await;
    let value = vec![b'x'; 100_000];
    let mut keys = 0;
    let error = loop {
        if let Err(error) = backend.set(&keys.to_string(), &value, None).await {
            break error;
        }
        keys += 1;
        assert!(keys < 10_000, "it is never full");
    };
    assert!(!error.may_have_counted(), "{error}");
    assert_eq!(error.kind(), ErrorKind::Connection);
    backend.ready().await.unwrap();
}
