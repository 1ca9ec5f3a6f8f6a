//! One operation: requests to the servers of their keys, within one time limit.

use std::collections::BTreeMap;

use tokio::sync::MutexGuard;
use tokio::time::timeout_at;

use crate::error::Error;
use crate::store::cas_retry::Retries;
use crate::store::memcached::client::Memcached;
use crate::store::memcached::error::Failed;
use crate::store::memcached::exchange::Exchange;
use crate::store::memcached::meta_protocol::encoded::EncodedRequests;
use crate::store::memcached::meta_protocol::reply::{Replies, Reply};
use crate::store::memcached::meta_protocol::request::Request;
use crate::store::memcached::rendezvous::node_of;
use crate::timer;

/// The greatest number of requests in one exchange. Others share the connection, and would have to
/// wait behind more.
const BATCH: usize = 100;

/// An operation, and the time that it has.
#[derive(Clone, Copy)]
pub(crate) struct Operation<'m> {
    client: &'m Memcached,
    pub(crate) exchange: Exchange<'m>,
}

impl Memcached {
    /// Begins an operation.
    pub(crate) fn begin(&self) -> Result<Operation<'_>, Failed> {
        let pools = self.pools()?;
        timer::check().map_err(|error| Failed::Misconfigured(error.to_string()))?;
        Ok(Operation {
            client: self,
            exchange: Exchange::new(pools),
        })
    }
}

impl<'m> Operation<'m> {
    /// Returns this operation with another exchange.
    pub(crate) const fn with(self, exchange: Exchange<'m>) -> Self {
        Self { exchange, ..self }
    }

    /// Returns an operation that begins now, with the whole time of an operation.
    pub(crate) fn restarted(&self) -> Self {
        self.with(self.exchange.restarted())
    }

    /// Sends one request to the server of its key.
    pub(crate) async fn send(&self, request: Request<'_>) -> Result<Reply, Failed> {
        let node = self.node_of(request.key());
        let mut replies = self.send_to(node, &[request]).await?;
        replies.pop().ok_or(Failed::Protocol)
    }

    /// Sends requests, to each server all at once, one server after the other. The replies are in
    /// the order of the requests.
    pub(crate) async fn send_all(&self, requests: Vec<Request<'_>>) -> Result<Vec<Reply>, Failed> {
        let mut of_nodes = BTreeMap::<usize, (Vec<usize>, Vec<Request<'_>>)>::new();
        for (index, request) in requests.into_iter().enumerate() {
            let (indexes, requests) = of_nodes.entry(self.node_of(request.key())).or_default();
            indexes.push(index);
            requests.push(request);
        }
        let mut answers = Vec::new();
        for (node, (indexes, requests)) in of_nodes {
            for (indexes, requests) in indexes.chunks(BATCH).zip(requests.chunks(BATCH)) {
                let replies = self.send_to(node, requests).await?;
                answers.extend(indexes.iter().copied().zip(replies));
            }
        }
        answers.sort_unstable_by_key(|(index, _)| *index);
        Ok(answers.into_iter().map(|(_, reply)| reply).collect())
    }

    /// Checks that every server answers.
    pub(crate) async fn ready(&self) -> Result<(), Failed> {
        for node in 0..self.exchange.pools.settings.addresses.len() {
            let requests = EncodedRequests::new(&[Request::get("ready")], None)?;
            self.exchange.send(node, requests).await?;
        }
        Ok(())
    }

    /// Returns the retries of a compare-and-swap within this operation.
    pub(crate) fn retries<'k>(&self, name: &'k str) -> Retries<'k> {
        Retries::new(name).until(self.exchange.deadline())
    }

    /// Waits until no other operation of this process is about to write to a name.
    ///
    /// # Errors
    ///
    /// [`Error::Contention`] if there is no time left.
    pub(crate) async fn lock(&self, name: &str) -> Result<MutexGuard<'_, ()>, Error> {
        let lock = self.client.write_locks.of(name);
        let locked = timeout_at(self.exchange.deadline(), lock.lock()).await;
        locked.map_err(|_| Error::Contention {
            key: name.to_owned(),
            tries: 0,
        })
    }

    fn node_of(&self, name: &str) -> usize {
        node_of(&self.exchange.pools.settings.addresses, name)
    }

    async fn send_to(&self, node: usize, requests: &[Request<'_>]) -> Result<Replies, Failed> {
        if let Some(generations) = &self.client.generations {
            return generations.send(&self.exchange, node, requests).await;
        }
        let requests = EncodedRequests::new(requests, None)?;
        self.exchange.send(node, requests).await
    }
}
