//! Namespaces, and clearing them.

use traffik::{Backend, ErrorKind};
use traffik_tests::{RedisCluster, RedisServer};

use super::{PATIENCE, text};

async fn named(url: &str, namespace: &str) -> Backend {
    let backend = Backend::redis(url).namespace(namespace).timeout(PATIENCE);
    backend.connect().await.unwrap()
}

/// A namespace is separate, whatever its bytes, and clearing it changes no other.
async fn assert_namespaces_separate(url: &str) {
    let namespaces = [
        "*", "a*", "ab", "[ab]*", "?", "a", "a:b", "\\", "{a}", "^", "a%3Ab", "",
    ];
    let mut backends = Vec::new();
    for namespace in namespaces {
        let backend = named(url, namespace).await;
        for key in 0..50 {
            backend
                .set(&key.to_string(), namespace, None)
                .await
                .unwrap();
        }
        backends.push(backend);
    }
    for (place, backend) in backends.iter().enumerate() {
        for (other, namespace) in backends.iter().zip(namespaces).skip(place) {
            let value = text(other.get("7").await.unwrap());
            assert_eq!(value.as_deref(), Some(namespace), "after {place}");
        }
        backend.clear().await.unwrap();
        for key in 0..50 {
            assert_eq!(backend.get(&key.to_string()).await.unwrap(), None);
        }
    }
}

#[tokio::test]
async fn separates_namespaces_on_one_server() {
    let server = RedisServer::start();
    let () = server.command(&["SET", "of another program", "1"]);
    // A key like those of throttles' states.
    let () = server.command(&["SET", "{a:client}:uid", "1"]);
    assert_namespaces_separate(&server.url()).await;
    let keys: Vec<String> = server.command(&["KEYS", "*"]);
    assert_eq!(keys, ["of another program"]);
}

#[tokio::test]
async fn separates_namespaces_on_a_cluster() {
    let cluster = RedisCluster::start();
    assert_namespaces_separate(&cluster.url()).await;
}

#[tokio::test]
async fn clears_more_keys_than_one_scan_returns() {
    let server = RedisServer::start();
    let backend = named(&server.url(), "many").await;
    let keys: Vec<_> = (0..5_000).map(|key| key.to_string()).collect();
    let entries: Vec<_> = keys.iter().map(|key| (&**key, "1")).collect();
    backend.multi_set(&entries, None).await.unwrap();
    assert_eq!(server.command::<i64>(&["DBSIZE"]), 5_000);
    backend.clear().await.unwrap();
    assert_eq!(server.command::<i64>(&["DBSIZE"]), 0);
}

/// Closing a backend clears nothing that others share, unless it is configured to.
#[tokio::test]
async fn clears_on_close_only_if_not_persistent() {
    let server = RedisServer::start();
    let (first, second) = (
        named(&server.url(), "ns").await,
        named(&server.url(), "ns").await,
    );
    first.set("key", "1", None).await.unwrap();
    first.close().await.unwrap();
    let error = first.get("key").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(second.get("key").await.unwrap().is_some());

    let wiping = Backend::redis(server.url())
        .namespace("ns")
        .persistent(false);
    let wiping = wiping.connect().await.unwrap();
    wiping.close().await.unwrap();
    assert_eq!(second.get("key").await.unwrap(), None);
}

/// A backend that cannot clear reports it.
#[tokio::test]
async fn is_unsupported_on_a_minimal_store() {
    struct Empty;
    impl traffik::Store for Empty {
        async fn get(&self, _: &str) -> Result<Option<Vec<u8>>, traffik::Error> {
            Ok(None)
        }
        async fn compare_and_swap(
            &self,
            _: &str,
            _: Option<&[u8]>,
            _: Option<&[u8]>,
            _: Option<std::time::Duration>,
        ) -> Result<bool, traffik::Error> {
            Ok(false)
        }
    }
    let backend = Backend::custom(Empty);
    assert_eq!(
        backend.clear().await.unwrap_err().kind(),
        ErrorKind::Unsupported
    );
    // The swap of this store never succeeds, and the caller gets an error for that.
    let error = backend.set("key", "1", None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Contention);
}
