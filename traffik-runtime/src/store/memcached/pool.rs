//! Pools of connections, one for each server.
//!
//! A connection is checked when it leaves the pool, without a request: if an exchange on it ended
//! early, or the server has closed it, it is replaced. An exchange that its caller drops ends in
//! the background. A socket belongs to a runtime, so each runtime has pools of its own, which end
//! with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool::managed;
use deadpool::managed::PoolError;
use parking_lot::Mutex;
use tokio::runtime;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::observe;
use crate::store::caller::Caller;
use crate::store::memcached::connection::Replies;
use crate::store::memcached::error::Failed;
use crate::store::memcached::handshake::Handshake;
use crate::store::memcached::manager::Manager;
use crate::store::memcached::meta_protocol::request::Request;
use crate::store::memcached::nodes::Address;
use crate::store::memcached::pooled_exchange::{DetachableExchange, exchange_for};

/// The settings of all pools.
pub(crate) struct PoolSettings {
    pub(crate) addresses: Vec<Address>,
    pub(crate) handshake: Arc<Handshake>,
    /// The greatest number of sockets to each server, per runtime.
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
    connections: managed::Pool<Manager>,
    /// Set once it was logged that the server is down.
    is_down: AtomicBool,
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

    /// Sends requests to a server, all at once, and waits for the replies until the deadline.
    pub(crate) async fn send(
        &self,
        node: usize,
        deadline: Instant,
        caller: Option<&Caller>,
        requests: &[Request<'_>],
    ) -> Result<Replies, Failed> {
        let nodes = self.nodes()?;
        let pool = &nodes.pools[node];
        let result = pool
            .send(deadline, self.settings.timeout, caller, requests)
            .await;
        pool.record(result.as_ref().err());
        result
    }

    /// Closes every connection, and refuses new ones.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        for (_, nodes) in self.runtimes.lock().drain(..) {
            nodes.pools.iter().for_each(|pool| pool.connections.close());
        }
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
        let nodes = Arc::new(Nodes::new(&self.settings, &runtime)?);
        runtimes.push((id, nodes.clone()));
        Ok(nodes)
    }
}

impl Nodes {
    fn new(settings: &PoolSettings, runtime: &Handle) -> Result<Self, Failed> {
        let pool = |address: &Address| {
            let manager = Manager {
                address: address.clone(),
                handshake: settings.handshake.clone(),
            };
            let pool = managed::Pool::builder(manager)
                .max_size(settings.size)
                .runtime(deadpool::Runtime::Tokio1)
                .build();
            let connections = pool.map_err(|error| Failed::Misconfigured(error.to_string()))?;
            Ok(Pool {
                connections,
                is_down: AtomicBool::new(false),
            })
        };
        Ok(Self {
            pools: settings
                .addresses
                .iter()
                .map(pool)
                .collect::<Result<_, Failed>>()?,
            alive: runtime.spawn(std::future::pending()),
        })
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.alive.abort();
    }
}

impl Pool {
    async fn send(
        &self,
        deadline: Instant,
        timeout: Duration,
        caller: Option<&Caller>,
        requests: &[Request<'_>],
    ) -> Result<Replies, Failed> {
        let mut object = match timeout_at(deadline, self.connections.get()).await {
            Ok(Ok(object)) => object,
            Ok(Err(PoolError::Backend(failed))) => return Err(failed),
            Ok(Err(PoolError::Closed)) => return Err(Failed::Closed),
            Ok(Err(_)) | Err(_) => return Err(Failed::Busy(timeout)),
        };
        let Some(connection) = object.as_mut() else {
            return Err(Failed::Busy(timeout));
        };
        let opaques = connection.prepare(requests)?;
        match caller {
            None => DetachableExchange::new(object, opaques, deadline, timeout).await,
            Some(caller) => exchange_for(caller, object, opaques, deadline, timeout).await,
        }
    }

    /// Records the result of an exchange.
    fn record(&self, failed: Option<&Failed>) {
        match failed {
            // Written only if that changes it, because all callers share it.
            None if self.is_down.load(Ordering::Relaxed)
                && self.is_down.swap(false, Ordering::Relaxed) =>
            {
                observe::connected("memcached");
            }
            Some(failed) if failed.breaks_all() => {
                // Otherwise a restart of the server would make as many operations fail as there are
                // connections.
                drop(self.connections.retain(|_, _| false));
                if !self.is_down.swap(true, Ordering::Relaxed) {
                    observe::disconnected("memcached", failed);
                }
            }
            _ => {}
        }
    }
}
