//! What is reported to the application's log, in one place.

use crate::error::Error;

/// A request that could not be decided, and was answered with an error.
pub(crate) fn undecided(error: &Error) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: "traffik", kind = ?error.kind(), "{error}");
    #[cfg(not(feature = "tracing"))]
    let _ = error;
}
