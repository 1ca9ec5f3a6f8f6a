//! The cost of a decision under a log: a refusal costs the server less than an admission, and
//! neither sends the log.

use http::request::Parts;
use traffik::strategy::{Priority, SlidingLog, Strategy};
use traffik::{Backend, DynThrottle, Identity, ManualClock, Throttle, registry};
use traffik_tests::RedisServer;

use super::{admits, connect};

const LIMIT: u64 = 2_000;

/// Returns the bytes that a server has sent.
fn sent(server: &RedisServer) -> u64 {
    let info: String = server.command(&["INFO", "stats"]);
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("total_net_output_bytes:"));
    line.expect("a line of the statistics")
        .parse()
        .expect("a number")
}

/// Returns a throttle whose log is full, one unit or several per entry, and its client. Several
/// rates are separated by `;`.
async fn full_log(
    server: &RedisServer,
    strategy: impl Strategy,
    rates: &str,
    cost: u64,
) -> (DynThrottle, Identity) {
    let clock = ManualClock::new();
    let backend = connect(server).await.clock(clock.clone());
    let uid = format!("{} {rates} {cost}", strategy.name());
    let builder = DynThrottle::builder(uid).strategy(strategy);
    let rates = rates.split(';').map(|rate| rate.parse().unwrap());
    let builder = rates.fold(builder, traffik::DynThrottleBuilder::rate);
    let throttle = builder.backend(backend).build().unwrap();
    let client = Identity::new("client");
    for _ in 0..LIMIT / cost {
        assert!(admits(&throttle, &client, cost).await);
        clock.advance(std::time::Duration::from_millis(1));
    }
    (throttle, client)
}

#[tokio::test]
async fn sends_no_log() {
    let server = RedisServer::start();
    let even = || Priority::new().normal(1.0).high(1.0);
    for (throttle, client) in [
        full_log(&server, SlidingLog::new(), "2000/h", 1).await,
        full_log(&server, SlidingLog::new(), "2000/h", 2).await,
        full_log(&server, even(), "2000/h", 1).await,
    ] {
        let idle = sent(&server);
        let overhead = sent(&server) - idle;
        for cost in [1, 2, 999, 2_000, 2_001, u64::MAX] {
            let before = sent(&server);
            assert!(!admits(&throttle, &client, cost).await);
            let bytes = sent(&server) - before - overhead;
            assert!(
                bytes < 500,
                "{throttle:?}: {bytes} bytes for a cost of {cost}"
            );
        }
    }
    let (throttle, client) = full_log(&server, SlidingLog::new(), "4000/h", 1).await;
    let idle = sent(&server);
    let overhead = sent(&server) - idle;
    let before = sent(&server);
    assert!(admits(&throttle, &client, 1).await);
    let bytes = sent(&server) - before - overhead;
    assert!(bytes < 500, "{bytes} bytes for an admission");
}

/// Returns the bytes that the server sends for one decision, and whether it admits.
async fn bytes_of(server: &RedisServer, decision: impl Future<Output = bool>) -> (u64, bool) {
    let idle = sent(server);
    let overhead = sent(server) - idle;
    let before = sent(server);
    let admitted = decision.await;
    (sent(server) - before - overhead, admitted)
}

/// Costs that end at the first entry of a log, in its middle, at its end, and never.
const COSTS: [u64; 6] = [1, 2, 999, 2_000, 2_001, u64::MAX];

#[tokio::test]
async fn sends_no_log_of_a_list() {
    let server = RedisServer::start();
    let even = || Priority::new().normal(1.0).high(1.0);
    for (throttle, client) in [
        full_log(&server, SlidingLog::new(), "2000/h;9000/day", 1).await,
        full_log(&server, SlidingLog::new(), "9000/day;2000/h", 1).await,
        full_log(&server, SlidingLog::new(), "2000/h;2000/day", 2).await,
        full_log(&server, even(), "9000/10h;2000/h;4000/day", 1).await,
    ] {
        for cost in COSTS {
            let (bytes, admitted) = bytes_of(&server, admits(&throttle, &client, cost)).await;
            assert!(
                !admitted && bytes < 500,
                "{throttle:?}: {bytes} bytes for {cost}"
            );
        }
    }
    let (throttle, client) = full_log(&server, SlidingLog::new(), "4000/h;9000/day", 1).await;
    let (bytes, admitted) = bytes_of(&server, admits(&throttle, &client, 1)).await;
    assert!(admitted && bytes < 500, "{bytes} bytes for an admission");
}

/// A log that a changed rate has left behind is not sent either.
#[tokio::test]
async fn sends_no_log_under_changed_rates() {
    let server = RedisServer::start();
    for (before, after) in [
        ("2000/h", "2000/2h"),
        ("2000/h;9000/day", "2000/2h;9000/day"),
        ("2000/h;9000/day", "1000/day;2000/h"),
        ("2000/h;9000/day", "2000/h"),
        ("9000/day;8000/10h;2000/h", "9000/day;2000/h"),
        ("2000/h", "9000/day;2000/h"),
    ] {
        let (throttle, client) = full_log(&server, SlidingLog::new(), before, 4).await;
        let uid = format!("sliding_log {before} 4");
        let rates = after.split(';').map(|rate| rate.parse().unwrap());
        registry()
            .set_rate(&uid, rates.collect::<Vec<_>>())
            .unwrap();
        for cost in COSTS {
            let (bytes, admitted) = bytes_of(&server, admits(&throttle, &client, cost)).await;
            assert!(
                !admitted && bytes < 500,
                "{before} to {after}: {bytes} bytes for {cost}"
            );
        }
        drop(throttle);
        let () = server.command(&["FLUSHALL"]);
    }
}

traffik::throttles! {
    defaults(identifier = everyone);

    throttle Log(rate = "2000/h", strategy = sliding_log);
    throttle Day(rate = "9000/day", strategy = sliding_log);
    throttle Window(rate = "2000/h");
    throttle Listed(rate = ["2000/h", "9000/day"], strategy = sliding_log);
    throttle Costly(rate = "9000/h", strategy = cost_based_token_bucket(window = 2000));
}

async fn request(server: &RedisServer) -> (Parts, ManualClock) {
    let clock = ManualClock::new();
    let backend: Backend = connect(server).await.clock(clock.clone());
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.extensions.insert(backend);
    (parts, clock)
}

/// Asserts that a set whose members have one hit left is decided without sending a log.
async fn assert_sends_no_log<T: Throttle>(server: &RedisServer) {
    let (parts, clock) = request(server).await;
    let hit = async |cost| T::hit_cost(&parts, cost).await.unwrap().admitted;
    for _ in 0..LIMIT / 4 - 1 {
        assert!(hit(4).await);
        clock.advance(std::time::Duration::from_millis(1));
    }
    let (bytes, admitted) = bytes_of(server, hit(4)).await;
    assert!(admitted && bytes < 700, "{bytes} bytes for an admission");
    for cost in COSTS {
        let (bytes, admitted) = bytes_of(server, hit(cost)).await;
        assert!(!admitted && bytes < 700, "{bytes} bytes for {cost}");
    }
}

#[tokio::test]
async fn sends_no_log_of_a_set() {
    let server = RedisServer::start();
    assert_sends_no_log::<(Window, Log)>(&server).await;
    assert_sends_no_log::<(Log, Window)>(&server).await;
    assert_sends_no_log::<(Window, Day)>(&server).await;
    assert_sends_no_log::<(Day, Window)>(&server).await;
    assert_sends_no_log::<(Log, Day)>(&server).await;
    assert_sends_no_log::<(Day, Log)>(&server).await;
    assert_sends_no_log::<(Day, Listed)>(&server).await;
    assert_sends_no_log::<(Costly, Log)>(&server).await;
    assert_sends_no_log::<(Log, Costly)>(&server).await;
}

/// The wait ends with the entry that makes enough room, wherever in the log it is and whatever its
/// neighbours cost.
#[tokio::test]
async fn reports_exact_waits_anywhere_in_the_log() {
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
