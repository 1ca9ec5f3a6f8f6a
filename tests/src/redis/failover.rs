//! A primary, its replica, and a Sentinel that makes one the other.

use super::{RedisServer, until};

/// The name under which the Sentinel knows the primary.
const MASTER: &str = "mymaster";

/// A primary with a replica that takes its place within a few seconds after it is gone.
#[derive(Debug)]
pub struct RedisFailover {
    /// Who is the primary at first.
    pub primary: RedisServer,
    /// Who takes its place.
    pub replica: RedisServer,
    sentinel: RedisServer,
}

impl RedisFailover {
    /// Starts all three, and waits until they know each other.
    ///
    /// # Panics
    ///
    /// Where `redis-server` cannot be started.
    pub fn start() -> Self {
        let primary = RedisServer::start();
        let of = format!("127.0.0.1 {}", primary.port());
        let replica = RedisServer::start_with(&["--replicaof", &of]);
        let configuration = format!(
            "sentinel monitor {MASTER} {of} 1\n\
             sentinel down-after-milliseconds {MASTER} 300\n\
             sentinel failover-timeout {MASTER} 2000\n"
        );
        let sentinel = RedisServer::start_with_file(&configuration, &["--sentinel"]);
        until("a replica", || {
            let info: String = primary.ask(&["INFO", "replication"]);
            info.contains("state=online")
        });
        until("known to the Sentinel", || {
            let info: String = sentinel.ask(&["INFO", "sentinel"]);
            info.contains("slaves=1")
        });
        Self {
            primary,
            replica,
            sentinel,
        }
    }

    /// The URL that follows the primary.
    pub fn url(&self) -> String {
        format!(
            "redis+sentinel://127.0.0.1:{}/{MASTER}",
            self.sentinel.port()
        )
    }

    /// Waits until the replica is the primary.
    ///
    /// # Panics
    ///
    /// Where it never is.
    pub fn await_failover(&self) {
        until("failed over", || {
            // Whoever changes sides closes connections.
            let info: Option<String> = self.replica.try_to_ask(&["INFO", "replication"]);
            info.is_some_and(|info| info.contains("role:master"))
        });
    }
}
