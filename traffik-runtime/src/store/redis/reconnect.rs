//! A pool of connections that are replaced whenever they break.
//!
//! Each connection has a task that opens, watches and replaces it. An operation uses a connection
//! that is up. While there is none it fails at once, except before the very first attempt to
//! connect has ended: then it waits for that.
//!
//! A task belongs to a runtime, so each runtime has a pool of its own, which ends with it.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use redis::RedisResult;
use tokio::runtime;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::store::caller::{Caller, PATIENCE};
use crate::store::redis::connection::Connection;
use crate::store::redis::connection_state::{ConnectionState, Live, SharedState};
use crate::store::redis::connection_task::run;
use crate::store::redis::error::Failed;
use crate::store::redis::handshake::ConnectionSettings;
use crate::timer;

/// The pools of all runtimes.
pub(crate) struct Supervisor {
    settings: Arc<ConnectionSettings>,
    pools: Mutex<Vec<(runtime::Id, Arc<Pool>)>>,
    closed: AtomicBool,
}

/// The connections of one runtime.
struct Pool {
    connections: Vec<PooledConnection>,
    next: AtomicUsize,
}

/// A connection and the task that replaces it.
struct PooledConnection {
    state: SharedState,
    task: JoinHandle<()>,
}

impl Supervisor {
    pub(crate) const fn new(settings: Arc<ConnectionSettings>) -> Self {
        Self {
            settings,
            pools: Mutex::new(Vec::new()),
            closed: AtomicBool::new(false),
        }
    }

    /// Returns `true` if the keys are spread over several servers.
    pub(crate) fn is_cluster(&self) -> bool {
        self.settings.connector.is_cluster()
    }

    /// Returns the deadline of an operation that begins now.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.settings.timeout
    }

    /// Runs an action on a connection until the deadline. With a caller, it then continues without
    /// that caller and awaits a late answer.
    pub(crate) async fn with<T, F>(
        &self,
        deadline: Instant,
        caller: Option<&Caller>,
        action: impl FnOnce(Connection) -> F,
    ) -> Result<T, Failed>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let action = |live: Live| action(live.connection);
        self.with_live(deadline, caller, action).await
    }

    /// Runs an action on a connection and what belongs to it, as [`with`](Self::with) does.
    pub(crate) async fn with_live<T, F>(
        &self,
        deadline: Instant,
        caller: Option<&Caller>,
        action: impl FnOnce(Live) -> F,
    ) -> Result<T, Failed>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let pool = self.pool()?;
        let (pooled, live) = pool.pick(deadline).await?;
        // An operation that is dropped from here on is no evidence about the connection.
        let sent = live.health.send();
        let mut action = pin!(action(live.clone()));
        let answer = timeout_at(deadline, action.as_mut()).await;
        let is_pending = answer.is_err();
        let result = match answer {
            Ok(Err(error)) if error.is_timeout() => Err(Failed::Timeout(self.settings.timeout)),
            Ok(result) => result.map_err(Failed::Server),
            Err(_) => Err(Failed::Timeout(self.settings.timeout)),
        };
        live.record(&pooled.state, &sent, result.as_ref().err());
        let Some(caller) = caller.filter(|_| is_pending) else {
            return result;
        };
        caller.time_out(self.settings.timeout);
        match timeout(PATIENCE, action).await {
            Ok(answer) => {
                live.health.answer();
                answer.map_err(Failed::Server)
            }
            Err(_) => result,
        }
    }

    /// Waits until the first attempts to connect have ended.
    ///
    /// # Errors
    ///
    /// The error of the first attempt that failed.
    pub(crate) async fn connected(&self) -> Result<(), Failed> {
        let pool = self.pool()?;
        for pooled in &pool.connections {
            pooled.started().await?;
        }
        Ok(())
    }

    /// Ends all tasks and closes all connections.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.pools.lock().clear();
    }

    /// Returns the pool of this runtime.
    fn pool(&self) -> Result<Arc<Pool>, Failed> {
        let Ok(runtime) = Handle::try_current() else {
            let message = "Redis needs a tokio runtime; call it from one".to_owned();
            return Err(Failed::Misconfigured(message));
        };
        timer::check().map_err(|error| Failed::Misconfigured(error.to_string()))?;
        let id = runtime.id();
        let mut pools = self.pools.lock();
        if self.closed.load(Ordering::SeqCst) {
            return Err(Failed::Closed);
        }
        if let Some((_, pool)) = pools.iter().find(|(runtime, _)| *runtime == id) {
            return Ok(pool.clone());
        }
        pools.retain(|(_, pool)| !pool.is_over());
        let pool = Arc::new(Pool::new(&self.settings, &runtime));
        pools.push((id, pool.clone()));
        Ok(pool)
    }
}

impl Pool {
    fn new(settings: &Arc<ConnectionSettings>, runtime: &Handle) -> Self {
        let pooled = |_| {
            let state = Arc::new(watch::Sender::new(ConnectionState::Starting));
            let task = runtime.spawn(run(settings.clone(), state.clone()));
            PooledConnection { state, task }
        };
        Self {
            connections: (0..settings.connections).map(pooled).collect(),
            next: AtomicUsize::new(0),
        }
    }

    /// Returns `true` if the runtime has ended.
    fn is_over(&self) -> bool {
        self.connections
            .iter()
            .all(|pooled| pooled.task.is_finished())
    }

    /// Returns the next connection that is up. Each call begins at the next one.
    async fn pick(&self, deadline: Instant) -> Result<(&PooledConnection, Live), Failed> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let count = self.connections.len();
        let next = |index| &self.connections[index % count];
        let mut down = None;
        for pooled in (first..first.wrapping_add(count)).map(next) {
            match &*pooled.state.borrow() {
                ConnectionState::Up(live) => return Ok((pooled, live.clone())),
                ConnectionState::Down(error) => down = Some(error.clone()),
                ConnectionState::Starting => {}
            }
        }
        if let Some(error) = down {
            return Err(Failed::NotConnected(error));
        }
        let pooled = next(first);
        let started = timeout_at(deadline, pooled.started()).await;
        Ok((pooled, started.map_err(|_| Failed::Connecting)??))
    }
}

impl PooledConnection {
    /// Waits until the first attempt to connect has ended, and returns the connection.
    async fn started(&self) -> Result<Live, Failed> {
        let mut changes = self.state.subscribe();
        let state = changes
            .wait_for(|state| !matches!(state, ConnectionState::Starting))
            .await;
        match state.as_deref() {
            Ok(ConnectionState::Up(live)) => Ok(live.clone()),
            Ok(ConnectionState::Down(error)) => Err(Failed::NotConnected(error.clone())),
            Ok(ConnectionState::Starting) | Err(_) => Err(Failed::Connecting),
        }
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        self.task.abort();
    }
}
