//! Errors of Redis, classified by whether the operation was done.

use std::fmt;
use std::time::Duration;

use redis::{ErrorKind, RedisError, ServerError};

use crate::error::Error;
use crate::store::redis::replies;
use crate::store::redis::replies::Class;

/// An operation that failed.
#[derive(Clone, Debug)]
pub(crate) enum Failed {
    /// There was no answer within this time.
    Timeout(Duration),
    /// Nothing was sent: there is no connection.
    NotConnected(RedisError),
    /// Nothing was sent: the first attempt to connect has not ended yet.
    Connecting,
    /// The backend was closed.
    Closed,
    /// The backend can never work.
    Misconfigured(String),
    /// An error of the server, or of the connection to it.
    Server(RedisError),
}

impl Failed {
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::Timeout(_) => Class::Ambiguous,
            Self::NotConnected(_) | Self::Connecting | Self::Closed => Class::NotApplied,
            Self::Misconfigured(_) => Class::Bug,
            Self::Server(error) => class(error),
        }
    }

    /// Returns `true` if the connection must be replaced at once: it is broken, or the server
    /// behind it no longer accepts writes or does not know this client. Every other error of a
    /// server concerns one operation, and all clients share the connection.
    pub(crate) fn breaks_connection(&self) -> bool {
        let Self::Server(error) = self else {
            return false;
        };
        error.is_unrecoverable_error()
            || reply(error).is_some_and(|reply| replies::breaks_connection(&reply))
    }

    /// Returns `true` if the script must be sent by its source instead of its hash: the server does
    /// not have it, or does not permit `EVALSHA`.
    pub(crate) fn needs_source(&self) -> bool {
        let Self::Server(error) = self else {
            return false;
        };
        let names_command = |reply: String| reply.to_ascii_lowercase().contains("'evalsha'");
        self.class() == Class::NoScript || reply(error).is_some_and(names_command)
    }

    /// Returns `true` if the server never permits this client the command, not only for now.
    pub(crate) fn is_forbidden(&self) -> bool {
        let Self::Server(error) = self else {
            return false;
        };
        self.class() == Class::Bug
            || reply(error).is_some_and(|reply| replies::code(&reply) == "NOPERM")
    }

    /// Returns `true` if decisions fail until an operator changes the server or the settings.
    pub(crate) fn is_lasting(&self) -> bool {
        matches!(self, Self::Misconfigured(_))
            || matches!(self, Self::Server(_))
                && self.breaks_connection()
                && self.class() == Class::NotApplied
    }

    /// Returns the error of operations that begin before the connection has been replaced.
    pub(crate) fn reason(self) -> RedisError {
        match self {
            Self::Server(error) | Self::NotConnected(error) => error,
            failed => (
                ErrorKind::Io,
                "the connection is being replaced",
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
        // After every other error of a connection, the command may have reached the server.
        ErrorKind::Io | ErrorKind::Parse => return Class::Ambiguous,
        _ => {}
    }
    let class = reply(error).map_or(Class::Bug, |reply| replies::class(&reply));
    // Of several commands, those without an error were done.
    let several = error.clone().into_server_errors().is_some()
        && ServerError::try_from(error.clone()).is_err();
    if several && class == Class::NotApplied {
        Class::Ambiguous
    } else {
        class
    }
}

/// Returns the error reply of the server as it was sent, without its `-`. If several commands
/// failed, this is the first reply.
pub(crate) fn reply(error: &RedisError) -> Option<String> {
    if let Some(errors) = error.clone().into_server_errors()
        && let Some((_, first)) = errors.first()
    {
        let text = first.details().map(|text| format!(" {text}"));
        return Some(first.code().to_owned() + &text.unwrap_or_default());
    }
    // The client library reports some by their code only.
    error.code().map(str::to_owned)
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(after) => write!(f, "no answer within {after:?}"),
            Self::NotConnected(error) | Self::Server(error) => fmt::Display::fmt(error, f),
            Self::Connecting => f.write_str("the connection is still being made"),
            Self::Closed => f.write_str("it was closed"),
            Self::Misconfigured(message) => f.write_str(message),
        }
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        let class = failed.class();
        match failed {
            Failed::Timeout(after) => Self::Timeout { after },
            Failed::Closed => Self::closed(),
            Failed::Misconfigured(message) => Self::BackendConfiguration { message },
            Failed::Connecting => Self::Connection {
                source: failed.to_string().into(),
            },
            Failed::NotConnected(error) => Self::Connection {
                source: Box::new(error),
            },
            Failed::Server(error) => {
                let source = Box::new(error);
                match class {
                    Class::NotApplied => Self::Connection { source },
                    Class::Ambiguous => Self::ConnectionLost { source },
                    Class::NoScript | Class::Bug => Self::Backend { source },
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

    use super::Failed;
    use crate::error::{Error, ErrorKind};
    use crate::store::redis::replies::Class;

    fn io(kind: io::ErrorKind) -> Failed {
        Failed::Server(RedisError::from(io::Error::from(kind)))
    }

    fn server(kind: ServerErrorKind) -> Failed {
        Failed::Server(RedisError::from((kind.into(), "of the server")))
    }

    fn code(code: &str) -> Failed {
        Failed::Server(make_extension_error(code.to_owned(), None))
    }

    fn code_and_text(code: &str, text: &str) -> Failed {
        Failed::Server(make_extension_error(code.to_owned(), Some(text.to_owned())))
    }

    fn kind(kind: redis::ErrorKind) -> Failed {
        Failed::Server(RedisError::from((kind, "of the client")))
    }

    #[test]
    fn classifies_errors() {
        use ServerErrorKind as Server;
        use redis::ErrorKind as Kind;
        let expected = [
            (io(io::ErrorKind::ConnectionRefused), Class::NotApplied),
            (io(io::ErrorKind::BrokenPipe), Class::Ambiguous),
            (io(io::ErrorKind::ConnectionReset), Class::Ambiguous),
            (io(io::ErrorKind::TimedOut), Class::Ambiguous),
            (kind(Kind::Parse), Class::Ambiguous),
            (Failed::Timeout(Duration::ZERO), Class::Ambiguous),
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
            (server(Server::NoScript), Class::NoScript),
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
            let may = matches!(class, Class::Ambiguous | Class::Bug | Class::NoScript);
            assert_eq!(counted, may);
        }
    }

    #[test]
    fn replaces_a_connection_that_cannot_recover() {
        let broken = [
            io(io::ErrorKind::BrokenPipe),
            kind(redis::ErrorKind::AuthenticationFailed),
            server(ServerErrorKind::ReadOnly),
            code("NOAUTH"),
        ];
        assert!(broken.iter().all(Failed::breaks_connection));
        let usable = [
            io(io::ErrorKind::TimedOut),
            server(ServerErrorKind::NoScript),
            server(ServerErrorKind::NoPerm),
            code("NOPERM"),
            code("OOM"),
            code("LOADING"),
            code("MASTERDOWN"),
            Failed::Timeout(Duration::ZERO),
        ];
        assert!(!usable.iter().any(Failed::breaks_connection));
    }

    #[test]
    fn converts_to_kinds_of_public_errors() {
        let kind = |failed: Failed| Error::from(failed).kind();
        assert_eq!(kind(code("NOAUTH")), ErrorKind::Connection);
        assert_eq!(kind(io(io::ErrorKind::BrokenPipe)), ErrorKind::Connection);
        assert_eq!(kind(Failed::Timeout(Duration::ZERO)), ErrorKind::Timeout);
        assert_eq!(kind(code("WRONGTYPE")), ErrorKind::Backend);
        let misconfigured = Failed::Misconfigured(String::new());
        assert_eq!(kind(misconfigured), ErrorKind::Configuration);
    }
}
