//! A law of the user's own, which the server does not know: read, decided here, written if nobody else was faster.

use std::time::Duration;

use tokio::task::JoinSet;
use traffik::strategy::{Hit, Strategy};
use traffik::{DynThrottle, Identity, ManualClock, Report};
use traffik_tests::RedisServer;

use super::connect;

/// Counts for ever.
#[derive(Debug)]
struct Tally;

impl Strategy for Tally {
    type State = u64;
    type Metadata = u64;

    fn name(&self) -> &'static str {
        "tally"
    }

    fn decide(&self, state: Option<u64>, hit: &Hit<'_>) -> Option<u64> {
        let taken = state.unwrap_or_default() + hit.cost;
        (taken <= hit.rate.limit()).then_some(taken)
    }

    fn report(&self, state: Option<&u64>, hit: &Hit<'_>) -> Report {
        let limit = hit.rate.limit();
        let remaining = limit - state.copied().unwrap_or_default();
        Report {
            limit,
            remaining,
            wait: (hit.cost <= remaining).then_some(Duration::ZERO),
            reset: hit.rate.period(),
            ..Report::default()
        }
    }

    fn metadata(&self, state: Option<&u64>, _: &Hit<'_>) -> u64 {
        state.copied().unwrap_or_default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once() {
    let server = RedisServer::start();
    let throttle = DynThrottle::builder("own").rate("200/h".parse().unwrap());
    let backend = connect(&server).await.clock(ManualClock::new());
    let throttle = throttle.strategy(Tally).backend(backend).build().unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..64 {
        let throttle = throttle.clone();
        tasks.spawn(async move {
            let mut admitted = 0_u64;
            for _ in 0..4 {
                let decision = throttle.hit(&Identity::new("client"), 1).await;
                admitted += u64::from(decision.expect("it is decided in the end").admitted);
            }
            admitted
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().sum::<u64>(), 200);
    let stat = throttle.stat(&Identity::new("client")).await.unwrap();
    assert_eq!(stat.metadata.downcast_ref::<u64>(), Some(&200));
}
