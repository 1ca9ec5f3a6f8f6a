//! Settings that the builders of several backends share, and their setters.

#[cfg(any(feature = "memcached", feature = "redis"))]
use std::time::Duration;

#[cfg(any(feature = "memcached", feature = "redis"))]
use crate::store::handle::NAMESPACE;
#[cfg(any(feature = "memcached", feature = "redis"))]
use crate::store::local_refusals::DEFAULT_LIFE;
#[cfg(any(feature = "memcached", feature = "redis"))]
use crate::store::tls::Tls;

/// Settings of a backend on servers.
#[cfg(any(feature = "memcached", feature = "redis"))]
#[derive(Clone)]
pub(super) struct ServerSettings {
    pub(super) namespace: String,
    pub(super) timeout: Duration,
    pub(super) tls: Option<Tls>,
    pub(super) persistent: bool,
    pub(super) local_refusals: Duration,
    pub(super) lease: Duration,
}

#[cfg(any(feature = "memcached", feature = "redis"))]
impl ServerSettings {
    /// The defaults, which the setters state.
    pub(super) fn new() -> Self {
        Self {
            namespace: NAMESPACE.to_owned(),
            timeout: Duration::from_millis(250),
            tls: None,
            persistent: true,
            local_refusals: DEFAULT_LIFE,
            lease: Duration::ZERO,
        }
    }
}

/// Setters of a builder with a field `client_ip`.
macro_rules! client_ip_setters {
    ($builder:ident) => {
        impl $builder {
            /// Trusts proxies, as
            /// [`Backend::trusted_proxies`](crate::backend::Backend::trusted_proxies) does.
            pub fn trusted_proxies(
                self,
                ranges: impl IntoIterator<Item = impl AsRef<str>>,
            ) -> Self {
                Self {
                    client_ip: self.client_ip.trusted(ranges),
                    ..self
                }
            }

            /// Sets the source of client addresses, as
            /// [`Backend::client_ip`](crate::backend::Backend::client_ip) does.
            pub fn client_ip(self, client_ip: crate::client_ip::resolve::ClientIp) -> Self {
                Self { client_ip, ..self }
            }
        }
    };
}

/// Setters of a builder with a field `server` of type [`ServerSettings`]. Each takes the sentences
/// of its documentation that differ from builder to builder.
#[cfg(any(feature = "memcached", feature = "redis"))]
macro_rules! server_setters {
    (
        $builder:ident:
        $(#[$timeout:meta])* timeout;
        $(#[$tls:meta])* tls;
        $(#[$persistent:meta])* persistent;
    ) => {
        impl $builder {
            /// Sets the prefix of every key of this backend; default `traffik`. Processes with the
            /// same namespace share limits.
            pub fn namespace(mut self, namespace: impl AsRef<str>) -> Self {
                self.server.namespace = namespace.as_ref().to_owned();
                self
            }

            $(#[$timeout])*
            ///
            /// Default 250 ms. An operation that timed out may still be done.
            pub fn timeout(mut self, timeout: std::time::Duration) -> Self {
                self.server.timeout = timeout;
                self
            }

            $(#[$tls])*
            pub fn tls(mut self, tls: crate::store::tls::Tls) -> Self {
                self.server.tls = Some(tls);
                self
            }

            /// Sets if [`Backend::close`](crate::backend::Backend::close) leaves the keys of the
            /// namespace for the other processes that share it; default `true`. With `false` it
            /// removes them.
            $(#[$persistent])*
            pub fn persistent(mut self, persistent: bool) -> Self {
                self.server.persistent = persistent;
                self
            }

            /// Sets the time for which a hit is refused without a call of the server, after the
            /// server has refused the client; default a second. `Duration::ZERO` switches it off.
            /// See [`Backend::local_refusals`](crate::backend::Backend::local_refusals).
            pub fn local_refusals(mut self, time: std::time::Duration) -> Self {
                self.server.local_refusals = time;
                self
            }

            /// Sets the life of leases, by which this process admits the hits of clients that hit
            /// often without a call of the server; default: no leases, as with `Duration::ZERO`.
            /// See [`Backend::lease`](crate::backend::Backend::lease).
            pub fn lease(mut self, life: std::time::Duration) -> Self {
                self.server.lease = life;
                self
            }
        }
    };
}

pub(super) use client_ip_setters;
#[cfg(any(feature = "memcached", feature = "redis"))]
pub(super) use server_setters;
