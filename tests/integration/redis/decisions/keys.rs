//! Keys in Redis: their names, their values and their times to live.

use std::collections::HashSet;
use std::time::Duration;

use traffik::strategy::{Adaptive, SlidingLog, TokenBucket};
use traffik::{DynThrottle, ErrorKind, Identity, ManualClock};
use traffik_tests::RedisServer;

use super::{admits, connect, each, throttle};

fn names(server: &RedisServer) -> Vec<String> {
    server.command(&["KEYS", "*"])
}

/// Identities of any bytes are distinct, and their keys begin with our tag.
#[tokio::test]
async fn distinguishes_identities_of_any_bytes() {
    let server = RedisServer::start();
    let backend = connect(&server).await;
    let throttle = throttle("odd", "1/h", &backend);
    let long = "x".repeat(10_000);
    let every_byte: Vec<u8> = (0..=255).collect();
    let mut odd: Vec<Vec<u8>> = [
        "", " ", "a b", "a\nb", "a:b", "a::b", "{a}", "}", "{", "*", "?", "%20", "a%20b", "é",
        "名前", "😀", "!",
    ]
    .map(|name| name.as_bytes().to_vec())
    .to_vec();
    odd.extend([
        long.clone().into_bytes(),
        format!("{long}y").into_bytes(),
        every_byte.clone(),
    ]);
    let mut clients: Vec<Identity> = odd.iter().map(Identity::new).collect();
    // Two joined clients are one part of the key.
    clients.extend([
        Identity::new("a").and("b"),
        Identity::new("b").and("a"),
        Identity::new("a:id:b").and(""),
        Identity::new(&long).and(Identity::new(&long)),
        Identity::everyone().and(Identity::new(&every_byte)),
    ]);
    for client in &clients {
        assert!(
            admits(&throttle, client, 1).await,
            "{client} is another client"
        );
        assert!(!admits(&throttle, client, 1).await, "{client} is forgotten");
    }
    let names = names(&server);
    assert_eq!(names.len(), clients.len());
    let tags: HashSet<&str> = names
        .iter()
        .filter_map(|name| name.split('}').next())
        .collect();
    assert_eq!(tags.len(), clients.len(), "each has a slot of its own");
    for name in names {
        assert!(
            name.starts_with('{') && name.matches(['{', '}']).count() == 2,
            "{name}"
        );
        assert!(
            name.len() < 250 && name.bytes().all(|byte| byte.is_ascii_graphic()),
            "{name}"
        );
    }
}

/// Every key expires, and no key before its state has ended.
#[tokio::test]
async fn expires_all_keys() {
    let server = RedisServer::start();
    let backend = connect(&server).await;
    for (name, throttle) in each(&backend, 3) {
        for _ in 0..3 {
            let decision = throttle.hit(&Identity::new(name), 1).await.unwrap();
            let key = names(&server)
                .into_iter()
                .find(|key| key.contains(&name.replace(' ', "%20")));
            let ttl: i64 = server.command(&["PTTL", &key.expect("a key")]);
            let reset = i64::try_from(decision.reset.as_millis()).unwrap();
            // An adaptive limit may take longer to recover, and the server's clock advances.
            assert!(
                ttl > 0 && ttl <= reset + 20 && ttl > reset - 5_000,
                "{name}: {ttl} of {reset}"
            );
        }
    }
}

/// A bucket of 50 that is refilled at two a second is not full again after the time of a naive TTL.
#[tokio::test]
async fn keeps_a_slow_bucket() {
    let server = RedisServer::start();
    let clock = ManualClock::new();
    let backend = connect(&server).await.clock(clock.clone());
    let bucket = DynThrottle::builder("slow").rate("2/s".parse().unwrap());
    let bucket = bucket
        .strategy(TokenBucket::new().burst(50))
        .backend(backend);
    let bucket = bucket.build().unwrap();
    let client = Identity::new("client");
    assert!(admits(&bucket, &client, 50).await);
    clock.advance(Duration::from_millis(2_200));
    assert_eq!(bucket.stat(&client).await.unwrap().hits_remaining, 4);
}

/// A foreign or corrupt state counts as none and is replaced (promise 7).
#[tokio::test]
async fn replaces_foreign_and_corrupt_states() {
    let server = RedisServer::start();
    let backend = connect(&server).await.clock(ManualClock::new());
    for (name, throttle) in each(&backend, 3) {
        let client = Identity::new(name);
        assert!(admits(&throttle, &client, 3).await);
        let keys = names(&server);
        let key = keys
            .iter()
            .find(|key| key.contains(&name.replace(' ', "%20")))
            .unwrap();
        let whole: Vec<u8> = redis_bytes(&server, key);
        let mut broken: Vec<Vec<u8>> = (0..whole.len()).map(|end| whole[..end].to_vec()).collect();
        broken.push([&whole[..], &[0]].concat());
        broken.push(vec![0xff; whole.len()]);
        broken.push(b"hello".to_vec());
        for broken in broken {
            set_bytes(&server, key, &broken);
            let stat = throttle.stat(&client).await.unwrap();
            assert_eq!(stat.hits_remaining, 3, "{name}: {broken:?}");
            assert!(admits(&throttle, &client, 3).await, "{name}: {broken:?}");
            assert!(!admits(&throttle, &client, 3).await, "{name}: {broken:?}");
        }
        let _: u64 = server.command(&["DEL", key]);
    }
}

fn redis_bytes(server: &RedisServer, key: &str) -> Vec<u8> {
    let mut connection = redis::Client::open(server.url())
        .unwrap()
        .get_connection()
        .unwrap();
    redis::cmd("GET").arg(key).query(&mut connection).unwrap()
}

fn set_bytes(server: &RedisServer, key: &str, value: &[u8]) {
    let mut connection = redis::Client::open(server.url())
        .unwrap()
        .get_connection()
        .unwrap();
    redis::cmd("SET")
        .arg(key)
        .arg(value)
        .arg("EX")
        .arg(100)
        .exec(&mut connection)
        .unwrap();
}

/// A log that Redis would have to copy at every hit is refused, with advice.
#[tokio::test]
async fn refuses_logs_that_are_too_long() {
    let server = RedisServer::start();
    let log = DynThrottle::builder("log").rate("1000000/d".parse().unwrap());
    let log = log
        .strategy(SlidingLog::new())
        .backend(connect(&server).await);
    let refused = log
        .build()
        .unwrap()
        .hit(&Identity::new("client"), 1)
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Configuration);
    assert!(
        refused.to_string().contains("use `sliding_counter`"),
        "{refused}"
    );
}

/// A cut limit lives as long as the recovery of the law that a refused hit applied, and no shorter
/// than before (L30).
#[tokio::test]
async fn keeps_a_cut_limit_for_a_slower_recovery() {
    let server = RedisServer::start();
    let backend = connect(&server).await;
    let client = Identity::new("client");
    // Only the millisecond to which times to live are rounded up.
    let rounding = Duration::from_millis(500);
    for rates in [&["4/h"][..], &["4/h", "4/day"]] {
        let uid = format!("{} adaptive", rates.len());
        let throttle = |recovery: f64| {
            let strategy = Adaptive::new().threshold(0.5).reduction(0.5);
            let builder = DynThrottle::builder(&uid).strategy(strategy.recovery(recovery));
            let rates = rates.iter().map(|rate| rate.parse().unwrap());
            let builder = rates.fold(builder, traffik::DynThrottleBuilder::rate);
            builder.backend(backend.clone()).build().unwrap()
        };
        let fast = throttle(0.5);
        while admits(&fast, &client, 1).await {}
        let key = names(&server).pop().expect("a key");
        let lives = || Duration::from_millis(server.command(&["PTTL", &key]));
        let before = lives();
        let value: Vec<u8> = server.command(&["GET", &key]);

        // Another deployment: two throttles of one uid differ.
        drop(fast);
        let slow = throttle(0.01);
        let refused = slow.hit(&client, 4).await.unwrap();
        assert!(!refused.admitted && refused.reset > 5 * before);
        assert!(lives() + rounding >= refused.reset, "{:?}", lives());
        drop(slow);
        assert!(!admits(&throttle(0.5), &client, 4).await);
        assert!(lives() + rounding >= refused.reset, "{:?}", lives());
        let after: Vec<u8> = server.command(&["GET", &key]);
        assert_eq!(after, value, "a refusal writes nothing else");
        let () = server.command(&["FLUSHALL"]);
    }
}
