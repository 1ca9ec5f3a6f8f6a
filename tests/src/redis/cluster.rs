//! Three Redis servers as a Cluster.

use super::{RedisServer, until};
use crate::port;

/// How many slots a Cluster has.
const SLOTS: usize = 16_384;

/// Three primaries that share the slots; those of one that is dead are not served, the others are.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts one, and waits until all know all.
    ///
    /// # Panics
    ///
    /// Where `redis-server` cannot be started.
    pub fn start() -> Self {
        let buses = [(); 3].map(|()| port::free().to_string());
        let node = |bus: &String| {
            RedisServer::start_with(&[
                "--cluster-enabled",
                "yes",
                "--cluster-port",
                bus,
                "--cluster-require-full-coverage",
                "no",
                "--cluster-node-timeout",
                "2000",
            ])
        };
        let cluster = Self {
            nodes: buses.iter().map(node).collect(),
        };
        for (place, (node, bus)) in cluster.nodes.iter().zip(&buses).enumerate() {
            let (first, end) = (place * SLOTS / 3, (place + 1) * SLOTS / 3);
            let (first, last) = (first.to_string(), (end - 1).to_string());
            let () = node.ask(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
            let port = node.port().to_string();
            let () = cluster.nodes[0].ask(&["CLUSTER", "MEET", "127.0.0.1", &port, bus]);
        }
        let knows_all = |node: &RedisServer| {
            let info: String = node.ask(&["CLUSTER", "INFO"]);
            info.contains("cluster_slots_ok:16384") && info.contains("cluster_state:ok")
        };
        until("a Cluster", || cluster.nodes.iter().all(knows_all));
        cluster
    }

    /// Its URL.
    pub fn url(&self) -> String {
        let nodes = self
            .nodes
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.port()));
        format!("redis+cluster://{}", nodes.collect::<Vec<_>>().join(","))
    }

    /// Its nodes.
    pub fn nodes(&mut self) -> &mut [RedisServer] {
        &mut self.nodes
    }

    /// The place of the node whose slots hold a key.
    ///
    /// # Panics
    ///
    /// Where the first node does not answer.
    pub fn node_of(&self, key: &str) -> usize {
        let slot: usize = self.nodes[0].ask(&["CLUSTER", "KEYSLOT", key]);
        (0..3)
            .find(|place| slot < (place + 1) * SLOTS / 3)
            .expect("16 384 slots")
    }
}
