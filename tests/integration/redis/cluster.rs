//! Failures of nodes of a Cluster, and slots that move.

use std::time::Duration;

use traffik::{Backend, ErrorKind};
use traffik_tests::{RedisCluster, RedisServer};

use super::{resume, within};

const TIMEOUT: Duration = Duration::from_millis(500);

async fn connect(cluster: &RedisCluster) -> Backend {
    let backend = Backend::redis(cluster.url()).namespace("nodes");
    backend.timeout(TIMEOUT).connect().await.unwrap()
}

/// Returns keys of each of the three nodes.
fn keys(cluster: &RedisCluster) -> [Vec<String>; 3] {
    let mut keys: [Vec<String>; 3] = Default::default();
    for number in 0..60 {
        let name = format!("key-{number}");
        let place = cluster.node_of(&format!("{{nodes::{name}}}"));
        keys[place].push(name);
    }
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn fails_only_the_keys_of_a_dead_node() {
    let mut cluster = RedisCluster::start();
    let keys = keys(&cluster);
    let backend = connect(&cluster).await;
    for key in keys.iter().flatten() {
        assert_eq!(backend.increment(key, 1).await.unwrap(), 1);
    }
    cluster.nodes()[1].kill();
    for round in 0..3 {
        for key in &keys[1] {
            let error = within(TIMEOUT, backend.increment(key, 1))
                .await
                .unwrap_err();
            let kinds = [ErrorKind::Connection, ErrorKind::Timeout];
            assert!(kinds.contains(&error.kind()), "{error}");
        }
        for key in keys[0].iter().chain(&keys[2]) {
            let sum = within(TIMEOUT, backend.increment(key, 1)).await;
            assert_eq!(sum.unwrap(), round + 2);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn resumes_after_a_node_was_suspended() {
    let mut cluster = RedisCluster::start();
    let keys = keys(&cluster);
    let backend = connect(&cluster).await;
    cluster.nodes()[1].stop();
    let error = within(TIMEOUT, backend.increment(&keys[1][0], 1)).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Timeout);
    for key in keys[0].iter().chain(&keys[2]) {
        within(TIMEOUT, backend.increment(key, 1)).await.unwrap();
    }
    cluster.nodes()[1].resume();
    let mut resumed = false;
    for _ in 0..200 {
        resumed = within(TIMEOUT, backend.increment(&keys[1][1], 1))
            .await
            .is_ok();
        if resumed {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(resumed);
    resume(&backend).await;
}

/// A new backend reaches the other nodes while one is down.
#[tokio::test(flavor = "multi_thread")]
async fn connects_while_a_node_is_down() {
    let mut cluster = RedisCluster::start();
    let keys = keys(&cluster);
    for away in [RedisServer::stop, |node: &RedisServer| node.signal("KILL")] {
        away(&cluster.nodes()[2]);
        let backend = connect(&cluster).await;
        for key in keys[0].iter().chain(&keys[1]) {
            within(TIMEOUT, backend.increment(key, 1)).await.unwrap();
        }
        let error = within(TIMEOUT, backend.increment(&keys[2][0], 1)).await;
        error.unwrap_err();
    }
}

/// A slot is found after it moved, and while it moves.
#[tokio::test(flavor = "multi_thread")]
async fn follows_slots_that_move() {
    let mut cluster = RedisCluster::start();
    let keys = keys(&cluster);
    let backend = connect(&cluster).await;
    let key = format!("{{nodes::{}}}", keys[0][0]);
    let nodes = cluster.nodes();
    let slot: i64 = nodes[0].command(&["CLUSTER", "KEYSLOT", &key]);
    let slot = slot.to_string();
    let ids = [0, 1].map(|place| nodes[place].command::<String>(&["CLUSTER", "MYID"]));
    // The slot is migrating: a key that does not exist yet is created at the target.
    let () = nodes[1].command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &ids[0]]);
    let () = nodes[0].command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &ids[1]]);
    assert_eq!(backend.increment(&keys[0][0], 1).await.unwrap(), 1);
    assert_eq!(nodes[1].command::<i64>(&["DBSIZE"]), 1);
    assert_eq!(backend.increment(&keys[0][0], 1).await.unwrap(), 2);
    // The slot has moved.
    for place in [1, 0, 2] {
        let () = nodes[place].command(&["CLUSTER", "SETSLOT", &slot, "NODE", &ids[1]]);
    }
    assert_eq!(backend.increment(&keys[0][0], 1).await.unwrap(), 3);
}
