//! Clients that are refused, and whose requests are cancelled or time out, do not empty a budget
//! that others share.

use std::time::Duration;

use tokio::task::JoinSet;
use traffik::{Backend, Throttle as _};
use traffik_tests::{MemcachedServer, Proxy, RedisCluster};

use super::{Everyone, Mine, request, until_left};
use crate::memcached::PATIENCE;

/// Sends 400 requests of one refused client, each cancelled at another moment.
async fn cancel_at_any_moment(backend: Backend) {
    let head = request(&backend);
    assert!(<(Everyone, Mine)>::hit(&head).await.unwrap().admitted);
    for number in 0..400 {
        let refused = <(Everyone, Mine)>::hit(&head);
        let _ = super::cancel_after(refused, 1 + number % 12).await;
    }
    until_left::<Everyone, _>(&head, 299, "400 requests that are cut off").await;
    assert!(!Mine::hit(&head).await.unwrap().admitted);
}

#[tokio::test]
async fn keeps_a_shared_budget_full_on_memcached() {
    let server = MemcachedServer::start();
    let backend = Backend::memcached(server.url()).timeout(PATIENCE);
    cancel_at_any_moment(backend.connect().await.unwrap()).await;
}

#[tokio::test]
async fn keeps_a_shared_budget_full_on_a_cluster() {
    let cluster = RedisCluster::start();
    let backend = Backend::redis(cluster.url()).timeout(PATIENCE);
    cancel_at_any_moment(backend.connect().await.unwrap()).await;
}

/// 200 sets on a server that replies too late for both members.
#[tokio::test(flavor = "multi_thread")]
async fn keeps_a_shared_budget_full_on_a_slow_server() {
    let server = MemcachedServer::start();
    let proxy = Proxy::start(server.port()).await;
    let address = proxy.address().to_string();
    let near = Backend::memcached(server.url()).timeout(PATIENCE);
    let near = request(&near.connect().await.unwrap());
    assert!(Mine::hit(&near).await.unwrap().admitted);

    for delay in [20, 30] {
        let far = Backend::memcached(&*address).pool_size(32);
        let far = far.timeout(Duration::from_millis(50)).connect().await;
        let far = request(&far.unwrap());
        proxy.delay(Duration::from_millis(delay));
        for _ in 0..10 {
            let mut sets = JoinSet::new();
            for _ in 0..10 {
                let far = far.clone();
                sets.spawn(async move { <(Everyone, Mine)>::hit(&far).await });
            }
            for decision in sets.join_all().await {
                assert!(!decision.unwrap().admitted);
            }
        }
        proxy.forward();
    }
    until_left::<Everyone, _>(&near, 300, "200 sets on a slow server").await;
}
