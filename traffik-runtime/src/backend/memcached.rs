//! The builder of backends on Memcached.

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use crate::backend::Backend;
use crate::backend::settings::{ServerSettings, client_ip_setters, server_setters};
use crate::client_ip::resolve::ClientIp;
use crate::error::Error;
use crate::store::handle::StoreHandle;
use crate::store::key_encoding::encoded;
use crate::store::memcached::client::Memcached;
use crate::store::memcached::connector::CONNECT_TIMEOUT;
use crate::store::memcached::generations::Generations;
use crate::store::memcached::handshake::{Credentials, Handshake};
use crate::store::memcached::nodes;
use crate::store::memcached::nodes::MemcachedNodes;
use crate::store::memcached::pool::PoolSettings;

impl Backend {
    /// Builds a backend on a Memcached server, or on several that share the keys between them.
    ///
    /// ```no_run
    /// use traffik::Backend;
    ///
    /// # async fn connect() -> Result<(), traffik::Error> {
    /// let backend = Backend::memcached("127.0.0.1:11211").namespace("prod").connect().await?;
    /// let several = Backend::memcached(["cache-1:11211", "cache-2:11211"]).connect().await?;
    /// let socket = Backend::memcached("unix:///run/memcached.sock").lazy();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// See [`MemcachedNodes`] for the forms of a server's name. With several servers, each client's
    /// keys are on one of them, which rendezvous hashing chooses. Processes that share limits name
    /// the same servers, in any order. While a server is down, hits of its clients fail. No other
    /// server takes them over, because it would begin to count anew.
    ///
    /// Memcached has no clock that a client can read, so the clocks of the processes that share
    /// limits must agree, as they do under NTP.
    pub fn memcached(nodes: impl Into<MemcachedNodes>) -> MemcachedBackend {
        MemcachedBackend {
            nodes: nodes.into(),
            server: ServerSettings::new(),
            pool_size: 1,
            auth: None,
            track_keys: false,
            client_ip: ClientIp::new(),
        }
    }
}

/// Settings of a Memcached backend; made by [`Backend::memcached`].
#[derive(Clone)]
#[must_use = "connect the backend: `connect().await?` or `lazy()`"]
pub struct MemcachedBackend {
    nodes: MemcachedNodes,
    server: ServerSettings,
    pool_size: usize,
    auth: Option<Credentials>,
    track_keys: bool,
    client_ip: ClientIp,
}

server_setters! {
    MemcachedBackend:
    /// Sets the time limit of one operation or decision, which includes connecting, waiting to be
    /// sent, and retries.
    timeout;
    /// Trusts and sends these certificates. Every server must be named with TLS (`tls://…`), and
    /// the feature `memcached-rustls` must be on. Default: the system's authorities are trusted,
    /// and no client certificate is sent.
    ///
    /// ```no_run
    /// use traffik::{Backend, Tls};
    ///
    /// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
    /// let tls = Tls::new().ca(std::fs::read("ca.pem")?);
    /// let backend = Backend::memcached("tls://cache.example:11211").tls(tls).connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    tls;
    ///
    /// That needs [`track_keys`](Self::track_keys) and switches it on.
    persistent;
}

client_ip_setters!(MemcachedBackend);

impl MemcachedBackend {
    /// Sets the number of connections to each server, for each tokio runtime; default and least: 1.
    /// Any number of operations share a connection at the same time, so more are rarely needed: for
    /// values so large that others would wait behind them, or where the server's thread of this
    /// connection is busy all the time.
    pub fn pool_size(self, pool_size: usize) -> Self {
        Self {
            pool_size: pool_size.max(1),
            ..self
        }
    }

    /// Sends this user and password on each new connection, for servers that were started with
    /// `--auth-file`. Without TLS they cross the network in the clear. Default: none are sent.
    ///
    /// A user that is empty or holds blanks or colons, and a password that is empty or holds
    /// control characters, are refused when the backend connects, with
    /// [`Error::BackendConfiguration`]; those that the server refuses are an [`Error::Connection`].
    pub fn auth(self, user: impl AsRef<str>, password: impl AsRef<str>) -> Self {
        let auth = Credentials {
            user: user.as_ref().to_owned(),
            password: password.as_ref().to_owned(),
        };
        Self {
            auth: Some(auth),
            ..self
        }
    }

    /// Sets if [`Backend::clear`] works; default `false`: it returns [`Error::Unsupported`].
    ///
    /// Memcached cannot list its keys, so each key carries a number that stands on each server and
    /// is read along with every request, in the same exchange. Clearing changes the number. Keys
    /// from before take room until they expire or are evicted. All processes that share a namespace
    /// must agree on this setting.
    pub fn track_keys(self, track_keys: bool) -> Self {
        Self { track_keys, ..self }
    }

    /// Connects to every server within a second. A connection that breaks later is replaced when it
    /// is needed.
    ///
    /// # Errors
    ///
    /// [`Error::BackendConfiguration`] if a server's name, a certificate or a trusted proxy is
    /// malformed, [`Error::Connection`] if a server is down or refuses the password.
    pub async fn connect(self) -> Result<Backend, Error> {
        self.client_ip.check()?;
        let (backend, memcached) = self.build();
        let operation = memcached.begin()?;
        let exchange = operation.exchange;
        let timeout = CONNECT_TIMEOUT.max(exchange.pools.settings.timeout);
        let patient = operation.with(exchange.until(Instant::now() + timeout));
        patient.ready().await?;
        Ok(backend)
    }

    /// Connects on the first use.
    ///
    /// Operations on a server that is down fail with [`Error::Connection`]; if a server's name is
    /// malformed, every operation fails with [`Error::BackendConfiguration`].
    pub fn lazy(self) -> Backend {
        self.build().0
    }

    fn build(self) -> (Backend, Arc<Memcached>) {
        let ServerSettings {
            namespace,
            timeout,
            tls,
            persistent,
            local_refusals,
            lease,
        } = self.server;
        let namespace = encoded(namespace.as_bytes());
        let settings = nodes::parse(&self.nodes).and_then(|addresses| {
            let handshake = Handshake::new(&addresses, tls.as_ref(), self.auth)?;
            Ok(PoolSettings {
                addresses,
                handshake: Arc::new(handshake),
                size: self.pool_size,
                timeout,
            })
        });
        let nodes = settings
            .as_ref()
            .map_or(0, |settings| settings.addresses.len());
        let tracked = self.track_keys || !persistent;
        let generations = tracked.then(|| Generations::new(&namespace, nodes));
        let memcached = Arc::new(Memcached::new(settings, generations));
        let store = StoreHandle::remote(memcached.clone(), &namespace);
        let backend = Backend::new(store, persistent);
        let backend = backend.timeout(timeout).client_ip(self.client_ip);
        let backend = backend.local_refusals(local_refusals).lease(lease);
        (backend, memcached)
    }
}

impl fmt::Debug for MemcachedBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemcachedBackend")
            .field("nodes", &self.nodes)
            .field("namespace", &self.server.namespace)
            .field("pool_size", &self.pool_size)
            .field("timeout", &self.server.timeout)
            .field("tls", &self.server.tls)
            .field("track_keys", &self.track_keys)
            .field("persistent", &self.server.persistent)
            .field("local_refusals", &self.server.local_refusals)
            .field("lease", &self.server.lease)
            .field("client_ip", &self.client_ip)
            // It may hold a password.
            .finish_non_exhaustive()
    }
}
