//! A custom strategy on Redis: the state is read, decided here, and swapped.

use tokio::task::JoinSet;
use traffik::{DynThrottle, Identity, ManualClock};
use traffik_tests::{Budget, RedisServer};

use super::connect;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn admits_exactly_the_limit_of_concurrent_tasks() {
    let server = RedisServer::start();
    let throttle = DynThrottle::builder("own").rate("200/h".parse().unwrap());
    let backend = connect(&server).await.clock(ManualClock::new());
    let throttle = throttle
        .strategy(Budget::new())
        .backend(backend)
        .build()
        .unwrap();
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
