//! One attempt to connect: the connection, a PING, and the scripts that a server needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::{RedisError, RedisResult};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::store::redis::connection::Connection;
use crate::store::redis::connector::{Connected, Connector};
use crate::store::redis::error::Failed;
use crate::store::redis::eviction;

/// The timeout of one attempt.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The settings of all connections.
pub(crate) struct ConnectionSettings {
    pub(crate) connector: Connector,
    /// The number of sockets, per runtime.
    pub(crate) connections: usize,
    /// The time limit of one operation.
    pub(crate) timeout: Duration,
    /// The sources of the scripts that are loaded on each new connection.
    pub(crate) scripts: &'static [&'static str],
    /// Set once the eviction policy of the server was checked.
    pub(crate) eviction_checked: AtomicBool,
}

/// Connects in a task of its own, because TLS without a cryptography provider panics.
pub(crate) async fn connect(settings: &Arc<ConnectionSettings>) -> RedisResult<Connected> {
    let mut attempt = JoinSet::new();
    let settings = settings.clone();
    attempt.spawn(async move {
        let mut connected = settings.connector.connect().await?;
        let connection = &mut connected.connection;
        introduce(connection, settings.scripts).await?;
        if !settings.eviction_checked.swap(true, Ordering::Relaxed) {
            eviction::check(connection).await;
        }
        Ok(connected)
    });
    let failed = |what| Err((redis::ErrorKind::Io, what).into());
    match timeout(TIMEOUT, attempt.join_next()).await {
        Ok(Some(Ok(result))) => result,
        Ok(_) => failed("connecting panicked; does TLS have a cryptography provider?"),
        Err(_) => failed("connecting took longer than a second"),
    }
}

/// Checks that the server answers, and loads the scripts. A server that does not permit `PING` has
/// answered, and one that does not permit `SCRIPT LOAD` gets each script on its first use.
async fn introduce(connection: &mut Connection, scripts: &[&str]) -> RedisResult<()> {
    // The client library checks the connections to the nodes of a Cluster.
    let can_break = connection.can_break();
    let is_forbidden = |error: &RedisError| Failed::Server(error.clone()).is_forbidden();
    if can_break
        && let Err(error) = redis::cmd("PING").exec_async(connection).await
        && !is_forbidden(&error)
    {
        return Err(error);
    }
    for script in scripts {
        let mut load = redis::cmd("SCRIPT");
        load.arg("LOAD").arg(script);
        match load.exec_async(connection).await {
            Err(error) if is_forbidden(&error) => break,
            Err(error) if can_break => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
