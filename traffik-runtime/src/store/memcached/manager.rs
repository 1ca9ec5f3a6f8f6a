//! Opens the connections of a pool, and checks them before each use.

use std::sync::Arc;

use deadpool::managed;
use deadpool::managed::{Metrics, RecycleError, RecycleResult};
use tokio::task::JoinSet;

use crate::store::memcached::connection::Connection;
use crate::store::memcached::error::Failed;
use crate::store::memcached::handshake::Handshake;
use crate::store::memcached::nodes::Address;

/// Makes and checks connections to one server.
pub(crate) struct Manager {
    pub(crate) address: Address,
    pub(crate) handshake: Arc<Handshake>,
}

impl managed::Manager for Manager {
    /// `None` while an exchange in the background has the connection.
    type Type = Option<Connection>;
    type Error = Failed;

    async fn create(&self) -> Result<Option<Connection>, Failed> {
        let (address, handshake) = (self.address.clone(), self.handshake.clone());
        // In a task of its own, because tokio panics on a runtime without I/O.
        let mut attempt = JoinSet::new();
        attempt.spawn(async move { Connection::open(&address, &handshake).await });
        match attempt.join_next().await {
            Some(Ok(connection)) => connection.map(Some),
            _ => {
                let message = "connecting panicked; build the tokio runtime with `enable_all()`";
                Err(Failed::Misconfigured(message.to_owned()))
            }
        }
    }

    async fn recycle(
        &self,
        connection: &mut Option<Connection>,
        _: &Metrics,
    ) -> RecycleResult<Failed> {
        let usable = match connection {
            Some(connection) => connection.is_usable().await,
            None => false,
        };
        usable.then_some(()).ok_or(RecycleError::Message(
            "the connection is no longer usable".into(),
        ))
    }
}
