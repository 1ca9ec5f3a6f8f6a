//! What a decision under a log costs the server: a refusal less than an admission, and neither sends the log.

use traffik::strategy::{Priority, SlidingLog, Strategy};
use traffik::{DynThrottle, Identity, ManualClock};
use traffik_tests::RedisServer;

use super::{admits, connect};

const LIMIT: u64 = 2_000;

/// The bytes that a server has sent.
fn sent(server: &RedisServer) -> u64 {
    let info: String = server.ask(&["INFO", "stats"]);
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("total_net_output_bytes:"));
    line.expect("it says so").parse().expect("a number")
}

/// A throttle whose log holds its whole limit, one unit or several an entry, and the client it belongs to.
async fn full(
    server: &RedisServer,
    strategy: impl Strategy,
    rate: &str,
    cost: u64,
) -> (DynThrottle, Identity) {
    let clock = ManualClock::new();
    let backend = connect(server).await.clock(clock.clone());
    let uid = format!("{} {rate} {cost}", strategy.name());
    let builder = DynThrottle::builder(uid).strategy(strategy);
    let builder = builder.rate(rate.parse().unwrap());
    let throttle = builder.backend(backend).build().unwrap();
    let client = Identity::new("client");
    for _ in 0..LIMIT / cost {
        assert!(admits(&throttle, &client, cost).await);
        clock.advance(std::time::Duration::from_millis(1));
    }
    (throttle, client)
}

#[tokio::test]
async fn neither_a_refusal_nor_an_admission_sends_the_log() {
    let server = RedisServer::start();
    let even = || Priority::new().normal(1.0).high(1.0);
    for (throttle, client) in [
        full(&server, SlidingLog::new(), "2000/h", 1).await,
        full(&server, SlidingLog::new(), "2000/h", 2).await,
        full(&server, even(), "2000/h", 1).await,
    ] {
        let idle = sent(&server);
        let asking = sent(&server) - idle;
        for cost in [1, 2, 999, 2_000, 2_001, u64::MAX] {
            let before = sent(&server);
            assert!(!admits(&throttle, &client, cost).await);
            let told = sent(&server) - before - asking;
            assert!(
                told < 500,
                "{throttle:?}: {told} bytes for a cost of {cost}"
            );
        }
    }
    let (throttle, client) = full(&server, SlidingLog::new(), "4000/h", 1).await;
    let idle = sent(&server);
    let asking = sent(&server) - idle;
    let before = sent(&server);
    assert!(admits(&throttle, &client, 1).await);
    let told = sent(&server) - before - asking;
    assert!(told < 500, "{told} bytes for an admission");
}

/// The wait is that of the entry with which enough falls out, wherever in the log it is, and whatever its neighbours cost.
#[tokio::test]
async fn waits_are_exact_wherever_in_the_log_they_end() {
    let server = RedisServer::start();
    let clock = ManualClock::new();
    let backend = connect(&server).await.clock(clock.clone());
    let throttle = DynThrottle::builder("waits").rate("1000/h".parse().unwrap());
    let throttle = throttle.strategy(SlidingLog::new()).backend(backend);
    let (throttle, client) = (throttle.build().unwrap(), Identity::new("client"));
    let (mut made, mut sum) = (Vec::new(), 0);
    for nth in 0_u64.. {
        let cost = (nth * nth % 7 + 1).min(1_000 - sum);
        if cost == 0 {
            break;
        }
        assert!(admits(&throttle, &client, cost).await);
        made.push((clock.now(), cost));
        sum += cost;
        clock.advance(std::time::Duration::from_millis(100));
    }
    for cost in (1..=1_000).step_by(37).chain([1_000]) {
        let mut gone = 0;
        let fallen = made.iter().find(|(_, spent)| {
            gone += spent;
            gone >= cost
        });
        let hour = std::time::Duration::from_secs(3_600);
        let due = (fallen.unwrap().0 + hour).saturating_sub(clock.now());
        let decision = throttle.hit(&client, cost).await.unwrap();
        assert_eq!(
            (decision.admitted, decision.wait),
            (false, Some(due)),
            "{cost}"
        );
        assert_eq!(
            decision.next,
            Some((made[0].0 + hour).saturating_sub(clock.now()))
        );
        assert_eq!(
            decision.reset,
            (made.last().unwrap().0 + hour).saturating_sub(clock.now())
        );
    }
}
