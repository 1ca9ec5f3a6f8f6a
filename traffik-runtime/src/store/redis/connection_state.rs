//! The state of one connection of a pool, and how the results of operations change it.

use std::sync::Arc;

use redis::RedisError;
use tokio::sync::watch;

use crate::store::redis::batches::Batches;
use crate::store::redis::connection::Connection;
use crate::store::redis::error::Failed;
use crate::store::redis::health::{Health, Sent};

/// The state of a connection, which its task and its callers share.
pub(crate) type SharedState = Arc<watch::Sender<ConnectionState>>;

/// The state of a connection.
#[derive(Clone)]
pub(crate) enum ConnectionState {
    /// The very first attempt to connect has not ended.
    Starting,
    Up(Live),
    Down(RedisError),
}

/// A connection in use.
#[derive(Clone)]
pub(crate) struct Live {
    pub(crate) connection: Connection,
    pub(crate) health: Arc<Health>,
    pub(crate) batches: Arc<Batches>,
}

impl Live {
    /// Records the result of an operation, and retires the connection if it is broken.
    pub(crate) fn record(
        &self,
        state: &watch::Sender<ConnectionState>,
        sent: &Sent,
        failed: Option<&Failed>,
    ) {
        let is_broken = match failed {
            Some(Failed::Timeout(_)) => self.health.time_out(sent),
            failed => {
                self.health.answer();
                failed.is_some_and(Failed::breaks_connection)
            }
        };
        if let (true, true, Some(failed)) = (is_broken, self.connection.can_break(), failed) {
            self.retire(state, failed.clone().reason());
        }
    }

    /// Takes the connection out of use, unless that has been done already.
    pub(crate) fn retire(&self, state: &watch::Sender<ConnectionState>, reason: RedisError) {
        state.send_if_modified(|state| {
            let is_same =
                matches!(state, ConnectionState::Up(up) if Arc::ptr_eq(&up.health, &self.health));
            if is_same {
                *state = ConnectionState::Down(reason);
            }
            is_same
        });
    }
}
