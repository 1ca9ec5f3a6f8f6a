//! Connections to every server, which the exchanges of one runtime share.
//!
//! Each connection has a queue, in which exchanges wait until they are written. The task that
//! serves it connects when the first one comes. A socket belongs to a runtime, so each runtime has
//! connections of its own, which end with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::store::caller::{Caller, PATIENCE};
use crate::store::memcached::connection_task::run;
use crate::store::memcached::connector::Connector;
use crate::store::memcached::error::Failed;
use crate::store::memcached::handshake::Handshake;
use crate::store::memcached::meta_protocol::encoded::EncodedRequests;
use crate::store::memcached::meta_protocol::reply::Replies;
use crate::store::memcached::nodes::Address;
use crate::store::memcached::request_queue::{PendingAnswer, RequestQueue};

/// The settings of all connections.
pub(crate) struct PoolSettings {
    pub(crate) addresses: Vec<Address>,
    pub(crate) handshake: Arc<Handshake>,
    /// The number of connections to each server, per runtime.
    pub(crate) size: usize,
    /// The time limit of one operation.
    pub(crate) timeout: Duration,
}

/// The pools of all runtimes.
pub(crate) struct Pools {
    pub(crate) settings: PoolSettings,
    runtimes: Mutex<Vec<(runtime::Id, Arc<Nodes>)>>,
    closed: AtomicBool,
}

/// The pools of one runtime.
struct Nodes {
    pools: Vec<Pool>,
    /// Ends when the runtime does.
    alive: JoinHandle<()>,
}

/// The connections to one server.
struct Pool {
    connector: Arc<Connector>,
    queues: Vec<Arc<RequestQueue>>,
    next: AtomicUsize,
}

impl Pools {
    pub(crate) const fn new(settings: PoolSettings) -> Self {
        Self {
            settings,
            runtimes: Mutex::new(Vec::new()),
            closed: AtomicBool::new(false),
        }
    }

    /// Returns the moment at which an operation that begins now has to end.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.settings.timeout
    }

    /// Sends requests to a server, all at once, and waits for the replies until the deadline. With
    /// a caller, it then continues without that caller and awaits late replies.
    pub(crate) async fn send(
        &self,
        node: usize,
        deadline: Instant,
        caller: Option<&Caller>,
        requests: EncodedRequests,
    ) -> Result<Replies, Failed> {
        let time_limit = self.settings.timeout;
        let answer = self.nodes()?.pools[node].push(requests, deadline).await;
        let mut answer = answer?.ok_or(Failed::Busy(time_limit))?;
        if let Ok(answer) = timeout_at(deadline, &mut answer).await {
            return answer;
        }
        if answer.withdraw() {
            return Err(Failed::Busy(time_limit));
        }
        let Some(caller) = caller else {
            return Err(Failed::Timeout(time_limit));
        };
        caller.time_out(time_limit);
        let late = timeout(PATIENCE, answer).await;
        late.unwrap_or(Err(Failed::Timeout(PATIENCE)))
    }

    /// Refuses new exchanges. A connection is closed when its last exchange has ended.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.runtimes.lock().clear();
    }

    /// Returns the pools of this runtime.
    fn nodes(&self) -> Result<Arc<Nodes>, Failed> {
        let Ok(runtime) = Handle::try_current() else {
            let message = "Memcached needs a tokio runtime; call it from one".to_owned();
            return Err(Failed::Misconfigured(message));
        };
        let id = runtime.id();
        let mut runtimes = self.runtimes.lock();
        if self.closed.load(Ordering::SeqCst) {
            return Err(Failed::Closed);
        }
        if let Some((_, nodes)) = runtimes.iter().find(|(runtime, _)| *runtime == id) {
            return Ok(nodes.clone());
        }
        runtimes.retain(|(_, nodes)| !nodes.alive.is_finished());
        let nodes = Arc::new(Nodes::new(&self.settings, &runtime));
        runtimes.push((id, nodes.clone()));
        Ok(nodes)
    }
}

impl Nodes {
    fn new(settings: &PoolSettings, runtime: &Handle) -> Self {
        let pool = |address: &Address| Pool {
            connector: Arc::new(Connector {
                address: address.clone(),
                handshake: settings.handshake.clone(),
                timeout: settings.timeout,
                is_down: AtomicBool::new(false),
            }),
            queues: (0..settings.size).map(|_| Arc::default()).collect(),
            next: AtomicUsize::new(0),
        };
        Self {
            pools: settings.addresses.iter().map(pool).collect(),
            alive: runtime.spawn(std::future::pending()),
        }
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.alive.abort();
        let queues = self.pools.iter().flat_map(|pool| &pool.queues);
        queues.for_each(|queue| queue.close());
    }
}

impl Pool {
    /// Appends an exchange to the queue of the next connection; `None` if there is no room until
    /// the deadline.
    async fn push(
        &self,
        requests: EncodedRequests,
        deadline: Instant,
    ) -> Result<Option<PendingAnswer>, Failed> {
        let queue = match &*self.queues {
            [queue] => queue,
            queues => &queues[self.next.fetch_add(1, Ordering::Relaxed) % queues.len()],
        };
        let start = || {
            tokio::spawn(run(self.connector.clone(), queue.clone()));
        };
        queue.push(requests, deadline, start).await
    }
}
