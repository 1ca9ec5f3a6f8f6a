//! Redis, and what speaks like it: states and keys that any number of processes share.
//!
//! From a URL ([`url`]) or a client of the user's comes a [`connector`]; a [`supervisor`] keeps connections made by it;
//! a [`store`] sends commands over them, and says of each that failed what is known of it ([`error`]).

pub(crate) mod byte_store;
pub(crate) mod clear;
pub(crate) mod client;
#[cfg(feature = "redis-cluster")]
pub(crate) mod cluster;
pub(crate) mod cluster_sets;
pub(crate) mod connection;
pub(crate) mod connection_state;
pub(crate) mod connection_task;
pub(crate) mod connector;
pub(crate) mod decide;
pub(crate) mod error;
pub(crate) mod eviction;
pub(crate) mod handshake;
pub(crate) mod health;
pub(crate) mod lua;
pub(crate) mod protocol;
pub(crate) mod reconnect;
pub(crate) mod replies;
#[cfg(feature = "redis-sentinel")]
pub(crate) mod sentinel;
pub(crate) mod tcp;
pub(crate) mod url;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::backend::{Backend, NAMESPACE};
use crate::client_ip::resolve::ClientIp;
use crate::error::Error;
use crate::store::key_encoding::encoded;
use crate::store::redis::client::Redis;
use crate::store::redis::connector::{Connector, Options};
use crate::store::redis::handshake::Settings;
use crate::store::redis::url::Credentials;
use crate::store::tls::Tls;

impl Backend {
    /// A Redis server, a Cluster or a primary known to Sentinels, by its URL; still to be connected to.
    ///
    #[doc = include_str!("urls.md")]
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

    /// The Redis server that a client of your own connects to; what the client was set up with stays as it is.
    pub fn redis_client(client: ::redis::Client) -> RedisBackend {
        RedisBackend::new(move |options| Connector::One(client).of_user(options))
    }

    /// The Redis Cluster that a client of your own connects to. Let it retry nothing (`retries(0)`): what it sends again
    /// after a connection broke may be counted twice.
    #[cfg(feature = "redis-cluster")]
    pub fn redis_cluster_client(client: ::redis::cluster::ClusterClient) -> RedisBackend {
        RedisBackend::new(move |options| Connector::Cluster(client).of_user(options))
    }
}

/// Settings of a Redis backend; made by [`Backend::redis`].
#[must_use = "it is still to be connected to: `connect().await?` or `lazy()`"]
pub struct RedisBackend {
    connector: Box<Connect>,
    options: Options,
    namespace: String,
    connections: usize,
    persistent: bool,
    client_ip: ClientIp,
}

type Connect = dyn FnOnce(&Options) -> Result<Connector, String> + Send;

impl RedisBackend {
    fn new(connector: impl FnOnce(&Options) -> Result<Connector, String> + Send + 'static) -> Self {
        Self {
            connector: Box::new(connector),
            options: Options {
                timeout: Duration::from_millis(250),
                tls: None,
                sentinel_auth: None,
            },
            namespace: NAMESPACE.to_owned(),
            connections: 1,
            persistent: true,
            client_ip: ClientIp::new(),
        }
    }

    /// What all keys of this backend begin with; whoever has the same one shares limits. Default: `traffik`.
    pub fn namespace(self, namespace: impl AsRef<str>) -> Self {
        Self {
            namespace: namespace.as_ref().to_owned(),
            ..self
        }
    }

    /// How many sockets are used in turn, 1 to 4, by each tokio runtime; default 1. Any number of operations share a
    /// socket, so that more are of use only where one slow script should not hold all others up.
    pub fn connections(self, connections: usize) -> Self {
        Self {
            connections: connections.clamp(1, 4),
            ..self
        }
    }

    /// How long one operation may take, and a decision unless [`Backend::timeout`] or the throttle says otherwise; default
    /// 250 ms. What has not answered by then may still be done.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = timeout;
        self
    }

    /// Trusts and sends these certificates on connections with TLS, to servers and Sentinels alike,
    /// in place of those that the URL names. The URL must ask for TLS (`rediss://`), and the feature
    /// `redis-rustls` or `redis-native-tls` must be on; a Cluster needs `redis-rustls`. Default: the
    /// system's authorities are trusted, and no client certificate is sent.
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
    pub fn tls(mut self, tls: Tls) -> Self {
        self.options.tls = Some(tls);
        self
    }

    /// Sends this user and password to Sentinels, in place of those in the URL's query. An empty
    /// user sends the password alone, as `requirepass` in a Sentinel's configuration wants it.
    /// Default: none are sent. The user and password in front of the hosts are the servers'.
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
        self.options.sentinel_auth = Some(Credentials {
            user: user.as_ref().to_owned(),
            password: password.as_ref().to_owned(),
        });
        self
    }

    /// Whether [`Backend::close`] leaves the namespace as it is, for the others who share it; default: it does. With
    /// `false` it is cleared.
    pub fn persistent(self, persistent: bool) -> Self {
        Self { persistent, ..self }
    }

    /// Proxies that are trusted, as [`Backend::trusted_proxies`] has it; what is no range, [`connect`](Self::connect) tells.
    pub fn trusted_proxies(self, ranges: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self {
            client_ip: self.client_ip.trusted(ranges),
            ..self
        }
    }

    /// How the clients' addresses are found, as [`Backend::client_ip`] has it.
    pub fn client_ip(self, client_ip: ClientIp) -> Self {
        Self { client_ip, ..self }
    }

    /// Connects, within a second. Whatever happens to the connection later is mended in the background.
    ///
    /// # Errors
    ///
    /// [`Error::BackendConfiguration`] if the URL, a certificate or a trusted proxy is malformed, or if the server does not let
    /// this client run scripts or what they need; [`Error::Connection`] if no server is there, or it accepts no commands or
    /// no writes.
    pub async fn connect(self) -> Result<Backend, Error> {
        self.client_ip.check()?;
        let (backend, redis) = self.build();
        redis.supervisor()?.connected().await?;
        match redis.try_decision().await {
            Err(failed) if failed.is_lasting() => Err(failed.into()),
            // What may pass by itself is left to each operation.
            _ => Ok(backend),
        }
    }

    /// Connects when first used, which may wait for that, and in the background for as long as it takes. What is asked
    /// meanwhile fails with [`Error::Connection`]; if the URL is none, with [`Error::BackendConfiguration`].
    pub fn lazy(self) -> Backend {
        self.build().0
    }

    fn build(self) -> (Backend, Arc<Redis>) {
        let timeout = self.options.timeout;
        let settings = (self.connector)(&self.options).map(|connector| Settings {
            connector,
            connections: self.connections,
            timeout,
            scripts: lua::LOADED,
            eviction_checked: AtomicBool::new(false),
        });
        let namespace = encoded(self.namespace.as_bytes());
        let redis = Arc::new(Redis::new(settings, &namespace));
        let backend = Backend::of_store(redis.clone(), redis.clone(), &namespace, self.persistent);
        let backend = backend.timeout(timeout).client_ip(self.client_ip);
        (backend, redis)
    }
}

impl fmt::Debug for RedisBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its URL and options may hold passwords and keys.
        f.debug_struct("RedisBackend")
            .field("namespace", &self.namespace)
            .field("connections", &self.connections)
            .field("timeout", &self.options.timeout)
            .field("persistent", &self.persistent)
            .finish_non_exhaustive()
    }
}
