//! Tests of the URLs of Redis servers.

use redis::ConnectionAddr;

use super::{Topology, parse as target};

fn parse(url: &str) -> Result<Topology, String> {
    target(url).map(|target| target.topology)
}

fn tcp(host: &str, port: u16) -> ConnectionAddr {
    ConnectionAddr::Tcp(host.to_owned(), port)
}

#[test]
fn parses_one_server() {
    for url in [
        "redis://:secret@example/3",
        "valkey://:secret@example:6379/3",
    ] {
        let Ok(Topology::One(info)) = parse(url) else {
            panic!("{url}");
        };
        assert_eq!(*info.addr(), tcp("example", 6379));
        assert_eq!(info.redis_settings().db(), 3);
        assert_eq!(info.redis_settings().password(), Some("secret"));
    }
    let Ok(Topology::One(info)) = parse("redis://:a,b@example") else {
        panic!("a comma in a password");
    };
    assert_eq!(info.redis_settings().password(), Some("a,b"));
    let Ok(Topology::One(info)) = parse("unix:///run/redis.sock?db=2") else {
        panic!("a Unix socket");
    };
    assert_eq!(*info.addr(), ConnectionAddr::Unix("/run/redis.sock".into()));
}

#[cfg(feature = "redis-cluster")]
#[test]
fn parses_a_cluster() {
    let url = "redis+cluster://me:se%40cret@a:7000,b,[::1]:7001?protocol=resp3";
    let Ok(Topology::Cluster(nodes)) = parse(url) else {
        panic!("a Cluster");
    };
    let addresses: Vec<_> = nodes.iter().map(|node| node.addr().clone()).collect();
    assert_eq!(
        addresses,
        [tcp("a", 7000), tcp("b", 6379), tcp("::1", 7001)]
    );
    for node in &nodes {
        assert_eq!(node.redis_settings().username(), Some("me"));
        assert_eq!(node.redis_settings().password(), Some("se@cret"));
    }
    assert!(parse("redis+cluster://a,b/1").is_err());
}

#[cfg(feature = "redis-sentinel")]
#[test]
fn parses_sentinels() {
    let Ok(Topology::Sentinel(sentinel)) = parse("redis+sentinel://:pw@a,b:1,[::1]/my%20master/4")
    else {
        panic!("Sentinels");
    };
    let addresses = sentinel.sentinels.iter().map(|info| info.addr().clone());
    let expected = [tcp("a", 26379), tcp("b", 1), tcp("::1", 26379)];
    assert_eq!(addresses.collect::<Vec<_>>(), expected);
    assert_eq!(sentinel.master, "my master");
    assert_eq!(sentinel.primary.redis_settings().db(), 4);
    assert_eq!(sentinel.primary.redis_settings().password(), Some("pw"));
    assert!(parse("redis+sentinel://a,b").is_err());
}

#[test]
fn reads_its_own_parameters_and_leaves_the_others() {
    let url = "redis://h/1?ca=%2Fa+b.pem&protocol=resp3&sentinel_user=me&sentinel_password=a%26b";
    let target = target(url).unwrap();
    let Topology::One(info) = target.topology else {
        panic!("one server");
    };
    assert_eq!(info.redis_settings().db(), 1);
    assert_eq!(
        info.redis_settings().protocol(),
        redis::ProtocolVersion::RESP3
    );
    let parameters = target.parameters;
    assert_eq!(parameters.ca.as_deref(), Some("/a+b.pem"));
    let credentials = parameters.sentinel_auth().unwrap().unwrap();
    assert_eq!(credentials.user, "me");
    assert_eq!(credentials.password, "a&b");
    assert!(!format!("{parameters:?}").contains("a&b"));
    for url in [
        "redis://h?ca=",
        "redis://h?ca",
        "redis://h?ca=a&ca=b",
        "redis://h?ca=%ff",
    ] {
        assert!(parse(url).is_err(), "{url}");
    }
}

#[test]
fn refuses_malformed_urls_without_repeating_them() {
    let urls = [
        "",
        "localhost:6379",
        "http://user:hunter2@example",
        "redis://user:hunter2@a,b",
        "redis://user:hunter2@example/first",
        "redis+cluster://user:hunter2@a,,b",
        "redis+sentinel://user:hunter2@a",
        "redis+sentinel://a/m?sentinel_password=hunter2&sentinel_password=hunter2",
        "redis+sentinel://a/m?sentinel_password=hunter2%ff",
    ];
    for url in urls {
        let error = parse(url).unwrap_err();
        assert!(!error.contains("hunter2"), "{url}: {error}");
    }
}
