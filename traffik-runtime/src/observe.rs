//! What is reported to the application's log, in one place.

use crate::error::Error;

/// A request that could not be decided, and was answered with an error.
pub(crate) fn undecided(error: &Error) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: "traffik", kind = ?error.kind(), "{error}");
    #[cfg(not(feature = "tracing"))]
    let _ = error;
}

/// A connection to a backend that is gone, or could not be made.
#[cfg(any(feature = "memcached", feature = "redis"))]
pub(crate) fn disconnected(backend: &'static str, error: &dyn std::error::Error) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: "traffik", backend, "no connection: {error}");
    #[cfg(not(feature = "tracing"))]
    let _ = (backend, error);
}

/// A connection to a backend that is there, or there again.
#[cfg(any(feature = "memcached", feature = "redis"))]
pub(crate) fn connected(backend: &'static str) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "traffik", backend, "connected");
    #[cfg(not(feature = "tracing"))]
    let _ = backend;
}

/// A throttle that was built, but was hardly meant like that.
pub(crate) fn doubtful(uid: &str, warning: &str, message: &str) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: "traffik", uid, warning, "throttle `{uid}` is doubtful: {message}");
    #[cfg(not(feature = "tracing"))]
    let _ = (uid, warning, message);
}
