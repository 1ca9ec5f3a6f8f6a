//! What can go wrong besides being throttled, which is a decision and no error.

use std::error::Error as StdError;

use crate::strategy::StrategyError;

/// Why a throttle could not decide.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A throttle counts by the client's address, and the request does not say which it is.
    #[error(
        "the client's address is not known, so `{uid}` cannot tell clients apart; serve the app with \
         `into_make_service_with_connect_info::<SocketAddr>()`, or give the throttle an `identifier`"
    )]
    NoClientAddress {
        /// The throttle.
        uid: String,
    },
    /// An identifier, cost, rate or scope of the application's failed.
    #[error("`{what}` failed: {source}")]
    Identifier {
        /// Which of them.
        what: &'static str,
        /// What it said.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A throttle's parts do not go together.
    #[error("throttle `{uid}` cannot work: {message}")]
    Configuration {
        /// The throttle.
        uid: String,
        /// What is wrong; what to do instead.
        message: String,
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
}

impl Error {
    /// What kind of trouble this is.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::NoClientAddress { .. } | Self::Identifier { .. } => ErrorKind::Identifier,
            Self::Configuration { .. } => ErrorKind::Configuration,
        }
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
}
