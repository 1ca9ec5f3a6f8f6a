//! Connections that are always on their way back.
//!
//! A slot is a socket and the one task that makes it, watches over it and replaces it. Callers take what is there: while
//! there is nothing they fail at once, except before the very first attempt has ended, when they wait for it.
//!
//! Tasks live on runtimes, so each runtime has slots of its own; those of a runtime that is gone go with it.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use redis::{RedisError, RedisResult};
use tokio::runtime;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::resilience::backoff::{Backoff, Jitter};
use crate::store::caller::{Caller, PATIENCE};
use crate::store::redis::connection::Connection;
use crate::store::redis::connector::{Connected, Connector};
use crate::store::redis::error::Failed;
use crate::store::redis::eviction;
use crate::store::redis::health::{Health, STALLS, Sent};
use crate::{observe, timer};

/// How long one attempt to connect may take.
const CONNECT: Duration = Duration::from_secs(1);

/// Between two attempts: a server that is back is found within two seconds.
const BACKOFF: Backoff = Backoff::exponential(Duration::from_millis(50))
    .max_delay(Duration::from_millis(1_500))
    .jitter(Jitter::Equal);

/// A connection that lived this long was a good one: its replacement is made at once.
const STEADY: Duration = Duration::from_secs(2);

/// A connection from which nothing was read for this time is sent a PING, so that the next caller need not find out that
/// it is broken. One that is in use is sent a PING earlier, because its callers may all have gone away.
const IDLE: Duration = Duration::from_secs(1);

/// The shortest time between two PINGs.
const SHORTEST_BEAT: Duration = Duration::from_millis(10);

/// What all slots have in common.
pub(crate) struct Settings {
    pub(crate) connector: Connector,
    /// How many sockets, per runtime.
    pub(crate) connections: usize,
    /// How long one operation may take.
    pub(crate) timeout: Duration,
    /// What a server is to know before it is asked for it.
    pub(crate) scripts: &'static [&'static str],
    /// Set once the server was asked for its eviction policy.
    pub(crate) eviction_checked: AtomicBool,
}

pub(crate) struct Supervisor {
    settings: Arc<Settings>,
    pools: Mutex<Vec<(runtime::Id, Arc<Pool>)>>,
    closed: AtomicBool,
}

/// The slots of one runtime.
struct Pool {
    slots: Vec<Slot>,
    next: AtomicUsize,
}

struct Slot {
    state: Arc<watch::Sender<State>>,
    task: JoinHandle<()>,
}

#[derive(Clone)]
enum State {
    /// The very first attempt is under way.
    Starting,
    Up(Live),
    Down(RedisError),
}

/// A connection in use.
#[derive(Clone)]
struct Live {
    connection: Connection,
    health: Arc<Health>,
}

impl Supervisor {
    pub(crate) fn is_cluster(&self) -> bool {
        self.settings.connector.is_cluster()
    }

    pub(crate) const fn new(settings: Arc<Settings>) -> Self {
        Self {
            settings,
            pools: Mutex::new(Vec::new()),
            closed: AtomicBool::new(false),
        }
    }

    /// The moment at which an operation that begins now has to end.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.settings.timeout
    }

    /// Does something with a connection, until the deadline at the latest. With a caller it goes on without it then, and a
    /// late answer is awaited.
    pub(crate) async fn with<T, F>(
        &self,
        deadline: Instant,
        caller: Option<&Caller>,
        action: impl FnOnce(Connection) -> F,
    ) -> Result<T, Failed>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let pool = self.pool()?;
        let (slot, live) = pool.pick(deadline).await?;
        // Dropped from here on, the operation says nothing about the connection.
        let sent = live.health.send();
        let mut action = pin!(action(live.connection.clone()));
        let answer = timeout_at(deadline, action.as_mut()).await;
        let is_under_way = answer.is_err();
        let result = match answer {
            Ok(Err(error)) if error.is_timeout() => Err(Failed::Late(self.settings.timeout)),
            Ok(result) => result.map_err(Failed::Said),
            Err(_) => Err(Failed::Late(self.settings.timeout)),
        };
        judge(&slot.state, &live, &sent, result.as_ref().err());
        let Some(caller) = caller.filter(|_| is_under_way) else {
            return result;
        };
        caller.late(self.settings.timeout);
        match timeout(PATIENCE, action).await {
            Ok(answer) => {
                live.health.answer();
                answer.map_err(Failed::Said)
            }
            Err(_) => result,
        }
    }

    /// Waits until the first attempts have ended.
    ///
    /// # Errors
    ///
    /// What came of the one that failed.
    pub(crate) async fn connected(&self) -> Result<(), Failed> {
        let pool = self.pool()?;
        for slot in &pool.slots {
            slot.started().await?;
        }
        Ok(())
    }

    /// Ends everything.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.pools.lock().clear();
    }

    /// The slots of this runtime.
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
    fn new(settings: &Arc<Settings>, runtime: &Handle) -> Self {
        let slot = |_| {
            let state = Arc::new(watch::Sender::new(State::Starting));
            let task = runtime.spawn(keep(settings.clone(), state.clone()));
            Slot { state, task }
        };
        Self {
            slots: (0..settings.connections).map(slot).collect(),
            next: AtomicUsize::new(0),
        }
    }

    /// Whether its runtime is gone.
    fn is_over(&self) -> bool {
        self.slots.iter().all(|slot| slot.task.is_finished())
    }

    /// The next connection that is there, in turn.
    async fn pick(&self, deadline: Instant) -> Result<(&Slot, Live), Failed> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let count = self.slots.len();
        let in_turn = || (turn..turn.wrapping_add(count)).map(|turn| &self.slots[turn % count]);
        let mut down = None;
        for slot in in_turn() {
            match &*slot.state.borrow() {
                State::Up(live) => return Ok((slot, live.clone())),
                State::Down(error) => down = Some(error.clone()),
                State::Starting => {}
            }
        }
        if let Some(error) = down {
            return Err(Failed::Unconnected(error));
        }
        let slot = &self.slots[turn % count];
        let started = timeout_at(deadline, slot.started()).await;
        Ok((slot, started.map_err(|_| Failed::Connecting)??))
    }
}

impl Slot {
    /// What came of the first attempt, or is there since.
    async fn started(&self) -> Result<Live, Failed> {
        let mut changes = self.state.subscribe();
        let state = changes
            .wait_for(|state| !matches!(state, State::Starting))
            .await;
        match state.as_deref() {
            Ok(State::Up(live)) => Ok(live.clone()),
            Ok(State::Down(error)) => Err(Failed::Unconnected(error.clone())),
            Ok(State::Starting) | Err(_) => Err(Failed::Connecting),
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Learns from how an operation went, and gives the connection up if it is no good.
fn judge(state: &watch::Sender<State>, live: &Live, sent: &Sent, failed: Option<&Failed>) {
    let broken = match failed {
        Some(Failed::Late(_)) => live.health.time_out(sent),
        failed => {
            live.health.answer();
            failed.is_some_and(Failed::breaks_connection)
        }
    };
    if let (true, true, Some(failed)) = (broken, live.connection.can_break(), failed) {
        give_up(state, live, failed.clone().reason());
    }
}

/// Takes a connection out of use, unless that has been done already.
fn give_up(state: &watch::Sender<State>, live: &Live, reason: RedisError) {
    state.send_if_modified(|state| {
        let same = matches!(state, State::Up(up) if Arc::ptr_eq(&up.health, &live.health));
        if same {
            *state = State::Down(reason);
        }
        same
    });
}

/// Gives a connection up as soon as it leads to the wrong server, for as long as the task lives.
fn follow(
    settings: &Arc<Settings>,
    connected: Connected,
    state: &Arc<watch::Sender<State>>,
    live: &Live,
) -> JoinSet<()> {
    let (settings, state, live) = (settings.clone(), state.clone(), live.clone());
    let mut task = JoinSet::new();
    task.spawn(async move {
        let reason = settings.connector.outdated(&connected).await;
        give_up(&state, &live, reason);
    });
    task
}

/// Keeps a slot filled for as long as it exists.
async fn keep(settings: Arc<Settings>, state: Arc<watch::Sender<State>>) {
    let mut pauses = BACKOFF.pauses();
    // One line in the log for each time it goes.
    let mut told = false;
    loop {
        match connect(&settings).await {
            Ok(connected) => {
                observe::connected("redis");
                told = false;
                let since = Instant::now();
                let live = Live {
                    connection: connected.connection.clone(),
                    health: Arc::default(),
                };
                state.send_replace(State::Up(live.clone()));
                let _follower = follow(&settings, connected, &state, &live);
                watch_over(live, &state, settings.timeout).await;
                if let State::Down(error) = &*state.borrow() {
                    observe::disconnected("redis", error);
                    told = true;
                }
                if since.elapsed() > STEADY {
                    pauses = BACKOFF.pauses();
                    continue;
                }
            }
            Err(error) => {
                if !told {
                    observe::disconnected("redis", &error);
                    told = true;
                }
                state.send_replace(State::Down(error));
            }
        }
        sleep(pauses.next()).await;
    }
}

/// Connects in a task of its own, for TLS without a provider of cryptography is a panic.
async fn connect(settings: &Arc<Settings>) -> RedisResult<Connected> {
    let mut attempt = JoinSet::new();
    let settings = settings.clone();
    attempt.spawn(async move {
        let mut connected = settings.connector.connect().await?;
        let connection = &mut connected.connection;
        introduce(connection, settings.scripts).await?;
        if !settings.eviction_checked.swap(true, Ordering::Relaxed) {
            eviction::check(connection).await;
        }
        Ok(connected)
    });
    let failed = |what| Err((redis::ErrorKind::Io, what).into());
    match timeout(CONNECT, attempt.join_next()).await {
        Ok(Some(Ok(result))) => result,
        Ok(_) => failed("connecting panicked; does TLS have a provider of cryptography?"),
        Err(_) => failed("there was no connection within a second"),
    }
}

/// Makes sure that the server answers, and loads the scripts. A server that does not permit `PING` has answered, and one
/// that does not permit `SCRIPT LOAD` gets each script when it is first used.
async fn introduce(connection: &mut Connection, scripts: &[&str]) -> RedisResult<()> {
    // The client library looks after the connections to a Cluster's nodes.
    let can_break = connection.can_break();
    let is_forbidden = |error: &RedisError| Failed::Said(error.clone()).is_forbidden();
    if can_break
        && let Err(error) = redis::cmd("PING").exec_async(connection).await
        && !is_forbidden(&error)
    {
        return Err(error);
    }
    for script in scripts {
        let mut load = redis::cmd("SCRIPT");
        load.arg("LOAD").arg(script);
        match load.exec_async(connection).await {
            Err(error) if is_forbidden(&error) => break,
            Err(error) if can_break => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Returns when the connection has been given up.
///
/// While nothing is read it sends PINGs, whose answers come in the order of what was sent before: callers that go away
/// neither hide a server that is alive nor one that is not.
async fn watch_over(live: Live, state: &Arc<watch::Sender<State>>, patience: Duration) {
    let mut changes = state.subscribe();
    let beat = (patience / 2).clamp(SHORTEST_BEAT, IDLE);
    let mut given_up = async || {
        let changed = changes.wait_for(|state| !matches!(state, State::Up(_)));
        timeout(beat, changed).await.is_ok()
    };
    let mut pings = JoinSet::new();
    let (mut answers, mut quiet_since) = (live.health.answers(), Instant::now());
    while !given_up().await {
        while pings.try_join_next().is_some() {}
        let used = live.health.take_used();
        if live.health.answers() != answers {
            (answers, quiet_since) = (live.health.answers(), Instant::now());
        } else if live.connection.can_break()
            && (used || !pings.is_empty() || quiet_since.elapsed() >= IDLE)
        {
            pings.spawn(ping(live.clone(), state.clone(), patience));
        }
    }
}

/// Sends a PING. Its answer counts for longer than an operation waits: one that is late shows a server that is alive.
async fn ping(live: Live, state: Arc<watch::Sender<State>>, patience: Duration) {
    let sent = live.health.send_ping();
    let mut connection = live.connection.clone();
    let ping = redis::cmd("PING");
    let mut answer = pin!(ping.exec_async(&mut connection));
    let mut answered = timeout(patience, &mut answer).await;
    if answered.is_err() {
        judge(&state, &live, &sent, Some(&Failed::Late(patience)));
        answered = timeout(patience * (STALLS - 1), answer).await;
    }
    if let Ok(result) = answered {
        judge(
            &state,
            &live,
            &sent,
            result.err().map(Failed::Said).as_ref(),
        );
    }
}
