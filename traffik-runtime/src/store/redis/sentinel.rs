//! The primary that Sentinels name, and the news that they name another.
//!
//! Sentinels do not always agree: one that was cut off still names the old primary. The configuration
//! epoch, which grows with each failover, tells which answer is newer.

use std::collections::HashMap;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisResult};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::store::redis::connector::{open, prepare};
use crate::store::redis::url::{Credentials, Sentinel};
use crate::store::tls::Tls;

/// How long a Sentinel may take to be connected to, or to answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long the other Sentinels may take once one has answered.
const GRACE: Duration = Duration::from_millis(100);

/// The time between two questions to a Sentinel: hits that a primary counts after its replica was
/// promoted are lost.
const INTERVAL: Duration = Duration::from_millis(500);

/// The time between two questions while a Sentinel is failing over.
const HURRIED: Duration = Duration::from_millis(50);

/// Where to ask for a primary, and how to connect to it.
pub(crate) struct Sentinels {
    nodes: Vec<Client>,
    master: String,
    /// Settings of connections to the primary; its address is replaced.
    primary: ConnectionInfo,
}

/// A primary, as Sentinels name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Primary {
    host: String,
    port: u16,
    epoch: u64,
}

/// What a Sentinel answers.
struct Answer {
    primary: Primary,
    /// Whether this Sentinel is about to name another one.
    is_failing_over: bool,
}

impl Sentinels {
    /// # Errors
    ///
    /// Certificates that cannot be used.
    pub(crate) fn new(
        sentinel: Sentinel,
        tls: Option<&Tls>,
        auth: Option<&Credentials>,
    ) -> Result<Self, String> {
        let client = |info: ConnectionInfo| {
            let mut settings = info.redis_settings().clone();
            if let Some(Credentials { user, password }) = auth {
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

    /// Connects to the present primary, which must call itself one.
    pub(crate) async fn connect(&self) -> RedisResult<(MultiplexedConnection, Primary)> {
        let primary = self.newest().await?;
        let mut connection = open(&self.client(&primary)?).await?;
        let role = redis::cmd("ROLE").query_async(&mut connection).await;
        match role {
            Ok(redis::Value::Array(role)) if role.first().is_some_and(is_master) => {}
            // A user who may not ask is told by the first write to a replica.
            Err(error) if error.code() == Some("NOPERM") => {}
            Err(error) => return Err(error),
            Ok(_) => {
                let message = "the server that Sentinels name is not a primary yet";
                return Err((ErrorKind::MasterNameNotFoundBySentinel, message).into());
            }
        }
        Ok((connection, primary))
    }

    /// Waits until a Sentinel names another primary than this one, for ever if none does.
    pub(crate) async fn switched(&self, from: &Primary) {
        let mut watching = JoinSet::new();
        for client in &self.nodes {
            watching.spawn(watch(client.clone(), self.master.clone(), from.clone()));
        }
        if watching.join_next().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// Asks all Sentinels at once, and returns the newest of their answers.
    async fn newest(&self) -> RedisResult<Primary> {
        let mut asking = JoinSet::new();
        for client in &self.nodes {
            let (client, master) = (client.clone(), self.master.clone());
            asking.spawn(async move {
                let answer = ask(&mut open(&client).await?, &master).await?;
                Ok(answer.primary)
            });
        }
        let mut newest: RedisResult<Primary> =
            Err((ErrorKind::Io, "no Sentinel has answered in time").into());
        let mut deadline = Instant::now() + PATIENCE;
        while let Ok(Some(answer)) = timeout_at(deadline, asking.join_next()).await {
            match (answer, &newest) {
                (Ok(Ok(named)), Ok(known)) if named.epoch <= known.epoch => {}
                (Ok(Ok(named)), _) => {
                    deadline = deadline.min(Instant::now() + GRACE);
                    newest = Ok(named);
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

/// Asks one Sentinel again and again, and returns when it names another primary.
async fn watch(client: Client, master: String, from: Primary) {
    loop {
        if let Ok(Ok(mut connection)) = timeout(PATIENCE, open(&client)).await {
            while let Ok(Ok(answer)) = timeout(PATIENCE, ask(&mut connection, &master)).await {
                if answer.primary.follows(&from) {
                    return;
                }
                let pause = if answer.is_failing_over {
                    HURRIED
                } else {
                    INTERVAL
                };
                sleep(pause).await;
            }
        }
        sleep(INTERVAL).await;
    }
}

impl Primary {
    /// Whether this is another primary, and the answer is not older.
    fn follows(&self, other: &Self) -> bool {
        let moved = (&self.host, self.port) != (&other.host, other.port);
        moved && self.epoch >= other.epoch
    }
}

/// Asks a Sentinel for the primary.
async fn ask(connection: &mut MultiplexedConnection, master: &str) -> RedisResult<Answer> {
    // The address comes first: a failover between the two answers then gives an old address with a
    // new epoch, which the next question corrects; the opposite would hide the failover.
    let mut address = redis::cmd("SENTINEL");
    address.arg("GET-MASTER-ADDR-BY-NAME").arg(master);
    let Some((host, port)) = address
        .query_async::<Option<(String, u16)>>(connection)
        .await?
    else {
        let message = "Sentinels know no primary of this name";
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
    fn follows_no_older_answer() {
        let known = primary(1, 5);
        assert!(primary(2, 6).follows(&known));
        assert!(primary(2, 5).follows(&known));
        assert!(
            !primary(2, 4).follows(&known),
            "a Sentinel that was cut off"
        );
        assert!(!primary(1, 6).follows(&known), "the same primary");
    }
}
