//! Memcached: states and keys that any number of processes share, on a plain cache.
//!
//! Texts name its servers ([`nodes`]). A [`pool`] keeps connections to each, on which a [`connection`] sends what is asked
//! ([`request`]); a [`store`] says which server is asked. What Memcached counts by itself is decided in one exchange
//! ([`window`]), all else by reading and comparing ([`decide`]).

pub(crate) mod byte_store;
pub(crate) mod client;
pub(crate) mod connection;
pub(crate) mod counter;
pub(crate) mod decide;
pub(crate) mod error;
pub(crate) mod generations;
pub(crate) mod handshake;
pub(crate) mod meta_protocol;
pub(crate) mod nodes;
pub(crate) mod pool;
pub(crate) mod tagged;
pub(crate) mod ttl;
pub(crate) mod write_locks;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::backend::{Backend, NAMESPACE};
use crate::client_ip::resolve::ClientIp;
use crate::error::Error;
use crate::store::key_encoding::encoded;
use crate::store::memcached::client::Memcached;
use crate::store::memcached::generations::Generations;
use crate::store::memcached::handshake::{Credentials, Handshake};
use crate::store::memcached::nodes::MemcachedNodes;
use crate::store::memcached::pool::Settings;
use crate::store::tls::Tls;

/// How long to wait for connections where nobody else waits.
const CONNECT: Duration = Duration::from_secs(1);

impl Backend {
    /// A Memcached server, or several that share the keys between them; still to be connected to.
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
    /// See [`MemcachedNodes`] for what names a server. Of several, each client's keys are on one, chosen by rendezvous
    /// hashing: whoever shares limits names the same servers, in any order. While one of them is away, what is asked for
    /// its clients fails, and nobody else takes their place: they would begin to count anew.
    ///
    /// Memcached has no clock that could be asked, so the clocks of the processes that share limits must agree, as they do
    /// under NTP.
    pub fn memcached(nodes: impl Into<MemcachedNodes>) -> MemcachedBackend {
        MemcachedBackend {
            nodes: nodes.into(),
            namespace: NAMESPACE.to_owned(),
            pool_size: 8,
            timeout: Duration::from_millis(250),
            tls: None,
            auth: None,
            track_keys: false,
            persistent: true,
            client_ip: ClientIp::new(),
        }
    }
}

/// Settings of a Memcached backend; made by [`Backend::memcached`].
#[derive(Clone)]
#[must_use = "it is still to be connected to: `connect().await?` or `lazy()`"]
pub struct MemcachedBackend {
    nodes: MemcachedNodes,
    namespace: String,
    pool_size: usize,
    timeout: Duration,
    tls: Option<Tls>,
    auth: Option<Credentials>,
    track_keys: bool,
    persistent: bool,
    client_ip: ClientIp,
}

impl MemcachedBackend {
    /// What all keys of this backend begin with; whoever has the same one shares limits. Default: `traffik`.
    pub fn namespace(self, namespace: impl AsRef<str>) -> Self {
        Self {
            namespace: namespace.as_ref().to_owned(),
            ..self
        }
    }

    /// How many sockets there may be to each server, for each tokio runtime, at least 1; default 8. A socket serves one
    /// operation at a time; who finds none free waits for one.
    pub fn pool_size(self, pool_size: usize) -> Self {
        Self {
            pool_size: pool_size.max(1),
            ..self
        }
    }

    /// How long one operation or decision may take, connecting, waiting and trying again included; default 250 ms. What
    /// has not answered by then may still be done.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Trusts and sends these certificates. Every server must be named with TLS (`tls://…`), and the
    /// feature `memcached-rustls` must be on. Default: the system's authorities are trusted, and no
    /// client certificate is sent.
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
    pub fn tls(self, tls: Tls) -> Self {
        Self {
            tls: Some(tls),
            ..self
        }
    }

    /// Sends this user and password on each new connection, for servers that were started with
    /// `--auth-file`. Without TLS they cross the network in the clear. Default: none are sent.
    ///
    /// A user that is empty or holds blanks or colons, and a password that is empty or holds control
    /// characters, are refused when the backend connects, with [`Error::BackendConfiguration`]; those
    /// that the server refuses are an [`Error::Connection`].
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

    /// Whether [`Backend::clear`] works; default: it does not, and says so with [`Error::Unsupported`].
    ///
    /// Memcached cannot list its keys, so they are given a number that stands on each server and is read along with every
    /// request, in the same exchange; clearing changes the number. It costs one small read more for each exchange, and
    /// what was cleared takes room until it expires or is evicted. All who share a namespace must agree on this setting.
    pub fn track_keys(self, track_keys: bool) -> Self {
        Self { track_keys, ..self }
    }

    /// Whether [`Backend::close`] leaves the namespace as it is, for the others who share it; default: it does. With
    /// `false` it is cleared, which needs [`track_keys`](Self::track_keys) and switches it on.
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

    /// Connects to every server, within a second. What happens to connections later is mended when they are needed.
    ///
    /// # Errors
    ///
    /// [`Error::BackendConfiguration`] if a server's name, a certificate or a trusted proxy is malformed,
    /// [`Error::Connection`] if a server is not there or refuses the password.
    pub async fn connect(self) -> Result<Backend, Error> {
        self.client_ip.check()?;
        let (backend, memcached) = self.build();
        let asking = memcached.now()?;
        let patient = client::Asking {
            deadline: Instant::now() + CONNECT.max(asking.pools.settings.timeout),
            ..asking
        };
        patient.ready().await?;
        Ok(backend)
    }

    /// Connects when first used. What is asked while a server is away fails with [`Error::Connection`]; if the name of one
    /// is none, everything fails with [`Error::BackendConfiguration`].
    pub fn lazy(self) -> Backend {
        self.build().0
    }

    fn build(self) -> (Backend, Arc<Memcached>) {
        let namespace = encoded(self.namespace.as_bytes());
        let settings = nodes::parse(&self.nodes).and_then(|places| {
            let handshake = Handshake::new(&places, self.tls.as_ref(), self.auth)?;
            Ok(Settings {
                places,
                handshake: Arc::new(handshake),
                size: self.pool_size,
                timeout: self.timeout,
            })
        });
        let nodes = settings
            .as_ref()
            .map_or(0, |settings| settings.places.len());
        let tracked = self.track_keys || !self.persistent;
        let generations = tracked.then(|| Generations::new(&namespace, nodes));
        let memcached = Arc::new(Memcached::new(settings, generations));
        let backend = Backend::of_store(
            memcached.clone(),
            memcached.clone(),
            &namespace,
            self.persistent,
        );
        let backend = backend.timeout(self.timeout).client_ip(self.client_ip);
        (backend, memcached)
    }
}

impl fmt::Debug for MemcachedBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemcachedBackend")
            .field("nodes", &self.nodes)
            .field("namespace", &self.namespace)
            .field("pool_size", &self.pool_size)
            .field("timeout", &self.timeout)
            .field("tls", &self.tls)
            .field("track_keys", &self.track_keys)
            .field("persistent", &self.persistent)
            .field("client_ip", &self.client_ip)
            // It may hold a password.
            .finish_non_exhaustive()
    }
}
