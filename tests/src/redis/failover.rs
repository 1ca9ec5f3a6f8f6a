//! A Redis primary, its replica, and a Sentinel that promotes the replica.

use super::{RedisServer, until};
use crate::Certificates;

/// The primary's name at the Sentinel.
const MASTER: &str = "mymaster";

/// A primary with a replica that is promoted within a few seconds after the primary fails.
#[derive(Debug)]
pub struct RedisFailover {
    /// The server that starts as the primary.
    pub primary: RedisServer,
    /// The server that a failover promotes.
    pub replica: RedisServer,
    sentinel: RedisServer,
}

impl RedisFailover {
    /// Starts all three servers and waits until the replica is in sync.
    ///
    /// # Panics
    ///
    /// If `redis-server` cannot be started.
    pub fn start() -> Self {
        let primary = RedisServer::start();
        let primary_address = format!("127.0.0.1 {}", primary.port());
        let replica = RedisServer::start_with(&["--replicaof", &primary_address]);
        let configuration = configuration(&primary_address);
        let sentinel = RedisServer::start_with_file(&configuration, &["--sentinel"], None);
        until("the replica is online", || {
            let info: String = primary.command(&["INFO", "replication"]);
            info.contains("state=online")
        });
        until("the Sentinel lists the replica", || {
            let info: String = sentinel.command(&["INFO", "sentinel"]);
            info.contains("slaves=1")
        });
        Self {
            primary,
            replica,
            sentinel,
        }
    }

    /// Starts all three servers with mutual TLS. The Redis servers have the password
    /// [`PASSWORD`](Self::PASSWORD); the Sentinel has the user `watcher` with
    /// [`SENTINEL_PASSWORD`](Self::SENTINEL_PASSWORD), whose permissions are the least that clients
    /// need.
    ///
    /// # Panics
    ///
    /// If `redis-server` cannot be started, or was built without TLS.
    pub fn start_secured(certificates: &Certificates) -> Self {
        const SECURED: [&str; 6] = [
            "--tls-replication",
            "yes",
            "--requirepass",
            RedisFailover::PASSWORD,
            "--masterauth",
            RedisFailover::PASSWORD,
        ];
        let primary = RedisServer::start_with_tls(certificates, &SECURED);
        let primary_address = format!("127.0.0.1 {}", primary.tls_port());
        let arguments = [&SECURED[..], &["--replicaof", &primary_address]].concat();
        let replica = RedisServer::start_with_tls(certificates, &arguments);
        let configuration = format!(
            "{}sentinel auth-pass {MASTER} {}\n\
             tls-replication yes\n\
             requirepass admin\n\
             user watcher on >{} +@connection +sentinel|get-master-addr-by-name +sentinel|master\n",
            configuration(&primary_address),
            Self::PASSWORD,
            Self::SENTINEL_PASSWORD,
        );
        let arguments = ["--sentinel"];
        let sentinel = RedisServer::start_with_file(&configuration, &arguments, Some(certificates));
        until("the replica is online", || {
            let info: String = primary.command_as(Self::PASSWORD, &["INFO", "replication"]);
            info.contains("state=online")
        });
        until("the Sentinel lists the replica", || {
            let info: String = sentinel.command_as("admin", &["INFO", "sentinel"]);
            info.contains("slaves=1")
        });
        Self {
            primary,
            replica,
            sentinel,
        }
    }

    /// The password of secured servers.
    pub const PASSWORD: &str = "servers-secret";

    /// The password of a secured Sentinel's user `watcher`.
    pub const SENTINEL_PASSWORD: &str = "sentinels-secret";

    /// Returns the Sentinel's host and TLS port, and the name of the primary.
    pub fn tls_address(&self) -> String {
        format!("127.0.0.1:{}/{MASTER}", self.sentinel.tls_port())
    }

    /// Makes the Sentinel promote the replica while the primary is healthy.
    ///
    /// # Panics
    ///
    /// If the Sentinel refuses for half a minute.
    pub fn fail_over(&self) {
        // The Sentinel refuses until it has read the replica's state.
        until("the Sentinel begins a failover", || {
            let begun: Option<()> = self.sentinel.try_command(&["SENTINEL", "FAILOVER", MASTER]);
            begun.is_some()
        });
    }

    /// Returns a URL that follows the primary.
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
    /// If it is not within half a minute.
    pub fn await_failover(&self) {
        until("the replica is the primary", || {
            // A server that changes its role closes its connections.
            let replica = &self.replica;
            let info: Option<String> = replica
                .try_command(&["INFO", "replication"])
                .or_else(|| replica.try_command_as(Self::PASSWORD, &["INFO", "replication"]));
            info.is_some_and(|info| info.contains("role:master"))
        });
    }
}

/// Returns a Sentinel's configuration for the primary at an address.
fn configuration(primary_address: &str) -> String {
    format!(
        "sentinel monitor {MASTER} {primary_address} 1\n\
         sentinel down-after-milliseconds {MASTER} 300\n\
         sentinel failover-timeout {MASTER} 2000\n"
    )
}
