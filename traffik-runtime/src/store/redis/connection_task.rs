//! The task of one connection of a pool: it connects, watches, and replaces what is broken.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::observe;
use crate::resilience::backoff::{Backoff, Jitter};
use crate::store::redis::connection_state::{ConnectionState, Live, SharedState};
use crate::store::redis::connector::Connected;
use crate::store::redis::error::Failed;
use crate::store::redis::handshake::{ConnectionSettings, connect};
use crate::store::redis::health::STALLS;

/// The delays between two attempts to connect. A server that is back is found within two seconds.
const BACKOFF: Backoff = Backoff::exponential(Duration::from_millis(50))
    .max_delay(Duration::from_millis(1_500))
    .jitter(Jitter::Equal);

/// The age from which a broken connection is replaced without delay.
const STEADY: Duration = Duration::from_secs(2);

/// The time without an answer after which an idle connection is sent a PING, so that the next
/// caller does not have to discover that it is broken. A connection in use is sent a PING earlier,
/// because its callers may all have gone away.
const IDLE: Duration = Duration::from_secs(1);

/// The shortest time between two PINGs.
const SHORTEST_BEAT: Duration = Duration::from_millis(10);

/// Connects, and connects again whenever the connection has been retired, until this is aborted.
pub(crate) async fn run(settings: Arc<ConnectionSettings>, state: SharedState) {
    let mut delays = BACKOFF.delays();
    // An outage is logged once.
    let mut is_logged = false;
    loop {
        match connect(&settings).await {
            Ok(connected) => {
                observe::connected("redis");
                is_logged = false;
                let since = Instant::now();
                let live = Live {
                    connection: connected.connection.clone(),
                    health: Arc::default(),
                    batches: Arc::default(),
                };
                state.send_replace(ConnectionState::Up(live.clone()));
                let _follower = follow(&settings, connected, &state, &live);
                watch_over(live, &state, settings.timeout).await;
                if let ConnectionState::Down(error) = &*state.borrow() {
                    observe::disconnected("redis", error);
                    is_logged = true;
                }
                if since.elapsed() > STEADY {
                    delays = BACKOFF.delays();
                    continue;
                }
            }
            Err(error) => {
                if !is_logged {
                    observe::disconnected("redis", &error);
                    is_logged = true;
                }
                state.send_replace(ConnectionState::Down(error));
            }
        }
        sleep(delays.next()).await;
    }
}

/// Retires a connection as soon as its server is no longer the right one, for as long as the
/// returned task lives.
fn follow(
    settings: &Arc<ConnectionSettings>,
    connected: Connected,
    state: &SharedState,
    live: &Live,
) -> JoinSet<()> {
    let (settings, state, live) = (settings.clone(), state.clone(), live.clone());
    let mut task = JoinSet::new();
    task.spawn(async move {
        let reason = settings.connector.outdated(&connected).await;
        live.retire(&state, reason);
    });
    task
}

/// Returns when the connection has been retired.
///
/// While nothing is read, this sends PINGs. Answers arrive in the order of the commands, so callers
/// that go away can make neither a working server look broken nor a broken one look working.
async fn watch_over(live: Live, state: &SharedState, time_limit: Duration) {
    let mut changes = state.subscribe();
    let beat = (time_limit / 2).clamp(SHORTEST_BEAT, IDLE);
    let mut is_retired = async || {
        let changed = changes.wait_for(|state| !matches!(state, ConnectionState::Up(_)));
        timeout(beat, changed).await.is_ok()
    };
    let mut pings = JoinSet::new();
    let (mut answers, mut quiet_since) = (live.health.answers(), Instant::now());
    while !is_retired().await {
        while pings.try_join_next().is_some() {}
        let used = live.health.take_used();
        if live.health.answers() != answers {
            (answers, quiet_since) = (live.health.answers(), Instant::now());
        } else if live.connection.can_break()
            && (used || !pings.is_empty() || quiet_since.elapsed() >= IDLE)
        {
            pings.spawn(ping(live.clone(), state.clone(), time_limit));
        }
    }
}

/// Sends a PING. Its answer counts for longer than an operation waits, because a late answer shows
/// that the server works.
async fn ping(live: Live, state: SharedState, time_limit: Duration) {
    let sent = live.health.send_ping();
    let mut connection = live.connection.clone();
    let ping = redis::cmd("PING");
    let mut answer = pin!(ping.exec_async(&mut connection));
    let mut answered = timeout(time_limit, &mut answer).await;
    if answered.is_err() {
        live.record(&state, &sent, Some(&Failed::Timeout(time_limit)));
        answered = timeout(time_limit * (STALLS - 1), answer).await;
    }
    if let Ok(result) = answered {
        live.record(&state, &sent, result.err().map(Failed::Server).as_ref());
    }
}
