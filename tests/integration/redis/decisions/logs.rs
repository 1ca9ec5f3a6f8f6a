//! What a decision under a log costs the server: a refusal less than an admission, and neither
//! sends the log.

use http::request::Parts;
use traffik::strategy::{Priority, SlidingLog, Strategy};
use traffik::{Backend, DynThrottle, Identity, ManualClock, Throttle, registry};
use traffik_tests::RedisServer;

use super::{admits, connect};

const LIMIT: u64 = 2_000;

/// The bytes that a server has sent.
fn sent(server: &RedisServer) -> u64 {
    let info: String = server.command(&["INFO", "stats"]);
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("total_net_output_bytes:"));
    line.expect("it says so").parse().expect("a number")
}

/// A throttle whose log holds its whole limit, one unit or several an entry, and the client it
/// belongs to. Several rates are separated by `;`.
async fn full(
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

/// The bytes that the server sends for one decision, and whether it admits.
async fn bytes_of(server: &RedisServer, decision: impl Future<Output = bool>) -> (u64, bool) {
    let idle = sent(server);
    let asking = sent(server) - idle;
    let before = sent(server);
    let admitted = decision.await;
    (sent(server) - before - asking, admitted)
}

/// Costs that end at the first entry of a log, in the middle of it, at its end, and never.
const COSTS: [u64; 6] = [1, 2, 999, 2_000, 2_001, u64::MAX];

#[tokio::test]
async fn neither_a_refusal_nor_an_admission_of_a_list_sends_a_log() {
    let server = RedisServer::start();
    let even = || Priority::new().normal(1.0).high(1.0);
    for (throttle, client) in [
        full(&server, SlidingLog::new(), "2000/h;9000/day", 1).await,
        full(&server, SlidingLog::new(), "9000/day;2000/h", 1).await,
        full(&server, SlidingLog::new(), "2000/h;2000/day", 2).await,
        full(&server, even(), "9000/10h;2000/h;4000/day", 1).await,
    ] {
        for cost in COSTS {
            let (told, admitted) = bytes_of(&server, admits(&throttle, &client, cost)).await;
            assert!(
                !admitted && told < 500,
                "{throttle:?}: {told} bytes for {cost}"
            );
        }
    }
    let (throttle, client) = full(&server, SlidingLog::new(), "4000/h;9000/day", 1).await;
    let (told, admitted) = bytes_of(&server, admits(&throttle, &client, 1)).await;
    assert!(admitted && told < 500, "{told} bytes for an admission");
}

/// The log that a rate has left behind, which no other goes on from, does not matter either.
#[tokio::test]
async fn a_refusal_under_changed_rates_sends_no_log() {
    let server = RedisServer::start();
    for (before, after) in [
        ("2000/h", "2000/2h"),
        ("2000/h;9000/day", "2000/2h;9000/day"),
        ("2000/h;9000/day", "1000/day;2000/h"),
        ("2000/h;9000/day", "2000/h"),
        ("9000/day;8000/10h;2000/h", "9000/day;2000/h"),
        ("2000/h", "9000/day;2000/h"),
    ] {
        let (throttle, client) = full(&server, SlidingLog::new(), before, 4).await;
        let uid = format!("sliding_log {before} 4");
        let rates = after.split(';').map(|rate| rate.parse().unwrap());
        registry()
            .set_rate(&uid, rates.collect::<Vec<_>>())
            .unwrap();
        for cost in COSTS {
            let (told, admitted) = bytes_of(&server, admits(&throttle, &client, cost)).await;
            assert!(
                !admitted && told < 500,
                "{before} to {after}: {told} bytes for {cost}"
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

/// A set whose members are at their limits, but for what one hit takes.
async fn sends_no_log<T: Throttle>(server: &RedisServer) {
    let (parts, clock) = request(server).await;
    let hit = async |cost| T::hit_cost(&parts, cost).await.unwrap().admitted;
    for _ in 0..LIMIT / 4 - 1 {
        assert!(hit(4).await);
        clock.advance(std::time::Duration::from_millis(1));
    }
    let (told, admitted) = bytes_of(server, hit(4)).await;
    assert!(admitted && told < 700, "{told} bytes for an admission");
    for cost in COSTS {
        let (told, admitted) = bytes_of(server, hit(cost)).await;
        assert!(!admitted && told < 700, "{told} bytes for {cost}");
    }
}

#[tokio::test]
async fn neither_a_refusal_nor_an_admission_of_a_set_sends_a_log() {
    let server = RedisServer::start();
    sends_no_log::<(Window, Log)>(&server).await;
    sends_no_log::<(Log, Window)>(&server).await;
    sends_no_log::<(Window, Day)>(&server).await;
    sends_no_log::<(Day, Window)>(&server).await;
    sends_no_log::<(Log, Day)>(&server).await;
    sends_no_log::<(Day, Log)>(&server).await;
    sends_no_log::<(Day, Listed)>(&server).await;
    sends_no_log::<(Costly, Log)>(&server).await;
    sends_no_log::<(Log, Costly)>(&server).await;
}

/// The wait is that of the entry with which enough falls out, wherever in the log it is, and
/// whatever its neighbours cost.
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
