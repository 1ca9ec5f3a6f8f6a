//! Another client of Memcached, `async-memcached`, reads what traffik wrote, and the reverse.

use std::thread;
use std::time::Duration;

use async_memcached::{AsciiProtocol as _, Client, MetaProtocol as _};
use percent_encoding::percent_decode_str;
use traffik::Identity;
use traffik_tests::MemcachedServer;

use super::{connect, throttle};

async fn client(server: &MemcachedServer) -> Client {
    let client = Client::new(format!("tcp://{}", server.url())).await;
    client.expect("the server is there")
}

/// Returns the keys on a server, sorted. The server may leave new keys out of a list for a
/// moment.
fn keys(server: &MemcachedServer) -> Vec<String> {
    for _ in 0..250 {
        let dump = server.command("lru_crawler metadump all", "END");
        let lines = dump.iter().filter_map(|line| line.strip_prefix("key="));
        let mut keys: Vec<_> = lines
            .map(|line| line.split(' ').next().unwrap_or(line))
            .map(|key| percent_decode_str(key).decode_utf8_lossy().into_owned())
            .collect();
        if !keys.is_empty() {
            keys.sort();
            return keys;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("the server lists no key");
}

#[tokio::test]
async fn reads_the_values_of_the_other() {
    let server = MemcachedServer::start();
    let (backend, mut other) = (connect(&server).await, client(&server).await);
    let values = [
        Vec::new(),
        b"END\r\nVA 2 O1\r\nhi\r\n".to_vec(),
        (0..=u8::MAX).collect(),
        vec![b'x'; 700_000],
    ];
    backend.set("key", b"", None).await.unwrap();
    let [key] = &*keys(&server) else {
        panic!("one key");
    };
    for value in values {
        backend.set("key", &value, None).await.unwrap();
        let read = other.get(key).await.unwrap().unwrap();
        assert_eq!(read.data.unwrap_or_default(), value);
        let written: Vec<u8> = value.iter().rev().copied().collect();
        let set = other.set(key, &*written, None, None).await;
        set.unwrap();
        assert_eq!(backend.get("key").await.unwrap(), Some(written));
    }
    assert!(backend.delete("key").await.unwrap());
    assert_eq!(other.get(key).await.unwrap(), None);
}

/// Numbers are digits, to which both clients add.
#[tokio::test]
async fn adds_to_the_same_numbers() {
    let server = MemcachedServer::start();
    let (backend, mut other) = (connect(&server).await, client(&server).await);
    let ttl = Duration::from_secs(600);
    let sum = backend.increment_with_ttl("n", 40, ttl).await.unwrap();
    assert_eq!(sum, 40);
    let key = keys(&server).remove(0);
    assert_eq!(other.increment(&key, 2).await.unwrap(), 42);
    assert_eq!(backend.increment("n", 1).await.unwrap(), 43);
    let flags = Some(&["v", "t"][..]);
    let read = other.meta_get(&key, false, Some(b"7"), flags).await;
    let read = read.unwrap().unwrap();
    assert_eq!(read.data.as_deref(), Some(&b"43"[..]));
    let left = read.ttl_remaining.unwrap();
    assert!((590..=602).contains(&left), "{left}");
}

/// The count of a window is one number under one key, the same for every decision.
#[tokio::test]
async fn reads_the_counter_of_a_window() {
    let server = MemcachedServer::start();
    let (backend, mut other) = (connect(&server).await, client(&server).await);
    let throttle = throttle(&backend, "100/10w");
    let user = Identity::new("user");
    let mut last = None;
    for hit in 1..=5 {
        assert!(throttle.hit(&user, 3).await.unwrap().admitted);
        let [key] = &*keys(&server) else {
            panic!("one key");
        };
        let read = other.get(key).await.unwrap().unwrap();
        let number = String::from_utf8(read.data.unwrap()).unwrap();
        // Ten bits are the tag of the counter.
        let number: u64 = number.trim().parse().unwrap();
        assert_eq!(number >> 10, 3 * hit);
        let last = last.replace((key.clone(), number % 1024));
        assert!(last.is_none_or(|last| last == (key.clone(), number % 1024)));
    }
}
