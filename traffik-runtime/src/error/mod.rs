//! What can go wrong besides being throttled, which is a decision and no error.

pub(crate) mod response;

use std::error::Error as StdError;
use std::time::Duration;

use axum_core::response::IntoResponse;

use crate::error::response::ErrorResponse;
use crate::strategy::error::StrategyError;

/// An error of any type.
pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a throttle could not decide, or a backend not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A throttle counts by the client's address, and the request does not say which it is.
    #[error(
        "the client's address is not known, so `{uid}` cannot tell clients apart; serve the app with \
         `into_make_service_with_connect_info::<SocketAddr>()` (in tests: with the layer `MockConnectInfo`), or give the \
         throttle an `identifier`"
    )]
    NoClientAddress {
        /// The throttle.
        uid: String,
    },
    /// A throttle counts by the client's address, and the request came over a Unix socket without one.
    #[error(
        "the client's address is not known, so `{uid}` cannot tell clients apart: the request came over a Unix socket, {}; \
         or use `Identity::ip_or`",
        unix_remedy(*header)
    )]
    UnixPeer {
        /// The throttle.
        uid: String,
        /// The forwarding header that the request lacked, or in which no address could be read; `None` if the peers of
        /// Unix sockets are not trusted, or no header is read.
        header: Option<&'static str>,
    },
    /// An identifier, predicate, cost, rate or scope of the application's failed. If its error is a response, the request is
    /// answered with that; otherwise with 500.
    #[error("`{what}` failed: {source}")]
    Identifier {
        /// Which of them.
        what: &'static str,
        /// What it said.
        #[source]
        source: BoxError,
    },
    /// A throttle's parts do not go together.
    #[error("throttle `{uid}` cannot work: {message}")]
    Configuration {
        /// The throttle.
        uid: String,
        /// What is wrong; what to do instead.
        message: String,
    },
    /// A file of overrides cannot be used. Nothing was changed.
    #[cfg(feature = "overrides")]
    #[error("`{path}` cannot be used, and nothing was changed: {}", problems.join("; "))]
    Overrides {
        /// The file.
        path: String,
        /// Everything that is wrong with it, each with its line, where that is known, and what to do instead.
        problems: Vec<String>,
    },
    /// A backend is not set up as it has to be: a URL that is none, a default that is no number.
    #[error("the backend cannot work: {message}")]
    BackendConfiguration {
        /// What is wrong; what to do instead.
        message: String,
    },
    /// The backend was not reached, or refused. Nothing was done.
    #[error("the backend cannot be used now: {source}")]
    Connection {
        /// What the connection said.
        #[source]
        source: BoxError,
    },
    /// The circuit breaker in front of the backend is open. Nothing was done, and nobody asked.
    #[error("the backend is left alone: its circuit breaker is open")]
    CircuitOpen {
        /// How long it stays open; `None` where that is not known, for one call is finding out or it is held open.
        left: Option<Duration>,
    },
    /// The connection broke before there was an answer. What was asked may have been done, or may still be.
    #[error("the connection to the backend broke before it answered: {source}")]
    ConnectionLost {
        /// What the connection said.
        #[source]
        source: BoxError,
    },
    /// There was no answer in time. What was asked may have been done, or may still be.
    #[error("the backend did not answer within {after:?}")]
    Timeout {
        /// How long it was waited for.
        after: Duration,
    },
    /// The backend answered that what was asked makes no sense, or gave an answer that makes none: a mistake in the
    /// program, or a key that something else has written.
    #[error("the backend refused: {source}")]
    Backend {
        /// What it said.
        #[source]
        source: BoxError,
    },
    /// This backend has no such operation.
    #[error("this backend has no `{operation}`; use one that has")]
    Unsupported {
        /// The operation.
        operation: &'static str,
    },
    /// Others changed the same key again and again, and it was given up. Nothing was done.
    #[error(
        "`{key}` is asked for by too many at once, {tries} tries were in vain; spread the load over more keys"
    )]
    Contention {
        /// The key.
        key: String,
        /// How often it was tried.
        tries: u32,
    },
    /// Somebody else held the lock for as long as it was waited for.
    #[error("the lock `{name}` is held by somebody else")]
    LockTimeout {
        /// The lock.
        name: String,
    },
    /// The lock had expired before it was released: somebody else may have held it meanwhile.
    #[error("the lock `{name}` expired before it was released; give it a longer `ttl`")]
    LockLost {
        /// The lock.
        name: String,
    },
}

/// What kind of trouble an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Who is asking, or what it costs, could not be found out.
    Identifier,
    /// A throttle or backend is not set up as it has to be.
    Configuration,
    /// The backend was not reached, refused, or was lost; [`Error::may_have_counted`] tells the last from the others.
    Connection,
    /// The backend did not answer in time.
    Timeout,
    /// The backend could make no sense of what was asked, or the answer made none.
    Backend,
    /// The backend has no such operation.
    Unsupported,
    /// Too many changed the same key at once.
    Contention,
    /// A lock was not to be had in time.
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
    /// An error of a predicate or an identifier that answers the request with this response, instead of 500.
    ///
    /// The functions that `#[throttled]` and `throttles!` name may give any error that is `IntoResponse`. This is for those
    /// whose errors have to be `Into<Box<dyn Error + Send + Sync>>`, such as [`filter::when`](crate::http::filter::when).
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

    /// What kind of trouble this is.
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

    /// Whether what was asked may have been done all the same, now or later. Then to ask again may count twice.
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

    /// Whether it may pass by itself: the backend was away, late or too busy. All else is a mistake in the program, its
    /// configuration or what a request said; that is no failure of a backend, and no built-in policy makes light of it.
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

    /// The end of an operation whose caller has gone; nobody reads it.
    pub(crate) fn abandoned() -> Self {
        Self::Connection {
            source: "its caller has gone".into(),
        }
    }

    pub(crate) fn closed() -> Self {
        Self::Connection {
            source: "it was closed".into(),
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
