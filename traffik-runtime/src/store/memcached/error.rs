//! What went wrong with Memcached, and whether what was asked may have been done.

use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use crate::error::Error;

/// An operation that failed.
#[derive(Clone, Debug)]
pub(crate) enum Failed {
    /// It was sent, and there was no answer within this time.
    Late(Duration),
    /// Nothing was sent: no connection was to be had within this time.
    Busy(Duration),
    /// Nothing was sent: a connection could not be made.
    Unreached(Arc<io::Error>),
    /// It was sent, and the connection broke.
    Broken(Arc<io::Error>),
    /// It was sent, and what came back is no answer to it.
    Astray,
    /// The server has no room or is not well, and did nothing.
    Unwell(String),
    /// The server or a proxy answered with an error that does not say whether it was done.
    Unclear(String),
    /// The server could make no sense of it.
    Refused(String),
    /// Nothing was done: the server wants other credentials, or some at all.
    Unauthenticated(&'static str),
    /// The backend was closed.
    Closed,
    /// The backend could never work.
    Misconfigured(String),
}

impl Failed {
    pub(crate) fn unreached(error: io::Error) -> Self {
        Self::Unreached(Arc::new(error))
    }

    pub(crate) fn broken(error: io::Error) -> Self {
        Self::Broken(Arc::new(error))
    }

    /// Whether other connections to the same server can hardly be better.
    pub(crate) const fn breaks_all(&self) -> bool {
        matches!(
            self,
            Self::Broken(_) | Self::Unreached(_) | Self::Unauthenticated(_) | Self::Astray
        )
    }

    /// Returns the error for an operation that failed like this before it was sent.
    pub(crate) fn before_anything_was_sent(self) -> Self {
        match self {
            Self::Broken(error) => Self::Unreached(error),
            Self::Astray => Self::unreached(io::ErrorKind::InvalidData.into()),
            failed => failed,
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late(after) => write!(f, "no answer within {after:?}"),
            Self::Busy(after) => write!(f, "no connection was free within {after:?}"),
            Self::Unreached(error) | Self::Broken(error) => fmt::Display::fmt(error, f),
            Self::Astray => f.write_str("what came back is no answer to what was asked"),
            Self::Unauthenticated(message) => f.write_str(message),
            Self::Unwell(said) | Self::Unclear(said) | Self::Refused(said) => f.write_str(said),
            Self::Closed => f.write_str("it was closed"),
            Self::Misconfigured(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Failed {}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Late(after) => Self::Timeout { after },
            Failed::Closed => Self::closed(),
            Failed::Misconfigured(message) => Self::BackendConfiguration { message },
            Failed::Busy(_)
            | Failed::Unreached(_)
            | Failed::Unauthenticated(_)
            | Failed::Unwell(_) => Self::Connection {
                source: failed.into(),
            },
            Failed::Broken(_) | Failed::Astray | Failed::Unclear(_) => Self::ConnectionLost {
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

    /// Nobody may ask again for what may have been done already.
    #[test]
    fn what_may_have_counted() {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let expected = [
            (Failed::Late(Duration::ZERO), ErrorKind::Timeout, true),
            (Failed::Busy(Duration::ZERO), ErrorKind::Connection, false),
            (Failed::unreached(gone()), ErrorKind::Connection, false),
            (Failed::broken(gone()), ErrorKind::Connection, true),
            (Failed::Astray, ErrorKind::Connection, true),
            (Failed::Unwell(String::new()), ErrorKind::Connection, false),
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
