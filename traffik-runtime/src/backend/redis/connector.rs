//! How a connection is made, each time one is needed.

use std::time::Duration;

use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, RedisResult};

use super::connection::Connection;
use super::url::Place;

/// How many commands may wait to be written to one socket before their callers wait too.
const BUFFER: usize = 512;

/// What connections are made by.
pub(super) enum Connector {
    /// One server: a URL's, or the client of the user.
    One(Client),
    #[cfg(feature = "redis-cluster")]
    Cluster(redis::cluster::ClusterClient),
    #[cfg(feature = "redis-sentinel")]
    Sentinel(super::sentinel::Sentinels),
}

impl Connector {
    /// # Errors
    ///
    /// What cannot work, whatever the servers do.
    pub(super) fn new(place: Place, timeout: Duration) -> Result<Self, String> {
        let connector = match place {
            Place::One(info) => Client::open(set_tcp(info)).map(Self::One),
            #[cfg(feature = "redis-cluster")]
            Place::Cluster(nodes) => super::cluster::client(nodes, timeout).map(Self::Cluster),
            #[cfg(feature = "redis-sentinel")]
            Place::Sentinel(sentinel) => {
                Ok(Self::Sentinel(super::sentinel::Sentinels::new(sentinel)))
            }
        };
        let _ = timeout;
        connector.map_err(|error| error.to_string())
    }

    /// Whether keys are spread over several servers.
    pub(super) const fn is_cluster(&self) -> bool {
        match self {
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(_) => true,
            _ => false,
        }
    }

    /// A new connection. Sentinels are asked again each time, so that a new primary is found.
    pub(super) async fn connect(&self) -> RedisResult<Connection> {
        match self {
            Self::One(client) => connect(client).await,
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(client) => {
                let nodes = super::cluster::Nodes::connect(client).await?;
                Ok(Connection::Cluster(nodes))
            }
            #[cfg(feature = "redis-sentinel")]
            Self::Sentinel(sentinels) => connect(&sentinels.primary().await?).await,
        }
    }
}

async fn connect(client: &Client) -> RedisResult<Connection> {
    // Whoever waits has a time limit of their own.
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None)
        .set_pipeline_buffer_size(BUFFER);
    let connection = client
        .get_multiplexed_async_connection_with_config(&config)
        .await?;
    Ok(Connection::One(connection))
}

fn set_tcp(info: ConnectionInfo) -> ConnectionInfo {
    info.set_tcp_settings(tcp())
}

/// Nothing waits for more to be sent, and a peer that is gone without a word is noticed.
pub(super) fn tcp() -> TcpSettings {
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(5))
        .with_interval(Duration::from_secs(2));
    let settings = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(keepalive);
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let settings = settings.set_user_timeout(Duration::from_secs(3));
    settings
}
