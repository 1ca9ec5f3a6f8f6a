//! Clears a namespace on a server that cannot list its keys.
//!
//! Every key carries the generation of its namespace: a number that stands on each server under a
//! key of its own, and is read along with every request, in the same exchange. Clearing writes
//! another number. Keys of an earlier generation are never read again, and Memcached drops them
//! when they expire or room is needed. This costs a small read with each exchange and one key on
//! each server, however many keys are written.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::resilience::backoff::random;
use crate::store::memcached::error::Failed;
use crate::store::memcached::exchange::Exchange;
use crate::store::memcached::meta_protocol::encoded::EncodedRequests;
use crate::store::memcached::meta_protocol::reply::{Replies, Status};
use crate::store::memcached::meta_protocol::request::{Lifetime, Request};

/// The generations of a namespace.
pub(crate) struct Generations {
    /// The key under which the generation stands on each server.
    key: String,
    /// The generation that was last read from each server; 0 before the first read.
    cached: Vec<AtomicU64>,
}

/// The greatest number of attempts. The number changes if the namespace is cleared or the server
/// has lost it, which does not happen so often in a row.
const MAX_ATTEMPTS: u32 = 8;

impl Generations {
    pub(crate) fn new(namespace: &str, nodes: usize) -> Self {
        Self {
            // No client and no value has such a key: theirs continue behind the namespace.
            key: format!("{{{namespace}}}"),
            cached: (0..nodes).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Sends requests to a server, all at once, for keys of the present generation.
    pub(crate) async fn send(
        &self,
        exchange: &Exchange<'_>,
        node: usize,
        requests: &[Request<'_>],
    ) -> Result<Replies, Failed> {
        for _ in 0..MAX_ATTEMPTS {
            let generation = self.cached[node].load(Ordering::Relaxed);
            if generation == 0 {
                self.read(exchange, node).await?;
                continue;
            }
            let read = Request::get(&self.key);
            let encoded = EncodedRequests::behind(&read, requests, generation)?;
            let mut replies = exchange.send(node, encoded).await?;
            let present = number(replies.remove(0).value.as_deref());
            if present == Some(generation) {
                return Ok(replies);
            }
            // The requests changed only keys that are never read again.
            self.cached[node].store(present.unwrap_or(0), Ordering::Relaxed);
        }
        Err(Failed::ServerError(
            "the namespace is being cleared repeatedly".to_owned(),
        ))
    }

    /// Reads the generation of a server, or begins one.
    async fn read(&self, exchange: &Exchange<'_>, node: usize) -> Result<(), Failed> {
        let fresh = fresh();
        let begin = Request::set(&self.key, fresh.as_bytes(), Lifetime::default()).only_new();
        let read = Request::get(&self.key);
        let encoded = EncodedRequests::new(&[begin, read], None)?;
        let replies = exchange.send(node, encoded).await?;
        let present = replies
            .last()
            .and_then(|reply| number(reply.value.as_deref()));
        match present {
            Some(present) => self.cached[node].store(present, Ordering::Relaxed),
            None => {
                // The key holds something else.
                let replace = Request::set(&self.key, fresh.as_bytes(), Lifetime::default());
                let encoded = EncodedRequests::new(&[replace], None)?;
                exchange.send(node, encoded).await?;
            }
        }
        Ok(())
    }

    /// Begins another generation on every server.
    pub(crate) async fn clear(&self, exchange: &Exchange<'_>) -> Result<(), Failed> {
        for node in 0..self.cached.len() {
            let fresh = fresh();
            let set = Request::set(&self.key, fresh.as_bytes(), Lifetime::default());
            let encoded = EncodedRequests::new(&[set], None)?;
            let replies = exchange.send(node, encoded).await?;
            if replies.first().map(|reply| reply.status) != Some(Status::Done) {
                return Err(Failed::Protocol);
            }
        }
        Ok(())
    }
}

/// Returns a number that no generation has had, so that keys of an earlier one never come back.
fn fresh() -> String {
    random().max(1).to_string()
}

fn number(value: Option<&[u8]>) -> Option<u64> {
    let number = str::from_utf8(value?).ok()?.parse().ok()?;
    (number > 0).then_some(number)
}
