//! Errors of Memcached, classified by whether the operation was done.

use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use crate::error::Error;

/// An operation that failed.
#[derive(Clone, Debug)]
pub(crate) enum Failed {
    /// It was sent, and there was no answer within this time.
    Timeout(Duration),
    /// Nothing was sent: no connection could take it within this time.
    Busy(Duration),
    /// Nothing was sent: a connection could not be made.
    NotConnected(Arc<io::Error>),
    /// It was sent, and the connection broke.
    Broken(Arc<io::Error>),
    /// It was sent, and the reply does not belong to it or is malformed.
    Protocol,
    /// The server has no room or another problem, and did nothing.
    ServerError(String),
    /// The server or a proxy answered with an error after which it may have been done.
    Unclear(String),
    /// The server does not understand it.
    Refused(String),
    /// Nothing was done: the credentials are wrong or missing.
    Unauthenticated(&'static str),
    /// The backend was closed.
    Closed,
    /// The backend can never work.
    Misconfigured(String),
}

impl Failed {
    pub(crate) fn not_connected(error: io::Error) -> Self {
        Self::NotConnected(Arc::new(error))
    }

    pub(crate) fn broken(error: io::Error) -> Self {
        Self::Broken(Arc::new(error))
    }

    /// An operation that was sent on a connection whose task was stopped.
    pub(crate) fn aborted() -> Self {
        Self::broken(io::ErrorKind::ConnectionAborted.into())
    }

    /// Returns `true` if operations on other connections to this server would probably fail too.
    pub(crate) const fn breaks_all(&self) -> bool {
        matches!(
            self,
            Self::Broken(_) | Self::NotConnected(_) | Self::Unauthenticated(_) | Self::Protocol
        )
    }

    /// Returns the error for an operation that failed like this before it was sent.
    pub(crate) fn before_anything_was_sent(self) -> Self {
        match self {
            Self::Broken(error) => Self::NotConnected(error),
            Self::Protocol => Self::not_connected(io::ErrorKind::InvalidData.into()),
            failed => failed,
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(after) => write!(f, "no answer within {after:?}"),
            Self::Busy(after) => write!(f, "it could not be sent within {after:?}"),
            Self::NotConnected(error) | Self::Broken(error) => fmt::Display::fmt(error, f),
            Self::Protocol => f.write_str("the reply is malformed or belongs to another request"),
            Self::Unauthenticated(message) => f.write_str(message),
            Self::ServerError(line) | Self::Unclear(line) | Self::Refused(line) => {
                f.write_str(line)
            }
            Self::Closed => f.write_str("it was closed"),
            Self::Misconfigured(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Failed {}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Timeout(after) => Self::Timeout { after },
            Failed::Closed => Self::closed(),
            Failed::Misconfigured(message) => Self::BackendConfiguration { message },
            Failed::Busy(_)
            | Failed::NotConnected(_)
            | Failed::Unauthenticated(_)
            | Failed::ServerError(_) => Self::Connection {
                source: failed.into(),
            },
            Failed::Broken(_) | Failed::Protocol | Failed::Unclear(_) => Self::ConnectionLost {
                source: failed.into(),
            },
            Failed::Refused(_) => Self::Backend {
                source: failed.into(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use super::Failed;
    use crate::error::{Error, ErrorKind};

    #[test]
    fn tells_operations_that_may_have_counted_from_others() {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let expected = [
            (Failed::Timeout(Duration::ZERO), ErrorKind::Timeout, true),
            (Failed::Busy(Duration::ZERO), ErrorKind::Connection, false),
            (Failed::not_connected(gone()), ErrorKind::Connection, false),
            (Failed::broken(gone()), ErrorKind::Connection, true),
            (Failed::Protocol, ErrorKind::Connection, true),
            (
                Failed::ServerError(String::new()),
                ErrorKind::Connection,
                false,
            ),
            (Failed::Unclear(String::new()), ErrorKind::Connection, true),
            (Failed::Refused(String::new()), ErrorKind::Backend, true),
            (Failed::Unauthenticated(""), ErrorKind::Connection, false),
            (Failed::Closed, ErrorKind::Connection, false),
            (
                Failed::Misconfigured(String::new()),
                ErrorKind::Configuration,
                false,
            ),
        ];
        for (failed, kind, may) in expected {
            let error = Error::from(failed);
            assert_eq!(
                (error.kind(), error.may_have_counted()),
                (kind, may),
                "{error}"
            );
        }
    }
}
