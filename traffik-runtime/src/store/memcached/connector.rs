//! Opens connections to one server, and logs when it is lost and found.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::observe;
use crate::store::memcached::error::Failed;
use crate::store::memcached::handshake::{Credentials, Handshake, Socket};
use crate::store::memcached::nodes::Address;

/// The shortest timeout of one attempt to connect.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The reply to accepted credentials.
const ACCEPTED: &[u8] = b"STORED\r\n";

/// One server.
pub(crate) struct Connector {
    pub(crate) address: Address,
    pub(crate) handshake: Arc<Handshake>,
    /// The time limit of one operation.
    pub(crate) timeout: Duration,
    /// Set once it was logged that the server is down.
    pub(crate) is_down: AtomicBool,
}

impl Connector {
    /// Connects, and authenticates if there are credentials.
    pub(crate) async fn connect(&self) -> Result<Socket, Failed> {
        let (address, handshake) = (self.address.clone(), self.handshake.clone());
        // In a task of its own, because tokio panics on a runtime without I/O.
        let mut attempt = JoinSet::new();
        attempt.spawn(async move { open(&address, &handshake).await });
        match timeout(CONNECT_TIMEOUT.max(self.timeout), attempt.join_next()).await {
            Ok(Some(Ok(socket))) => socket,
            Ok(_) => {
                let message = "connecting panicked; build the tokio runtime with `enable_all()`";
                Err(Failed::Misconfigured(message.to_owned()))
            }
            Err(_) => Err(Failed::not_connected(io::ErrorKind::TimedOut.into())),
        }
    }

    /// Logs that the server answers, if it was down.
    pub(crate) fn connected(&self) {
        // Written only if that changes it, because all connections share it.
        if self.is_down.load(Ordering::Relaxed) && self.is_down.swap(false, Ordering::Relaxed) {
            observe::connected("memcached");
        }
    }

    /// Logs that a connection was lost or could not be made, if it is the first one.
    pub(crate) fn disconnected(&self, failed: &Failed) {
        let is_lost = failed.breaks_all() || matches!(failed, Failed::Timeout(_));
        if is_lost && !self.is_down.swap(true, Ordering::Relaxed) {
            observe::disconnected("memcached", failed);
        }
    }
}

async fn open(address: &Address, handshake: &Handshake) -> Result<Socket, Failed> {
    let socket = handshake.socket(address).await;
    let mut socket = socket.map_err(Failed::not_connected)?;
    if let Some(credentials) = &handshake.credentials {
        let answer = authenticate(&mut socket, credentials).await;
        if answer.map_err(Failed::not_connected)? != ACCEPTED {
            let message = "the server refuses the user or the password";
            return Err(Failed::Unauthenticated(message));
        }
    }
    Ok(socket)
}

/// Sends credentials by the text protocol, and returns the answer.
async fn authenticate(socket: &mut Socket, credentials: &Credentials) -> io::Result<Vec<u8>> {
    socket.write_all(&credentials.command()).await?;
    socket.flush().await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\n") && answer.len() < 2_048 {
        if socket.read_buf(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(answer)
}
