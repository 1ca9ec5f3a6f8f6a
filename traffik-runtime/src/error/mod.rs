//! `Error`: failures other than a refusal, which is a decision.

pub(crate) mod response;

use std::error::Error as StdError;
use std::time::Duration;

use axum_core::response::IntoResponse;

use crate::error::response::ErrorResponse;
use crate::strategy::error::StrategyError;

/// An error of any type.
pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// A failure of a throttle that could not decide, or of an operation of a backend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The throttle counts by the client's address, and the request has none.
    #[error(
        "the client's address is not known, so `{uid}` cannot tell clients apart; serve the app with \
         `into_make_service_with_connect_info::<SocketAddr>()` (in tests: with the layer `MockConnectInfo`), or give the \
         throttle an `identifier`"
    )]
    NoClientAddress {
        /// The throttle.
        uid: String,
    },
    /// The throttle counts by the client's address, and the request came over a Unix socket without
    /// one.
    #[error(
        "the client's address is not known, so `{uid}` cannot tell clients apart: the request came over a Unix socket, {}; \
         or use `Identity::ip_or`",
        unix_remedy(*header)
    )]
    UnixPeer {
        /// The throttle.
        uid: String,
        /// The forwarding header that the request lacked, or that has no readable address; `None`
        /// if the peers of Unix sockets are not trusted, or no header is read.
        header: Option<&'static str>,
    },
    /// A callback of the application failed: an identifier, predicate, cost, rate or scope. If its
    /// error is a response, the request is answered with it; otherwise with 500.
    #[error("`{what}` failed: {source}")]
    Identifier {
        /// The option that names the function.
        what: &'static str,
        /// Its error.
        #[source]
        source: BoxError,
    },
    /// The settings of a throttle are invalid or do not fit together.
    #[error("throttle `{uid}` cannot work: {message}")]
    Configuration {
        /// The throttle.
        uid: String,
        /// The mistake, and what to write instead.
        message: String,
    },
    /// The overrides file is invalid. Nothing was changed.
    #[cfg(feature = "overrides")]
    #[error("overrides file `{path}` ignored: {}", problems.join("; "))]
    Overrides {
        /// The file.
        path: String,
        /// All mistakes in it, each with its line if there is one, and what to write instead.
        problems: Vec<String>,
    },
    /// Invalid backend configuration, such as a malformed URL or a default that is not a number.
    #[error("invalid backend configuration: {message}")]
    BackendConfiguration {
        /// The mistake, and what to write instead.
        message: String,
    },
    /// The backend was unreachable or refused the connection. Nothing was changed.
    #[error("the backend is unavailable: {source}")]
    Connection {
        /// The error of the connection.
        #[source]
        source: BoxError,
    },
    /// The circuit breaker of the backend is open. The backend was not called.
    #[error("circuit breaker is open")]
    CircuitOpen {
        /// The time that it stays open; `None` while a probe is under way, or if it was forced
        /// open.
        left: Option<Duration>,
    },
    /// The connection broke before an answer arrived. The operation may have been done, or may
    /// still be.
    #[error("the connection to the backend broke before it answered: {source}")]
    ConnectionLost {
        /// The error of the connection.
        #[source]
        source: BoxError,
    },
    /// No answer arrived in time. The operation may have been done, or may still be.
    #[error("the backend did not answer within {after:?}")]
    Timeout {
        /// The time limit.
        after: Duration,
    },
    /// The backend rejected the operation, or its answer was malformed: a mistake in the program,
    /// or a key that another program wrote.
    #[error("the backend reported an error: {source}")]
    Backend {
        /// Its error.
        #[source]
        source: BoxError,
    },
    /// The backend does not support the operation.
    #[error("this backend does not support `{operation}`; use one that does")]
    Unsupported {
        /// The operation.
        operation: &'static str,
    },
    /// Other writers kept changing the key. Nothing was changed.
    #[error(
        "too much contention on `{key}`: {tries} attempts failed; spread the load over more keys"
    )]
    Contention {
        /// The key.
        key: String,
        /// The number of attempts.
        tries: u32,
    },
    /// Another owner held the lock for the whole waiting time.
    #[error("the lock `{name}` is held by another owner")]
    LockTimeout {
        /// The lock.
        name: String,
    },
    /// The lock had expired before it was released, so another owner may have held it meanwhile.
    #[error("the lock `{name}` expired before it was released; give it a longer `ttl`")]
    LockLost {
        /// The lock.
        name: String,
    },
}

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client or the cost could not be determined.
    Identifier,
    /// The configuration of a throttle or a backend is invalid.
    Configuration,
    /// The backend was unreachable, or the connection was refused or lost.
    /// [`Error::may_have_counted`] tells a lost connection from the others.
    Connection,
    /// The backend did not answer in time.
    Timeout,
    /// The backend rejected the operation, or its answer was malformed.
    Backend,
    /// The backend does not support the operation.
    Unsupported,
    /// Too many writers changed one key at once.
    Contention,
    /// A lock could not be acquired in time.
    LockTimeout,
    /// A lock had expired before it was released.
    LockLost,
}

impl ErrorKind {
    #[cfg(feature = "metrics")]
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Identifier => "identifier",
            Self::Configuration => "configuration",
            Self::Connection => "connection",
            Self::Timeout => "timeout",
            Self::Backend => "backend",
            Self::Unsupported => "unsupported",
            Self::Contention => "contention",
            Self::LockTimeout => "lock_timeout",
            Self::LockLost => "lock_lost",
        }
    }
}

impl Error {
    /// Makes an error of a callback that answers the request with this response instead of 500.
    ///
    /// Functions that `#[throttled]` and `throttles!` name may return any error that is
    /// `IntoResponse`. This is for functions whose errors have to be `Into<Box<dyn Error + Send +
    /// Sync>>`, such as those of [`filter::when`](crate::http::filter::when).
    ///
    /// ```
    /// use axum::http::{StatusCode, request::Parts};
    /// use traffik::{Error, filter};
    ///
    /// fn is_write(parts: &Parts) -> Result<bool, Error> {
    ///     let mode = parts.headers.get("x-mode").map(|mode| mode.as_bytes());
    ///     match mode {
    ///         Some(b"write") => Ok(true),
    ///         Some(b"read") => Ok(false),
    ///         _ => Err(Error::response((StatusCode::BAD_REQUEST, "x-mode is read or write"))),
    ///     }
    /// }
    ///
    /// let writes = filter::when(is_write);
    /// ```
    pub fn response(response: impl IntoResponse) -> Self {
        Self::Identifier {
            what: "request",
            source: Box::new(ErrorResponse::new(response)),
        }
    }

    /// Returns the kind.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            #[cfg(feature = "overrides")]
            Self::Overrides { .. } => ErrorKind::Configuration,
            Self::NoClientAddress { .. } | Self::UnixPeer { .. } | Self::Identifier { .. } => {
                ErrorKind::Identifier
            }
            Self::Configuration { .. } | Self::BackendConfiguration { .. } => {
                ErrorKind::Configuration
            }
            Self::Connection { .. } | Self::CircuitOpen { .. } | Self::ConnectionLost { .. } => {
                ErrorKind::Connection
            }
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::Backend { .. } => ErrorKind::Backend,
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::Contention { .. } => ErrorKind::Contention,
            Self::LockTimeout { .. } => ErrorKind::LockTimeout,
            Self::LockLost { .. } => ErrorKind::LockLost,
        }
    }

    /// Reports whether the operation may have been done all the same, now or later. A retry may
    /// then count twice.
    ///
    /// ```
    /// use std::time::Duration;
    /// use traffik::Error;
    ///
    /// let unanswered = Error::Timeout { after: Duration::from_millis(250) };
    /// assert!(unanswered.may_have_counted());
    /// let unreached = Error::Connection { source: "connection refused".into() };
    /// assert!(!unreached.may_have_counted());
    /// ```
    pub const fn may_have_counted(&self) -> bool {
        matches!(
            self,
            Self::ConnectionLost { .. } | Self::Timeout { .. } | Self::Backend { .. }
        )
    }

    /// Reports whether the error may pass by itself: the backend was unreachable, late or too busy.
    /// All other errors are mistakes in the program, its configuration or a request. They are not
    /// failures of a backend, and no built-in policy admits a hit because of them.
    pub const fn is_transient(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Connection
                | ErrorKind::Timeout
                | ErrorKind::Contention
                | ErrorKind::LockTimeout
                | ErrorKind::LockLost
        )
    }

    /// Returns the response with which a callback answers the request, if the error is one.
    pub(crate) fn own_response(&self) -> Option<&ErrorResponse> {
        match self {
            Self::Identifier { source, .. } => source.downcast_ref(),
            _ => None,
        }
    }

    pub(crate) const fn is_open_circuit(&self) -> bool {
        matches!(self, Self::CircuitOpen { .. })
    }

    pub(crate) fn strategy(uid: &str, error: StrategyError) -> Self {
        Self::configuration(uid, error.to_string())
    }

    pub(crate) fn configuration(uid: &str, message: impl Into<String>) -> Self {
        Self::Configuration {
            uid: uid.to_owned(),
            message: message.into(),
        }
    }

    pub(crate) fn backend(message: impl Into<String>) -> Self {
        Self::Backend {
            source: message.into().into(),
        }
    }

    /// Makes the error of an operation whose caller was dropped; it is never read.
    pub(crate) fn abandoned() -> Self {
        Self::Connection {
            source: "the caller was dropped".into(),
        }
    }

    pub(crate) fn closed() -> Self {
        Self::Connection {
            source: "the backend was closed".into(),
        }
    }
}

fn unix_remedy(header: Option<&str>) -> String {
    match header {
        Some(header) => format!("and no address stands in `{header}`; let the proxy set that header"),
        None => "whose peer is not trusted; trust it with `trusted_proxies([\"unix\"])`, and let the proxy set the header"
            .to_owned(),
    }
}
