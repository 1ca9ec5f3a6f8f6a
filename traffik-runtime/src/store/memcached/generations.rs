//! Clearing a namespace, on a server that cannot tell which keys it has.
//!
//! Every key carries the generation of its namespace, a number that stands on each server under a key of its own and is
//! read along with every request, in the same exchange. To clear is to write another number: what was there before is
//! never looked at again, and Memcached drops it when it expires or room is needed. So this costs a small read more with
//! each exchange, one key on each server, and nothing else, however much is written.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::resilience::backoff::random;
use crate::store::memcached::client::Asking;
use crate::store::memcached::connection::Replies;
use crate::store::memcached::error::Failed;
use crate::store::memcached::meta_protocol::{Lives, Request, Status};

/// What is known of the generations of a namespace.
pub(crate) struct Generations {
    key: String,
    /// That of each server, as it was last read; 0 if it never was.
    known: Vec<AtomicU64>,
}

/// The number changes when somebody clears, or the server has forgotten it: not so often in a row.
const MOST: u32 = 8;

impl Generations {
    pub(crate) fn new(namespace: &str, nodes: usize) -> Self {
        Self {
            // No client and no value has such a key: theirs go on behind the namespace.
            key: format!("{{{namespace}}}"),
            known: (0..nodes).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Asks a server everything at once, about keys of the present generation.
    pub(crate) async fn ask(
        &self,
        asking: &Asking<'_>,
        node: usize,
        requests: &[Request<'_>],
    ) -> Result<Replies, Failed> {
        for _ in 0..MOST {
            let generation = self.known[node].load(Ordering::Relaxed);
            if generation == 0 {
                self.read(asking, node).await?;
                continue;
            }
            let requests = requests
                .iter()
                .map(|request| request.clone().legal(Some(generation)));
            let look = std::iter::once(Request::get(&self.key));
            let requests: Vec<_> = look.chain(requests).collect();
            let mut replies = asking.send(node, &requests).await?;
            let present = number(replies.remove(0).value.as_deref());
            if present == Some(generation) {
                return Ok(replies);
            }
            // What was done was done to what nobody looks at any more.
            self.known[node].store(present.unwrap_or(0), Ordering::Relaxed);
        }
        Err(Failed::Unwell(
            "its namespace is cleared again and again".to_owned(),
        ))
    }

    /// Reads a server's generation, or begins one.
    async fn read(&self, asking: &Asking<'_>, node: usize) -> Result<(), Failed> {
        let fresh = fresh();
        let begin = Request::set(&self.key, fresh.as_bytes(), Lives::default()).only_new();
        let replies = asking.send(node, &[begin, Request::get(&self.key)]).await?;
        let present = replies
            .last()
            .and_then(|reply| number(reply.value.as_deref()));
        match present {
            Some(present) => self.known[node].store(present, Ordering::Relaxed),
            None => {
                // Something else has written there.
                let again = Request::set(&self.key, fresh.as_bytes(), Lives::default());
                asking.send(node, &[again]).await?;
            }
        }
        Ok(())
    }

    /// Begins another generation on every server.
    pub(crate) async fn clear(&self, asking: &Asking<'_>) -> Result<(), Failed> {
        for node in 0..self.known.len() {
            let fresh = fresh();
            let set = Request::set(&self.key, fresh.as_bytes(), Lives::default());
            let replies = asking.send(node, &[set]).await?;
            if replies.first().map(|reply| reply.status) != Some(Status::Done) {
                return Err(Failed::Astray);
            }
        }
        Ok(())
    }
}

/// A number that no generation had: those that are forgotten must not come back.
fn fresh() -> String {
    random().max(1).to_string()
}

fn number(value: Option<&[u8]>) -> Option<u64> {
    let number = str::from_utf8(value?).ok()?.parse().ok()?;
    (number > 0).then_some(number)
}
