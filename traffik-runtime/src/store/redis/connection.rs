//! A connection, to one server or to the nodes of a Cluster.

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, Pipeline, RedisFuture, Value};

#[cfg(feature = "redis-cluster")]
use crate::store::redis::cluster::Nodes;

/// A connection. A clone shares the sockets and costs a few reference counts. Any number of
/// commands may be in flight on it.
#[derive(Clone)]
pub(crate) enum Connection {
    One(MultiplexedConnection),
    #[cfg(feature = "redis-cluster")]
    Cluster(Nodes),
}

impl Connection {
    /// Returns `true` if this module must replace it. The client library replaces the sockets of a
    /// Cluster, one by one.
    pub(crate) const fn can_break(&self) -> bool {
        matches!(self, Self::One(_))
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(connection) => connection.req_packed_command(cmd),
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(nodes) => Box::pin(nodes.send(cmd)),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(connection) => connection.req_packed_commands(pipeline, offset, count),
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(nodes) => nodes.pipeline(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(connection) => connection.get_db(),
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(_) => 0,
        }
    }
}
