//! Stand-ins for backends whose features are off. They accept no argument, so that the compiler
//! names the feature.

use std::convert::Infallible;

use crate::backend::Backend;
use crate::error::Error;

/// An argument of [`Backend::redis`], which no type is while the feature `redis` is off.
#[cfg(not(feature = "redis"))]
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the feature `redis` of `traffik` is off",
    label = "a Redis backend needs the feature `redis`",
    note = "run `cargo add traffik --features redis`"
)]
pub trait OfRedis {
    /// Never returns.
    fn never(self) -> Infallible;
}

/// An argument of [`Backend::memcached`], which no type is while the feature `memcached` is off.
#[cfg(not(feature = "memcached"))]
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the feature `memcached` of `traffik` is off",
    label = "a Memcached backend needs the feature `memcached`",
    note = "run `cargo add traffik --features memcached`"
)]
pub trait OfMemcached {
    /// Never returns.
    fn never(self) -> Infallible;
}

#[doc(hidden)]
impl Backend {
    /// Needs the feature `redis`.
    #[cfg(not(feature = "redis"))]
    pub fn redis(url: impl OfRedis) -> Missing {
        Missing(url.never())
    }

    /// Needs the feature `redis`.
    #[cfg(not(feature = "redis"))]
    pub fn redis_client(client: impl OfRedis) -> Missing {
        Missing(client.never())
    }

    /// Needs the feature `memcached`.
    #[cfg(not(feature = "memcached"))]
    pub fn memcached(nodes: impl OfMemcached) -> Missing {
        Missing(nodes.never())
    }
}

/// The builder of a backend whose feature is off. It has the methods of the other builders, so that
/// the compiler reports only the feature.
#[doc(hidden)]
#[derive(Debug)]
#[must_use]
pub struct Missing(Infallible);

macro_rules! setters {
    ($($setter:ident)+) => {
        #[doc(hidden)]
        impl Missing {
            $(
                /// Changes nothing.
                pub fn $setter<T>(self, _: T) -> Self {
                    self
                }
            )+

            /// Changes nothing.
            pub fn auth<U, P>(self, _: U, _: P) -> Self {
                self
            }

            /// Never returns.
            pub fn lazy(self) -> Backend {
                match self.0 {}
            }

            /// Never returns.
            pub async fn connect(self) -> Result<Backend, Error> {
                match self.0 {}
            }
        }
    };
}

setters!(namespace connections pool_size timeout tls persistent track_keys trusted_proxies client_ip);
