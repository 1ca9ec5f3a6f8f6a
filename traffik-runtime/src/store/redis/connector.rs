//! Makes a connection to one server, a Cluster, or the primary that Sentinels report.

use std::time::Duration;

#[cfg(feature = "redis-cluster")]
use redis::cluster::ClusterClient;
use redis::{Client, RedisError, RedisResult};

#[cfg(feature = "redis-cluster")]
use crate::store::redis::cluster::{Nodes, client};
use crate::store::redis::connection::Connection;
#[cfg(feature = "redis-sentinel")]
use crate::store::redis::sentinel::{Primary, Sentinels};
#[cfg(feature = "test-util")]
use crate::store::redis::stream::{OpenStream, open_stream};
use crate::store::redis::tcp::{open, prepare};
use crate::store::redis::url::{Target, Topology};
use crate::store::redis::url_parameters::SentinelCredentials;
use crate::store::tls::Tls;
#[cfg(feature = "redis-rustls")]
use crate::store::tls::with_rustls::install_provider;

/// The settings of a connector that do not depend on the URL.
pub(crate) struct Options {
    /// The time limit of one operation.
    pub(crate) timeout: Duration,
    pub(crate) tls: Option<Tls>,
    pub(crate) sentinel_auth: Option<SentinelCredentials>,
}

/// Makes connections.
pub(crate) enum Connector {
    /// One server, by a URL or a client of the user's.
    One(Client),
    /// One server, behind the streams of a test.
    #[cfg(feature = "test-util")]
    Stream(Box<OpenStream>),
    #[cfg(feature = "redis-cluster")]
    Cluster(ClusterClient),
    #[cfg(feature = "redis-sentinel")]
    Sentinel(Sentinels),
}

/// A new connection.
pub(crate) struct Connected {
    pub(crate) connection: Connection,
    #[cfg(feature = "redis-sentinel")]
    primary: Option<Primary>,
}

impl Connector {
    /// # Errors
    ///
    /// Settings that can never work, such as certificates for a URL without TLS.
    pub(crate) fn new(target: Target, options: &Options) -> Result<Self, String> {
        let Target {
            topology,
            parameters,
        } = target;
        let (from_url, sentinel_auth) = (parameters.tls()?, parameters.sentinel_auth()?);
        let tls = options.tls.as_ref().or(from_url.as_ref());
        let sentinel_auth = options.sentinel_auth.as_ref().or(sentinel_auth.as_ref());
        #[cfg(feature = "redis-rustls")]
        install_provider();
        match topology {
            #[cfg(feature = "redis-sentinel")]
            Topology::Sentinel(sentinel) => {
                Sentinels::new(sentinel, tls, sentinel_auth).map(Self::Sentinel)
            }
            _ if sentinel_auth.is_some() => Err(
                "a password for Sentinels needs a URL that names Sentinels; write \
                 `redis+sentinel://`"
                    .to_owned(),
            ),
            Topology::One(info) => {
                let client = Client::open(prepare(info, tls)?);
                client.map(Self::One).map_err(|error| error.to_string())
            }
            #[cfg(feature = "redis-cluster")]
            Topology::Cluster(nodes) => client(nodes, tls, options.timeout).map(Self::Cluster),
        }
    }

    /// Returns this connector, which was made of a client of the user's.
    ///
    /// # Errors
    ///
    /// Settings that the client would ignore.
    pub(crate) fn of_user(self, options: &Options) -> Result<Self, String> {
        if options.tls.is_some() || options.sentinel_auth.is_some() {
            return Err(
                "a client of your own has its own certificates and passwords; remove `tls` and \
                 `sentinel_auth`"
                    .to_owned(),
            );
        }
        Ok(self)
    }

    /// Returns `true` if the keys are spread over several servers.
    pub(crate) const fn is_cluster(&self) -> bool {
        match self {
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(_) => true,
            _ => false,
        }
    }

    /// Makes a connection. This queries the Sentinels each time, so that it finds a new primary.
    pub(crate) async fn connect(&self) -> RedisResult<Connected> {
        match self {
            Self::One(client) => Ok(Connected::new(Connection::One(open(client).await?))),
            #[cfg(feature = "test-util")]
            Self::Stream(open) => {
                let connection = open_stream(open).await?;
                Ok(Connected::new(Connection::One(connection)))
            }
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(client) => {
                let nodes = Nodes::connect(client).await?;
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

    /// Waits until the server of this connection is no longer the right one, and returns the
    /// reason. This never ends where the server cannot change.
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
                (redis::ErrorKind::Io, "the Sentinels report another primary").into()
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
