//! How a connection is made, each time one is needed.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, RedisError, RedisResult,
};

use crate::store::redis::connection::Connection;
use crate::store::redis::url::{Credentials, Place, Target};
use crate::store::tls::Tls;

/// How many commands may wait to be written to one socket before their callers wait too.
const BUFFER: usize = 512;

/// Settings from which a connector is built.
pub(crate) struct Options {
    /// How long one operation may take.
    pub(crate) timeout: Duration,
    pub(crate) tls: Option<Tls>,
    pub(crate) sentinel_auth: Option<Credentials>,
}

/// What connections are made by.
pub(crate) enum Connector {
    /// One server: a URL's, or the client of the user.
    One(Client),
    #[cfg(feature = "redis-cluster")]
    Cluster(redis::cluster::ClusterClient),
    #[cfg(feature = "redis-sentinel")]
    Sentinel(crate::store::redis::sentinel::Sentinels),
}

/// A connection that was just made.
pub(crate) struct Connected {
    pub(crate) connection: Connection,
    #[cfg(feature = "redis-sentinel")]
    primary: Option<crate::store::redis::sentinel::Primary>,
}

impl Connector {
    /// # Errors
    ///
    /// What cannot work, whatever the servers do.
    pub(crate) fn new(target: Target, options: &Options) -> Result<Self, String> {
        let Target { place, parameters } = target;
        let (from_url, sentinel_auth) = (parameters.tls()?, parameters.sentinel_auth()?);
        let tls = options.tls.as_ref().or(from_url.as_ref());
        let sentinel_auth = options.sentinel_auth.as_ref().or(sentinel_auth.as_ref());
        #[cfg(feature = "redis-rustls")]
        crate::store::tls::with_rustls::install_provider();
        match place {
            #[cfg(feature = "redis-sentinel")]
            Place::Sentinel(sentinel) => {
                let sentinels =
                    crate::store::redis::sentinel::Sentinels::new(sentinel, tls, sentinel_auth);
                sentinels.map(Self::Sentinel)
            }
            _ if sentinel_auth.is_some() => Err(
                "a password for Sentinels needs a URL that names Sentinels; write \
                 `redis+sentinel://`"
                    .to_owned(),
            ),
            Place::One(info) => {
                let client = Client::open(prepare(info, tls)?);
                client.map(Self::One).map_err(|error| error.to_string())
            }
            #[cfg(feature = "redis-cluster")]
            Place::Cluster(nodes) => {
                crate::store::redis::cluster::client(nodes, tls, options.timeout).map(Self::Cluster)
            }
        }
    }

    /// The client of a user, who has set everything up.
    ///
    /// # Errors
    ///
    /// Settings that the client would ignore.
    pub(crate) fn of_user(self, options: &Options) -> Result<Self, String> {
        if options.tls.is_some() || options.sentinel_auth.is_some() {
            return Err(
                "a client of your own brings its certificates and passwords along; leave \
                 `tls` and `sentinel_auth` out"
                    .to_owned(),
            );
        }
        Ok(self)
    }

    /// Whether keys are spread over several servers.
    pub(crate) const fn is_cluster(&self) -> bool {
        match self {
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(_) => true,
            _ => false,
        }
    }

    /// A new connection. Sentinels are asked again each time, so that a new primary is found.
    pub(crate) async fn connect(&self) -> RedisResult<Connected> {
        match self {
            Self::One(client) => Ok(Connected::new(Connection::One(open(client).await?))),
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(client) => {
                let nodes = crate::store::redis::cluster::Nodes::connect(client).await?;
                Ok(Connected::new(Connection::Cluster(nodes)))
            }
            #[cfg(feature = "redis-sentinel")]
            Self::Sentinel(sentinels) => {
                let (connection, primary) = sentinels.connect().await?;
                Ok(Connected {
                    connection: Connection::One(connection),
                    primary: Some(primary),
                })
            }
        }
    }

    /// Waits until this connection leads to the wrong server, for ever if that cannot happen.
    pub(crate) async fn outdated(&self, connected: &Connected) -> RedisError {
        match (self, connected) {
            #[cfg(feature = "redis-sentinel")]
            (
                Self::Sentinel(sentinels),
                Connected {
                    primary: Some(primary),
                    ..
                },
            ) => {
                sentinels.switched(primary).await;
                (redis::ErrorKind::Io, "Sentinels name another primary").into()
            }
            _ => std::future::pending().await,
        }
    }
}

impl Connected {
    const fn new(connection: Connection) -> Self {
        Self {
            connection,
            #[cfg(feature = "redis-sentinel")]
            primary: None,
        }
    }
}

/// Opens one socket.
pub(crate) async fn open(client: &Client) -> RedisResult<MultiplexedConnection> {
    // Whoever waits has a time limit of their own.
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None)
        .set_pipeline_buffer_size(BUFFER);
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
}

/// Adds our settings of sockets and TLS to what a URL says.
pub(crate) fn prepare(info: ConnectionInfo, tls: Option<&Tls>) -> Result<ConnectionInfo, String> {
    let info = info.set_tcp_settings(tcp());
    let Some(tls) = tls else { return Ok(info) };
    if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
        return Err("certificates need a URL with TLS; write `rediss://`".to_owned());
    }
    with_certificates(info, tls)
}

#[cfg(any(feature = "redis-native-tls", feature = "redis-rustls"))]
fn with_certificates(info: ConnectionInfo, tls: &Tls) -> Result<ConnectionInfo, String> {
    let client = Client::build_with_tls(info, tls.certificates()?);
    let client = client.map_err(|error| error.to_string())?;
    Ok(client.get_connection_info().clone())
}

/// Without TLS there is no URL that asks for it.
#[cfg(not(any(feature = "redis-native-tls", feature = "redis-rustls")))]
fn with_certificates(info: ConnectionInfo, _: &Tls) -> Result<ConnectionInfo, String> {
    Ok(info)
}

/// Nothing waits for more to be sent, and a peer that is gone without a word is noticed.
pub(crate) fn tcp() -> TcpSettings {
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
