//! The number of commands per decision: one.

use std::time::Duration;

use http::request::Parts;
use traffik::{Backend, DynThrottle, Identity, ManualClock, Throttle};
use traffik_tests::RedisServer;

use super::{admits, connect, each};

/// The calls of a command by clients, without those from scripts.
#[derive(Debug, PartialEq, Eq)]
struct Calls {
    evalsha: u64,
    others: u64,
}

/// Returns the calls of all commands that our scripts do not call.
fn calls(server: &RedisServer) -> Calls {
    let info: String = server.command(&["INFO", "commandstats"]);
    let of = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let calls: u64 = rest.split(',').next()?.parse().ok()?;
        Some((name.to_owned(), calls))
    };
    let calls: Vec<_> = info.lines().filter_map(of).collect();
    let sum = |counts: &dyn Fn(&str) -> bool| {
        let calls = calls.iter().filter(|(name, _)| counts(name));
        calls.map(|(_, calls)| calls).sum()
    };
    // Reading the statistics takes a connection with a `PING`, an `INFO` and its handshake.
    let ours = [
        "get", "getrange", "pexpire", "set", "setrange", "strlen", "time", "ping", "info",
    ];
    Calls {
        evalsha: sum(&|name| name == "evalsha"),
        others: sum(&|name| {
            name != "evalsha" && !ours.contains(&name) && !name.starts_with("client")
        }),
    }
}

/// Returns the calls during an action.
async fn called(server: &RedisServer, meanwhile: impl Future<Output = ()>) -> Calls {
    let before = calls(server);
    meanwhile.await;
    let after = calls(server);
    Calls {
        evalsha: after.evalsha - before.evalsha,
        others: after.others - before.others,
    }
}

/// Connects a backend that calls the server for each hit.
async fn calling(server: &RedisServer) -> Backend {
    let backend = connect(server).await.clock(ManualClock::new());
    backend.local_refusals(Duration::ZERO)
}

const fn only(evalsha: u64) -> Calls {
    Calls { evalsha, others: 0 }
}

#[tokio::test]
async fn decides_a_throttle_of_each_strategy_in_one_command() {
    let server = RedisServer::start();
    let backend = calling(&server).await;
    for (name, throttle) in each(&backend, 5) {
        let client = Identity::new(name);
        let hits = called(&server, async {
            for hit in 0..8 {
                assert_eq!(admits(&throttle, &client, 1).await, hit < 5, "{name}");
            }
        });
        assert_eq!(hits.await, only(8), "{name}");
        let reads = called(&server, async {
            assert!(!throttle.check(&client, 1).await.unwrap());
            assert_eq!(throttle.stat(&client).await.unwrap().hits_remaining, 0);
        });
        assert_eq!(reads.await, only(2), "{name}");
    }
}

#[tokio::test]
async fn decides_several_rates_in_one_command() {
    let server = RedisServer::start();
    let backend = calling(&server).await;
    let builder = DynThrottle::builder("several").backend(backend);
    let rates = ["9/h", "5/m", "7/d"].map(|rate| rate.parse().unwrap());
    let throttle = rates
        .into_iter()
        .fold(builder, traffik::DynThrottleBuilder::rate);
    let throttle = throttle.build().unwrap();
    let client = Identity::new("client");
    let hits = called(&server, async {
        for hit in 0..8 {
            assert_eq!(admits(&throttle, &client, 1).await, hit < 5);
        }
    });
    assert_eq!(hits.await, only(8));
    let keys: u64 = server.command(&["DBSIZE"]);
    assert_eq!(keys, 1, "several rates are one key");
    let stat = throttle.stat(&client).await.unwrap();
    let remaining = stat.members.iter().map(|member| member.hits_remaining);
    assert_eq!(remaining.collect::<Vec<_>>(), [4, 0, 2]);
}

traffik::throttles! {
    throttle First(rate = "5/h", identifier = client);
    throttle Second(rate = "20/d", strategy = token_bucket, identifier = client);
    throttle Third(rate = "30/d", strategy = sliding_log, identifier = client);
}

fn client(_: &Parts) -> Identity {
    Identity::new("client")
}

fn parts(backend: Backend) -> Parts {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.extensions.insert(backend);
    parts
}

#[tokio::test]
async fn decides_a_set_of_three_in_one_command() {
    let server = RedisServer::start();
    let parts = parts(calling(&server).await);
    let hits = called(&server, async {
        for hit in 0..8 {
            let decision = <(First, Second, Third)>::hit(&parts).await.unwrap();
            assert_eq!(decision.admitted, hit < 5);
        }
    });
    assert_eq!(hits.await, only(8));
    let (first, second, third) = <(First, Second, Third)>::stat(&parts).await.unwrap();
    // A refusal by one charges none.
    let remaining = (
        first.hits_remaining,
        second.hits_remaining,
        third.hits_remaining,
    );
    assert_eq!(remaining, (0, 15, 25));
}

/// A server that has lost its scripts gets each once more.
#[tokio::test]
async fn sends_a_flushed_script_once() {
    let server = RedisServer::start();
    let backend = connect(&server).await.clock(ManualClock::new());
    let throttle = super::throttle("flushed", "9/h", &backend);
    let client = Identity::new("client");
    assert!(admits(&throttle, &client, 1).await);
    let () = server.command(&["SCRIPT", "FLUSH"]);
    let hits = called(&server, async {
        assert!(admits(&throttle, &client, 1).await);
        assert!(admits(&throttle, &client, 1).await);
    });
    // The first call is repeated with the source.
    assert_eq!(
        hits.await,
        Calls {
            evalsha: 2,
            others: 1
        }
    );
    assert_eq!(throttle.stat(&client).await.unwrap().hits_remaining, 6);
}
