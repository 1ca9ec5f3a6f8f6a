//! What an error of Redis means for who asked: not done, perhaps done, elsewhere, or a mistake.

use std::fmt;
use std::time::Duration;

use redis::{ErrorKind, RedisError, ServerError};

use crate::error::Error;
use crate::store::redis::replies;

/// What is known of an operation that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// It was not done.
    NotApplied,
    /// It was sent, and nobody knows.
    Ambiguous,
    /// It was not done, for the server has not got the script.
    Elsewhere,
    /// It makes no sense to the server, or the answer makes none.
    Bug,
}

/// An operation that failed.
#[derive(Clone, Debug)]
pub(crate) enum Failed {
    /// There was no answer within this time.
    Late(Duration),
    /// Nothing was sent: there is no connection.
    Unconnected(RedisError),
    /// A connection is not there yet.
    Connecting,
    /// The backend was closed.
    Closed,
    /// The backend could never work.
    Misconfigured(String),
    /// The server, or the connection to it, said this.
    Said(RedisError),
}

impl Failed {
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::Late(_) => Class::Ambiguous,
            Self::Unconnected(_) | Self::Connecting | Self::Closed => Class::NotApplied,
            Self::Misconfigured(_) => Class::Bug,
            Self::Said(error) => class(error),
        }
    }

    /// Returns whether the connection has to be replaced at once: it is broken, the server behind it accepts no writes any
    /// more, or does not know this client. Every other error of a server concerns one operation, and all clients share
    /// the connection.
    pub(crate) fn breaks_connection(&self) -> bool {
        let Self::Said(error) = self else {
            return false;
        };
        error.is_unrecoverable_error()
            || reply(error).is_some_and(|reply| replies::breaks_connection(&reply))
    }

    /// Returns whether a script that was sent by its hash has to be sent itself: the server does not have it, or does not
    /// let this client use `EVALSHA`.
    pub(crate) fn needs_source(&self) -> bool {
        let Self::Said(error) = self else {
            return false;
        };
        let names_command = |reply: String| reply.to_ascii_lowercase().contains("'evalsha'");
        self.class() == Class::Elsewhere || reply(error).is_some_and(names_command)
    }

    /// Returns whether the server answered that it never lets this client do it, as opposed to not now.
    pub(crate) fn is_forbidden(&self) -> bool {
        let Self::Said(error) = self else {
            return false;
        };
        self.class() == Class::Bug
            || reply(error).is_some_and(|reply| replies::code(&reply) == "NOPERM")
    }

    /// Returns whether decisions would fail until somebody changes the server or the settings.
    pub(crate) fn is_lasting(&self) -> bool {
        matches!(self, Self::Misconfigured(_))
            || matches!(self, Self::Said(_))
                && self.breaks_connection()
                && self.class() == Class::NotApplied
    }

    /// What those are told who come while there is no connection.
    pub(crate) fn reason(self) -> RedisError {
        match self {
            Self::Said(error) | Self::Unconnected(error) => error,
            failed => (
                ErrorKind::Io,
                "the connection was given up",
                failed.to_string(),
            )
                .into(),
        }
    }
}

fn class(error: &RedisError) -> Class {
    match error.kind() {
        ErrorKind::AuthenticationFailed
        | ErrorKind::ClusterConnectionNotFound
        | ErrorKind::MasterNameNotFoundBySentinel
        | ErrorKind::NoValidReplicasFoundBySentinel
        | ErrorKind::EmptySentinelList => return Class::NotApplied,
        _ if error.is_connection_refusal() => return Class::NotApplied,
        // Whatever else happens to a connection, the command may have got through.
        ErrorKind::Io | ErrorKind::Parse => return Class::Ambiguous,
        _ => {}
    }
    let class = reply(error).map_or(Class::Bug, |reply| replies::class(&reply));
    // Of several commands, those that were not refused were done.
    let several = error.clone().into_server_errors().is_some()
        && ServerError::try_from(error.clone()).is_err();
    if several && class == Class::NotApplied {
        Class::Ambiguous
    } else {
        class
    }
}

/// Returns an error reply of the server as it was sent, without its `-`; the first one if several commands failed.
pub(crate) fn reply(error: &RedisError) -> Option<String> {
    if let Some(errors) = error.clone().into_server_errors()
        && let Some((_, first)) = errors.first()
    {
        let text = first.details().map(|text| format!(" {text}"));
        return Some(first.code().to_owned() + &text.unwrap_or_default());
    }
    // The client library reports some by their code alone.
    error.code().map(str::to_owned)
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late(after) => write!(f, "no answer within {after:?}"),
            Self::Unconnected(error) | Self::Said(error) => fmt::Display::fmt(error, f),
            Self::Connecting => f.write_str("it is still being connected to"),
            Self::Closed => f.write_str("it was closed"),
            Self::Misconfigured(message) => f.write_str(message),
        }
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        let class = failed.class();
        match failed {
            Failed::Late(after) => Self::Timeout { after },
            Failed::Closed => Self::closed(),
            Failed::Misconfigured(message) => Self::BackendConfiguration { message },
            Failed::Connecting => Self::Connection {
                source: failed.to_string().into(),
            },
            Failed::Unconnected(error) => Self::Connection {
                source: Box::new(error),
            },
            Failed::Said(error) => {
                let source = Box::new(error);
                match class {
                    Class::NotApplied => Self::Connection { source },
                    Class::Ambiguous => Self::ConnectionLost { source },
                    Class::Elsewhere | Class::Bug => Self::Backend { source },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use redis::{RedisError, ServerErrorKind, make_extension_error};

    use super::{Class, Failed};
    use crate::error::{Error, ErrorKind};

    fn io(kind: io::ErrorKind) -> Failed {
        Failed::Said(RedisError::from(io::Error::from(kind)))
    }

    fn server(kind: ServerErrorKind) -> Failed {
        Failed::Said(RedisError::from((kind.into(), "said the server")))
    }

    fn code(code: &str) -> Failed {
        Failed::Said(make_extension_error(code.to_owned(), None))
    }

    fn code_and_text(code: &str, text: &str) -> Failed {
        Failed::Said(make_extension_error(code.to_owned(), Some(text.to_owned())))
    }

    fn kind(kind: redis::ErrorKind) -> Failed {
        Failed::Said(RedisError::from((kind, "said the client")))
    }

    #[test]
    fn classes() {
        use ServerErrorKind as Server;
        use redis::ErrorKind as Kind;
        let expected = [
            (io(io::ErrorKind::ConnectionRefused), Class::NotApplied),
            (io(io::ErrorKind::BrokenPipe), Class::Ambiguous),
            (io(io::ErrorKind::ConnectionReset), Class::Ambiguous),
            (io(io::ErrorKind::TimedOut), Class::Ambiguous),
            (kind(Kind::Parse), Class::Ambiguous),
            (Failed::Late(Duration::ZERO), Class::Ambiguous),
            (Failed::Connecting, Class::NotApplied),
            (kind(Kind::AuthenticationFailed), Class::NotApplied),
            (kind(Kind::ClusterConnectionNotFound), Class::NotApplied),
            (kind(Kind::MasterNameNotFoundBySentinel), Class::NotApplied),
            (kind(Kind::EmptySentinelList), Class::NotApplied),
            (server(Server::BusyLoading), Class::NotApplied),
            (server(Server::ClusterDown), Class::NotApplied),
            (server(Server::MasterDown), Class::NotApplied),
            (server(Server::TryAgain), Class::NotApplied),
            (server(Server::ReadOnly), Class::NotApplied),
            (server(Server::NoPerm), Class::NotApplied),
            (code("NOAUTH"), Class::NotApplied),
            (code("WRONGPASS"), Class::NotApplied),
            (code("OOM"), Class::NotApplied),
            (code("MISCONF"), Class::NotApplied),
            (code("NOREPLICAS"), Class::NotApplied),
            (code("BUSY"), Class::NotApplied),
            (server(Server::ExecAbort), Class::NotApplied),
            (code_and_text("no", "upstream host"), Class::NotApplied),
            (code_and_text("upstream", "failure"), Class::Ambiguous),
            (server(Server::NoScript), Class::Elsewhere),
            (server(Server::CrossSlot), Class::Bug),
            (server(Server::ResponseError), Class::Bug),
            (code("WRONGTYPE"), Class::Bug),
            (code("TRAFFIK"), Class::Bug),
            (kind(Kind::UnexpectedReturnType), Class::Bug),
            (kind(Kind::InvalidClientConfig), Class::Bug),
            (kind(Kind::Client), Class::Bug),
        ];
        for (failed, class) in expected {
            assert_eq!(failed.class(), class, "{failed}");
            let counted = Error::from(failed).may_have_counted();
            let may = matches!(class, Class::Ambiguous | Class::Bug | Class::Elsewhere);
            assert_eq!(counted, may);
        }
    }

    #[test]
    fn connections_that_are_replaced() {
        let broken = [
            io(io::ErrorKind::BrokenPipe),
            kind(redis::ErrorKind::AuthenticationFailed),
            server(ServerErrorKind::ReadOnly),
            code("NOAUTH"),
        ];
        assert!(broken.iter().all(Failed::breaks_connection));
        let whole = [
            io(io::ErrorKind::TimedOut),
            server(ServerErrorKind::NoScript),
            server(ServerErrorKind::NoPerm),
            code("NOPERM"),
            code("OOM"),
            code("LOADING"),
            code("MASTERDOWN"),
            Failed::Late(Duration::ZERO),
        ];
        assert!(!whole.iter().any(Failed::breaks_connection));
    }

    #[test]
    fn kinds() {
        let kind = |failed: Failed| Error::from(failed).kind();
        assert_eq!(kind(code("NOAUTH")), ErrorKind::Connection);
        assert_eq!(kind(io(io::ErrorKind::BrokenPipe)), ErrorKind::Connection);
        assert_eq!(kind(Failed::Late(Duration::ZERO)), ErrorKind::Timeout);
        assert_eq!(kind(code("WRONGTYPE")), ErrorKind::Backend);
        let misconfigured = Failed::Misconfigured(String::new());
        assert_eq!(kind(misconfigured), ErrorKind::Configuration);
    }
}
