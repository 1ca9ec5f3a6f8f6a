//! Three Redis servers as a Cluster.

use super::{RedisServer, until};
use crate::port;

/// The number of slots of a Cluster.
const SLOTS: usize = 16_384;

/// Three primaries that share the slots. If one is down, the slots of the others are still served.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts a Cluster and waits until every node knows all slots.
    ///
    /// # Panics
    ///
    /// If `redis-server` cannot be started.
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
        for (index, (node, bus)) in cluster.nodes.iter().zip(&buses).enumerate() {
            let (first, end) = (index * SLOTS / 3, (index + 1) * SLOTS / 3);
            let (first, last) = (first.to_string(), (end - 1).to_string());
            let () = node.command(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
            let port = node.port().to_string();
            let () = cluster.nodes[0].command(&["CLUSTER", "MEET", "127.0.0.1", &port, bus]);
        }
        let is_complete = |node: &RedisServer| {
            let info: String = node.command(&["CLUSTER", "INFO"]);
            info.contains("cluster_slots_ok:16384") && info.contains("cluster_state:ok")
        };
        until("the Cluster is complete", || {
            cluster.nodes.iter().all(is_complete)
        });
        cluster
    }

    /// Returns the URL of the Cluster.
    pub fn url(&self) -> String {
        let nodes = self
            .nodes
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.port()));
        format!("redis+cluster://{}", nodes.collect::<Vec<_>>().join(","))
    }

    /// Returns the nodes, so that a test can stop them.
    pub fn nodes(&mut self) -> &mut [RedisServer] {
        &mut self.nodes
    }

    /// Returns the index of the node that serves a key.
    ///
    /// # Panics
    ///
    /// If the first node does not reply.
    pub fn node_of(&self, key: &str) -> usize {
        let slot: usize = self.nodes[0].command(&["CLUSTER", "KEYSLOT", key]);
        (0..3)
            .find(|index| slot < (index + 1) * SLOTS / 3)
            .expect("16 384 slots")
    }
}
