//! One exchange with a server, within the time of an operation.

use tokio::time::Instant;

use crate::store::caller::{Caller, PATIENCE};
use crate::store::memcached::error::Failed;
use crate::store::memcached::meta_protocol::encoded::EncodedRequests;
use crate::store::memcached::meta_protocol::reply::Replies;
use crate::store::memcached::pool::Pools;

/// The connections of an operation, and the time that it has.
#[derive(Clone, Copy)]
pub(crate) struct Exchange<'m> {
    pub(crate) pools: &'m Pools,
    deadline: Instant,
    /// The caller of a decision or settlement, which continues without it.
    caller: Option<&'m Caller>,
}

impl<'m> Exchange<'m> {
    /// An exchange that begins now, and has the time of one operation.
    pub(crate) fn new(pools: &'m Pools) -> Self {
        Self {
            pools,
            deadline: pools.deadline(),
            caller: None,
        }
    }

    /// Sets the caller.
    pub(crate) fn for_caller(self, caller: &'m Caller) -> Self {
        Self {
            caller: Some(caller),
            ..self
        }
    }

    /// Sets the moment at which the exchange has to end.
    pub(crate) const fn until(self, deadline: Instant) -> Self {
        Self { deadline, ..self }
    }

    /// Returns an exchange for this caller that begins now.
    pub(crate) fn restarted(self) -> Self {
        self.until(self.pools.deadline())
    }

    /// Returns the moment at which the exchange has to end. In the background it has more time.
    pub(crate) fn deadline(&self) -> Instant {
        match self.caller {
            Some(caller) if caller.is_gone() => Instant::now() + PATIENCE,
            _ => self.deadline,
        }
    }

    /// Sends requests to a server, all at once, and returns the replies.
    pub(crate) async fn send(
        &self,
        node: usize,
        requests: EncodedRequests,
    ) -> Result<Replies, Failed> {
        let deadline = self.deadline();
        self.pools.send(node, deadline, self.caller, requests).await
    }
}
