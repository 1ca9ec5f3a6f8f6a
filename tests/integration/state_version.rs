//! States in the format of version 1 count as none, on every store of bytes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use traffik::strategy::TokenBucket;
use traffik::{Backend, DynThrottle, Identity, ManualClock};
use traffik_tests::{MemcachedServer, OpenStore, RedisServer};

const HOUR: u64 = 3_600_000_000;

/// A full bucket of one token an hour in the format of version 1: a limit of 32 bits among doubles.
fn version_1(at: u64) -> Vec<u8> {
    let mut bytes = vec![1, 3, 0, 0, 0, 0, 1];
    for number in [HOUR, at, HOUR] {
        bytes.extend((number as f64).to_be_bytes());
    }
    bytes
}

/// The state of [`version_1`] in the current format.
fn version_2(at: u64) -> Vec<u8> {
    let mut bytes = vec![2, 3, 0];
    for number in [1, HOUR, at, HOUR] {
        bytes.extend((number as f64).to_be_bytes());
    }
    bytes
}

/// Reports that a bucket of this rate is full after these bytes replaced its state.
async fn is_full_with(
    backend: Backend,
    bytes: fn(u64) -> Vec<u8>,
    replace: impl AsyncFn(&[u8]),
) -> bool {
    let clock = ManualClock::new();
    let bucket = DynThrottle::builder("bucket").rate("1/h".parse().unwrap());
    let bucket = bucket.strategy(TokenBucket::new());
    let bucket = bucket.backend(backend.clock(clock.clone())).build();
    let (bucket, client) = (bucket.unwrap(), Identity::new("client"));
    assert!(bucket.hit(&client, 1).await.unwrap().admitted);
    let at = u64::try_from(clock.now().as_micros()).unwrap();
    replace(&bytes(at)).await;
    let remaining = bucket.stat(&client).await.unwrap().hits_remaining;
    let admitted = bucket.hit(&client, 1).await.unwrap().admitted;
    assert_eq!((remaining == 1), admitted);
    !admitted
}

#[tokio::test]
async fn ignores_version_1_on_redis() {
    let server = RedisServer::start();
    let replace = async |bytes: &[u8]| {
        let [key]: [String; 1] = server.command(&["KEYS", "*"]);
        let client = redis::Client::open(server.url()).unwrap();
        let mut connection = client.get_connection().unwrap();
        let set = redis::cmd("SET").arg(key).arg(bytes).to_owned();
        set.exec(&mut connection).unwrap();
    };
    for (bytes, full) in [(version_2 as fn(u64) -> Vec<u8>, true), (version_1, false)] {
        let _: () = server.command(&["FLUSHALL"]);
        let backend = Backend::redis(server.url()).connect().await.unwrap();
        assert_eq!(is_full_with(backend, bytes, replace).await, full);
    }
}

#[tokio::test]
async fn ignores_version_1_on_memcached() {
    let server = MemcachedServer::start();
    let replace = async |bytes: &[u8]| {
        let lines = server.command("lru_crawler metadump all", "END");
        let key = lines.iter().find_map(|line| line.strip_prefix("key="));
        let key = key.and_then(|line| line.split(' ').next()).unwrap();
        let key = key.replace("%7B", "{").replace("%7D", "}");
        let key = key.replace("%3A", ":");
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        write!(stream, "replace {key} 0 0 {}\r\n", bytes.len()).unwrap();
        stream.write_all(&[bytes, b"\r\n"].concat()).unwrap();
        let mut answer = [0; 8];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"STORED\r\n");
    };
    for (bytes, full) in [(version_2 as fn(u64) -> Vec<u8>, true), (version_1, false)] {
        server.flush_all();
        let backend = Backend::memcached(server.url()).connect().await.unwrap();
        assert_eq!(is_full_with(backend, bytes, replace).await, full);
    }
}

#[tokio::test]
async fn ignores_version_1_on_a_custom_store() {
    for (bytes, full) in [(version_2 as fn(u64) -> Vec<u8>, true), (version_1, false)] {
        let store = OpenStore::default();
        let replace = async |bytes: &[u8]| store.replace_all(bytes);
        let backend = Backend::custom(store.clone());
        assert_eq!(is_full_with(backend, bytes, replace).await, full);
    }
}
