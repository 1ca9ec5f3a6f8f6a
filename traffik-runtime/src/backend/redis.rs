//! The builder of backends on Redis.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::backend::Backend;
use crate::backend::settings::{ServerSettings, client_ip_setters, server_setters};
use crate::client_ip::resolve::ClientIp;
use crate::error::Error;
use crate::store::handle::StoreHandle;
use crate::store::key_encoding::encoded;
use crate::store::redis::client::Redis;
use crate::store::redis::connector::{Connector, Options};
use crate::store::redis::handshake::ConnectionSettings;
use crate::store::redis::lua::LOADED;
#[cfg(feature = "test-util")]
use crate::store::redis::stream::Stream;
use crate::store::redis::url;
use crate::store::redis::url_parameters::SentinelCredentials;

impl Backend {
    /// Builds a backend on a Redis server, a Cluster or a primary behind Sentinels, by its URL.
    ///
    #[doc = include_str!("../store/redis/urls.md")]
    ///
    /// ```no_run
    /// use traffik::Backend;
    ///
    /// # async fn connect() -> Result<(), traffik::Error> {
    /// let backend = Backend::redis("redis://127.0.0.1:6379/0").namespace("prod").connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn redis(url: impl AsRef<str>) -> RedisBackend {
        let target = url::parse(url.as_ref());
        RedisBackend::new(move |options| Connector::new(target?, options))
    }

    /// Builds a backend on the Redis server of a client of your own, whose settings stay as they
    /// are.
    pub fn redis_client(client: ::redis::Client) -> RedisBackend {
        RedisBackend::new(move |options| Connector::One(client).of_user(options))
    }

    /// Builds a backend on the Redis server behind streams that a function opens, for simulations.
    #[cfg(feature = "test-util")]
    #[doc(hidden)]
    pub fn redis_over<S>(
        open: impl Fn() -> std::io::Result<S> + Send + Sync + 'static,
    ) -> RedisBackend
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let open = Box::new(move || open().map(|stream| Box::new(stream) as Box<dyn Stream>));
        RedisBackend::new(move |options| Connector::Stream(open).of_user(options))
    }

    /// Builds a backend on the Redis Cluster of a client of your own.
    ///
    /// Build the client with `retries(0)`: a command that it sends again after a connection broke
    /// may be counted twice.
    #[cfg(feature = "redis-cluster")]
    pub fn redis_cluster_client(client: ::redis::cluster::ClusterClient) -> RedisBackend {
        RedisBackend::new(move |options| Connector::Cluster(client).of_user(options))
    }
}

/// Settings of a Redis backend; made by [`Backend::redis`].
#[must_use = "connect the backend: `connect().await?` or `lazy()`"]
pub struct RedisBackend {
    connector: Box<MakeConnector>,
    server: ServerSettings,
    sentinel_auth: Option<SentinelCredentials>,
    connections: usize,
    client_ip: ClientIp,
}

type MakeConnector = dyn FnOnce(&Options) -> Result<Connector, String> + Send;

server_setters! {
    RedisBackend:
    /// Sets the time limit of one operation, and of a decision unless [`Backend::timeout`] or the
    /// throttle sets another.
    timeout;
    /// Trusts and sends these certificates on connections with TLS, to servers and Sentinels alike,
    /// in place of those that the URL names. The URL must ask for TLS (`rediss://`), and the
    /// feature `redis-rustls` or `redis-native-tls` must be on; a Cluster needs `redis-rustls`.
    /// Default: the system's authorities are trusted, and no client certificate is sent.
    ///
    /// ```no_run
    /// use traffik::{Backend, Tls};
    ///
    /// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
    /// let tls = Tls::new().ca(std::fs::read("ca.pem")?);
    /// let backend = Backend::redis("rediss://redis.example/").tls(tls).connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    tls;
    persistent;
}

client_ip_setters!(RedisBackend);

impl RedisBackend {
    fn new(connector: impl FnOnce(&Options) -> Result<Connector, String> + Send + 'static) -> Self {
        Self {
            connector: Box::new(connector),
            server: ServerSettings::new(),
            sentinel_auth: None,
            connections: 1,
            client_ip: ClientIp::new(),
        }
    }

    /// Sets the number of sockets of each tokio runtime, 1 to 4; default 1.
    ///
    /// Any number of operations share a socket. More than one socket is of use only where one slow
    /// script should not delay all other operations.
    pub fn connections(self, connections: usize) -> Self {
        Self {
            connections: connections.clamp(1, 4),
            ..self
        }
    }

    /// Sends this user and password to Sentinels, in place of those in the URL's query. An empty
    /// user sends the password without one, as `requirepass` in a Sentinel's configuration wants
    /// it. Default: none are sent. The user and password in front of the hosts are the servers'.
    ///
    /// ```no_run
    /// use traffik::Backend;
    ///
    /// # async fn connect() -> Result<(), traffik::Error> {
    /// let backend = Backend::redis("redis+sentinel://:secret@sentinel-1,sentinel-2/mymaster")
    ///     .sentinel_auth("watcher", "another secret")
    ///     .connect()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn sentinel_auth(mut self, user: impl AsRef<str>, password: impl AsRef<str>) -> Self {
        self.sentinel_auth = Some(SentinelCredentials {
            user: user.as_ref().to_owned(),
            password: password.as_ref().to_owned(),
        });
        self
    }

    /// Connects within a second. A connection that breaks later is replaced in the background.
    ///
    /// # Errors
    ///
    /// [`Error::BackendConfiguration`] if the URL, a certificate or a trusted proxy is malformed,
    /// or if the server does not permit this client to run scripts or the commands that they call;
    /// [`Error::Connection`] if there is no server, or it accepts no commands or no writes.
    pub async fn connect(self) -> Result<Backend, Error> {
        self.client_ip.check()?;
        let (backend, redis) = self.build();
        redis.supervisor()?.connected().await?;
        match redis.try_decision().await {
            Err(failed) if failed.is_lasting() => Err(failed.into()),
            // Each operation reports an error that may pass by itself.
            _ => Ok(backend),
        }
    }

    /// Connects on the first use, which may wait for that, and in the background for as long as it
    /// takes.
    ///
    /// Operations fail meanwhile with [`Error::Connection`]; if the URL is malformed, always with
    /// [`Error::BackendConfiguration`].
    pub fn lazy(self) -> Backend {
        self.build().0
    }

    fn build(self) -> (Backend, Arc<Redis>) {
        let ServerSettings {
            namespace,
            timeout,
            tls,
            persistent,
            local_refusals,
            lease,
        } = self.server;
        let options = Options {
            timeout,
            tls,
            sentinel_auth: self.sentinel_auth,
        };
        let settings = (self.connector)(&options).map(|connector| ConnectionSettings {
            connector,
            connections: self.connections,
            timeout: options.timeout,
            scripts: LOADED,
            eviction_checked: AtomicBool::new(false),
        });
        let namespace = encoded(namespace.as_bytes());
        let redis = Arc::new(Redis::new(settings, &namespace));
        let store = StoreHandle::remote(redis.clone(), &namespace);
        let backend = Backend::new(store, persistent);
        let backend = backend.timeout(timeout).client_ip(self.client_ip);
        let backend = backend.local_refusals(local_refusals).lease(lease);
        (backend, redis)
    }
}

impl fmt::Debug for RedisBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its URL and options may hold passwords and keys.
        f.debug_struct("RedisBackend")
            .field("namespace", &self.server.namespace)
            .field("connections", &self.connections)
            .field("timeout", &self.server.timeout)
            .field("persistent", &self.server.persistent)
            .field("local_refusals", &self.server.local_refusals)
            .field("lease", &self.server.lease)
            .finish_non_exhaustive()
    }
}
