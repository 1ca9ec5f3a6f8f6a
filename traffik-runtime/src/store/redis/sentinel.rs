//! Finds the primary that Sentinels report, and watches for another.
//!
//! Sentinels may disagree: one that was cut off still reports the old primary. The configuration
//! epoch grows with each failover, so the answer with the greatest epoch is the newest.

use std::collections::HashMap;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisResult};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::store::redis::tcp::{open, prepare};
use crate::store::redis::url::Sentinel;
use crate::store::redis::url_parameters::SentinelCredentials;
use crate::store::tls::Tls;

/// The timeout for connecting to a Sentinel, and for its answer.
const TIMEOUT: Duration = Duration::from_millis(500);

/// The time for which the other Sentinels are awaited after the first answer.
const GRACE: Duration = Duration::from_millis(100);

/// The interval between two queries to a Sentinel. It is short, because hits that a primary counts
/// after its replica was promoted are lost.
const INTERVAL: Duration = Duration::from_millis(500);

/// The interval between two queries during a failover.
const FAILOVER_INTERVAL: Duration = Duration::from_millis(50);

/// The Sentinels of one primary, and the settings of connections to it.
pub(crate) struct Sentinels {
    nodes: Vec<Client>,
    master: String,
    /// The settings of connections to the primary, without its address.
    primary: ConnectionInfo,
}

/// A primary that a Sentinel reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Primary {
    host: String,
    port: u16,
    epoch: u64,
}

/// The answer of a Sentinel.
struct Answer {
    primary: Primary,
    /// `true` if this Sentinel is about to report another primary.
    is_failing_over: bool,
}

impl Sentinels {
    /// # Errors
    ///
    /// Certificates that cannot be used.
    pub(crate) fn new(
        sentinel: Sentinel,
        tls: Option<&Tls>,
        auth: Option<&SentinelCredentials>,
    ) -> Result<Self, String> {
        let client = |info: ConnectionInfo| {
            let mut settings = info.redis_settings().clone();
            if let Some(SentinelCredentials { user, password }) = auth {
                settings = settings.set_password(password);
                if !user.is_empty() {
                    settings = settings.set_username(user);
                }
            }
            let info = prepare(info, tls)?.set_redis_settings(settings);
            Client::open(info).map_err(|error| error.to_string())
        };
        let sentinels = sentinel.sentinels.into_iter().map(client);
        Ok(Self {
            nodes: sentinels.collect::<Result<_, String>>()?,
            master: sentinel.master,
            primary: prepare(sentinel.primary, tls)?,
        })
    }

    /// Connects to the current primary. The server must confirm that it is one.
    pub(crate) async fn connect(&self) -> RedisResult<(MultiplexedConnection, Primary)> {
        let primary = self.newest().await?;
        let mut connection = open(&self.client(&primary)?).await?;
        let role = redis::cmd("ROLE").query_async(&mut connection).await;
        match role {
            Ok(redis::Value::Array(role)) if role.first().is_some_and(is_master) => {}
            // Without the permission for `ROLE`, the first write finds a replica.
            Err(error) if error.code() == Some("NOPERM") => {}
            Err(error) => return Err(error),
            Ok(_) => {
                let message = "the server that the Sentinels report is not a primary yet";
                return Err((ErrorKind::MasterNameNotFoundBySentinel, message).into());
            }
        }
        Ok((connection, primary))
    }

    /// Waits until a Sentinel reports another primary than this one. This never ends if none does.
    pub(crate) async fn switched(&self, from: &Primary) {
        let mut watching = JoinSet::new();
        for client in &self.nodes {
            watching.spawn(watch(client.clone(), self.master.clone(), from.clone()));
        }
        if watching.join_next().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// Queries all Sentinels at once, and returns the newest of their answers.
    async fn newest(&self) -> RedisResult<Primary> {
        let mut queries = JoinSet::new();
        for client in &self.nodes {
            let (client, master) = (client.clone(), self.master.clone());
            queries.spawn(async move {
                let answer = query(&mut open(&client).await?, &master).await?;
                Ok(answer.primary)
            });
        }
        let mut newest: RedisResult<Primary> =
            Err((ErrorKind::Io, "no Sentinel answered in time").into());
        let mut deadline = Instant::now() + TIMEOUT;
        while let Ok(Some(answer)) = timeout_at(deadline, queries.join_next()).await {
            match (answer, &newest) {
                (Ok(Ok(primary)), Ok(found)) if primary.epoch <= found.epoch => {}
                (Ok(Ok(primary)), _) => {
                    deadline = deadline.min(Instant::now() + GRACE);
                    newest = Ok(primary);
                }
                (Ok(Err(error)), Err(_)) => newest = Err(error),
                (Ok(Err(_)), Ok(_)) | (Err(_), _) => {}
            }
        }
        newest
    }

    fn client(&self, primary: &Primary) -> RedisResult<Client> {
        let Primary { host, port, .. } = primary;
        let address = match self.primary.addr().clone() {
            ConnectionAddr::TcpTls {
                insecure,
                tls_params,
                ..
            } => ConnectionAddr::TcpTls {
                host: host.clone(),
                port: *port,
                insecure,
                tls_params,
            },
            _ => ConnectionAddr::Tcp(host.clone(), *port),
        };
        Client::open(self.primary.clone().set_addr(address))
    }
}

fn is_master(role: &redis::Value) -> bool {
    match role {
        redis::Value::BulkString(role) => role == b"master",
        redis::Value::SimpleString(role) => role == "master",
        _ => false,
    }
}

/// Queries one Sentinel repeatedly, and returns as soon as it reports another primary.
async fn watch(client: Client, master: String, from: Primary) {
    loop {
        if let Ok(Ok(mut connection)) = timeout(TIMEOUT, open(&client)).await {
            while let Ok(Ok(answer)) = timeout(TIMEOUT, query(&mut connection, &master)).await {
                if answer.primary.follows(&from) {
                    return;
                }
                let interval = if answer.is_failing_over {
                    FAILOVER_INTERVAL
                } else {
                    INTERVAL
                };
                sleep(interval).await;
            }
        }
        sleep(INTERVAL).await;
    }
}

impl Primary {
    /// Returns `true` if this is another primary, and the answer is not older.
    fn follows(&self, other: &Self) -> bool {
        let moved = (&self.host, self.port) != (&other.host, other.port);
        moved && self.epoch >= other.epoch
    }
}

/// Queries a Sentinel for the primary.
async fn query(connection: &mut MultiplexedConnection, master: &str) -> RedisResult<Answer> {
    // The address comes first. A failover between the two answers then gives an old address with a
    // new epoch, which the next query corrects; the other order would hide the failover.
    let mut address = redis::cmd("SENTINEL");
    address.arg("GET-MASTER-ADDR-BY-NAME").arg(master);
    let Some((host, port)) = address
        .query_async::<Option<(String, u16)>>(connection)
        .await?
    else {
        let message = "the Sentinels have no primary with this name";
        return Err((ErrorKind::MasterNameNotFoundBySentinel, message).into());
    };
    let mut state = redis::cmd("SENTINEL");
    state.arg("MASTER").arg(master);
    let state: HashMap<String, String> = state.query_async(connection).await?;
    let epoch = state
        .get("config-epoch")
        .and_then(|epoch| epoch.parse().ok());
    let flags = state.get("flags");
    Ok(Answer {
        primary: Primary {
            host,
            port,
            epoch: epoch.unwrap_or(0),
        },
        is_failing_over: flags.is_some_and(|flags| flags.contains("failover_in_progress")),
    })
}

#[cfg(test)]
mod tests {
    use super::Primary;

    fn primary(port: u16, epoch: u64) -> Primary {
        Primary {
            host: "h".to_owned(),
            port,
            epoch,
        }
    }

    #[test]
    fn does_not_follow_an_older_answer() {
        let current = primary(1, 5);
        assert!(primary(2, 6).follows(&current));
        assert!(primary(2, 5).follows(&current));
        assert!(
            !primary(2, 4).follows(&current),
            "a Sentinel that was cut off"
        );
        assert!(!primary(1, 6).follows(&current), "the same primary");
    }
}
