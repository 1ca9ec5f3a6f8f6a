//! A primary, its replica, and a Sentinel that makes one the other.

use super::{RedisServer, until};
use crate::Certificates;

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
        let configuration = configuration(&of);
        let sentinel = RedisServer::start_with_file(&configuration, &["--sentinel"], None);
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

    /// Starts all three with TLS between them and a client certificate wanted by all. The servers have
    /// the password [`PASSWORD`](Self::PASSWORD), the Sentinel the user `watcher` with
    /// [`SENTINEL_PASSWORD`](Self::SENTINEL_PASSWORD), who may do no more than clients need.
    ///
    /// # Panics
    ///
    /// Where `redis-server` cannot be started, or was built without TLS.
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
        let of = format!("127.0.0.1 {}", primary.tls_port());
        let arguments = [&SECURED[..], &["--replicaof", &of]].concat();
        let replica = RedisServer::start_with_tls(certificates, &arguments);
        let configuration = format!(
            "{}sentinel auth-pass {MASTER} {}\n\
             tls-replication yes\n\
             requirepass admin\n\
             user watcher on >{} +@connection +sentinel|get-master-addr-by-name +sentinel|master\n",
            configuration(&of),
            Self::PASSWORD,
            Self::SENTINEL_PASSWORD,
        );
        let arguments = ["--sentinel"];
        let sentinel = RedisServer::start_with_file(&configuration, &arguments, Some(certificates));
        until("a replica", || {
            let info: String = primary.ask_as(Self::PASSWORD, &["INFO", "replication"]);
            info.contains("state=online")
        });
        until("known to the Sentinel", || {
            let info: String = sentinel.ask_as("admin", &["INFO", "sentinel"]);
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

    /// The Sentinel's host and port with TLS, and the name of the primary.
    pub fn tls_address(&self) -> String {
        format!("127.0.0.1:{}/{MASTER}", self.sentinel.tls_port())
    }

    /// Has the Sentinel make the replica the primary, though nothing is wrong with the old one.
    ///
    /// # Panics
    ///
    /// Where the Sentinel refuses for half a minute.
    pub fn fail_over(&self) {
        // It refuses as long as it does not know enough of the replica.
        until("a replica that the Sentinel would promote", || {
            let begun: Option<()> = self.sentinel.try_to_ask(&["SENTINEL", "FAILOVER", MASTER]);
            begun.is_some()
        });
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
            let replica = &self.replica;
            let info: Option<String> = replica
                .try_to_ask(&["INFO", "replication"])
                .or_else(|| replica.try_to_ask_as(Self::PASSWORD, &["INFO", "replication"]));
            info.is_some_and(|info| info.contains("role:master"))
        });
    }
}

/// What a Sentinel is told of the primary at this address.
fn configuration(of: &str) -> String {
    format!(
        "sentinel monitor {MASTER} {of} 1\n\
         sentinel down-after-milliseconds {MASTER} 300\n\
         sentinel failover-timeout {MASTER} 2000\n"
    )
}
