//! What is sent to Memcached, and to which of its servers; what is left of an operation's time goes with it.

use std::collections::BTreeMap;
use std::fmt;

use smallvec::SmallVec;
use tokio::sync::MutexGuard;
use tokio::time::{Instant, timeout_at};

use crate::error::Error;
use crate::store::caller::{Caller, PATIENCE};
use crate::store::memcached::connection::Replies;
use crate::store::memcached::error::Failed;
use crate::store::memcached::generations::Generations;
use crate::store::memcached::meta_protocol::{Reply, Request};
use crate::store::memcached::nodes::node_of;
use crate::store::memcached::pool::{Pools, Settings};
use crate::store::memcached::write_locks::Gates;
use crate::timer;

/// Memcached, on one server or several.
pub(crate) struct Memcached {
    /// Or why it could never work.
    pools: Result<Pools, String>,
    /// If its namespace can be cleared.
    pub(crate) generations: Option<Generations>,
    gates: Gates,
}

impl Memcached {
    pub(crate) fn new(
        settings: Result<Settings, String>,
        generations: Option<Generations>,
    ) -> Self {
        Self {
            pools: settings.map(Pools::new),
            generations,
            gates: Gates::default(),
        }
    }

    pub(crate) fn pools(&self) -> Result<&Pools, Failed> {
        let pools = self.pools.as_ref();
        pools.map_err(|message| Failed::Misconfigured(message.clone()))
    }

    /// An operation that begins now.
    pub(crate) fn now(&self) -> Result<Asking<'_>, Failed> {
        let pools = self.pools()?;
        timer::check().map_err(|error| Failed::Misconfigured(error.to_string()))?;
        Ok(Asking {
            memcached: self,
            pools,
            deadline: pools.deadline(),
            caller: None,
        })
    }
}

/// An operation, and until when.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'m> {
    pub(crate) memcached: &'m Memcached,
    pub(crate) pools: &'m Pools,
    pub(crate) deadline: Instant,
    /// The caller of a decision or settlement, which goes on without it.
    pub(crate) caller: Option<&'m Caller>,
}

impl<'m> Asking<'m> {
    /// The same for this caller.
    pub(crate) fn for_caller(self, caller: &'m Caller) -> Self {
        Self {
            caller: Some(caller),
            ..self
        }
    }

    /// The same from now on, with the whole time of an operation.
    pub(crate) fn afresh(&self) -> Self {
        Self {
            deadline: self.pools.deadline(),
            ..*self
        }
    }

    /// The moment at which it has to end. What goes on in the background has more time.
    pub(crate) fn deadline(&self) -> Instant {
        match self.caller {
            Some(caller) if caller.is_gone() => Instant::now() + PATIENCE,
            _ => self.deadline,
        }
    }
}

impl Asking<'_> {
    pub(crate) fn node_of(&self, name: &str) -> usize {
        node_of(&self.pools.settings.places, name)
    }

    pub(crate) async fn send(
        &self,
        node: usize,
        requests: &[Request<'_>],
    ) -> Result<Replies, Failed> {
        let deadline = self.deadline();
        self.pools.ask(node, deadline, self.caller, requests).await
    }

    /// Asks one thing of the server that has its name.
    pub(crate) async fn ask(&self, request: Request<'_>) -> Result<Reply, Failed> {
        let node = self.node_of(request.key());
        let mut replies = self.ask_node(node, &[request]).await?;
        replies.pop().ok_or(Failed::Astray)
    }

    /// Asks many things: each server all at once, one server after the other. The answers are in the order of requests.
    pub(crate) async fn ask_all(&self, requests: Vec<Request<'_>>) -> Result<Vec<Reply>, Failed> {
        /// More at once could fill the buffers of both sides, and then each would wait for the other.
        const AT_ONCE: usize = 100;

        let mut of_nodes = BTreeMap::<usize, (Vec<usize>, Vec<Request<'_>>)>::new();
        for (place, request) in requests.into_iter().enumerate() {
            let (places, requests) = of_nodes.entry(self.node_of(request.key())).or_default();
            places.push(place);
            requests.push(request);
        }
        let mut answers = Vec::new();
        for (node, (places, requests)) in of_nodes {
            for (places, requests) in places.chunks(AT_ONCE).zip(requests.chunks(AT_ONCE)) {
                let replies = self.ask_node(node, requests).await?;
                answers.extend(places.iter().copied().zip(replies));
            }
        }
        answers.sort_unstable_by_key(|(place, _)| *place);
        Ok(answers.into_iter().map(|(_, reply)| reply).collect())
    }

    /// Waits until nobody else of this process is about to write to a name.
    ///
    /// # Errors
    ///
    /// [`Error::Contention`] if there is no time left.
    pub(crate) async fn pass_gate(&self, name: &str) -> Result<MutexGuard<'_, ()>, Error> {
        let gate = self.memcached.gates.of(name);
        let passed = timeout_at(self.deadline(), gate.lock()).await;
        passed.map_err(|_| Error::Contention {
            key: name.to_owned(),
            tries: 0,
        })
    }

    async fn ask_node(&self, node: usize, requests: &[Request<'_>]) -> Result<Replies, Failed> {
        if let Some(generations) = &self.memcached.generations {
            return generations.ask(self, node, requests).await;
        }
        let requests = requests.iter().map(|request| request.clone().legal(None));
        let requests: SmallVec<[_; 1]> = requests.collect();
        self.send(node, &requests).await
    }
}

impl fmt::Debug for Memcached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memcached").finish_non_exhaustive()
    }
}
