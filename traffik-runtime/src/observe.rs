//! What is reported to the application's log, in one place.

#[cfg(feature = "tracing")]
use std::cell::Cell;
#[cfg(feature = "tracing")]
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::error::Error;
use crate::forwarding::TrustedRange;

/// A request that could not be decided, and was answered with an error.
pub(crate) fn undecided(error: &Error) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: "traffik", kind = ?error.kind(), "{error}");
    #[cfg(not(feature = "tracing"))]
    let _ = error;
}

/// A connection to a backend that is gone, or could not be made.
#[cfg(feature = "redis")]
pub(crate) fn disconnected(backend: &'static str, error: &dyn std::error::Error) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: "traffik", backend, "no connection: {error}");
    #[cfg(not(feature = "tracing"))]
    let _ = (backend, error);
}

/// A connection to a backend that is there, or there again.
#[cfg(feature = "redis")]
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

/// What one part of a set took is given back, because another refused.
#[cfg(feature = "redis")]
pub(crate) fn given_back(name: &str) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "traffik", name, "given back: another part of the set refused");
    #[cfg(not(feature = "tracing"))]
    let _ = name;
}

/// All addresses there are were named as trusted proxies.
pub(crate) fn trusts_everyone(range: &TrustedRange) {
    #[cfg(feature = "tracing")]
    {
        static TOLD: AtomicBool = AtomicBool::new(false);
        if first(&TOLD) {
            tracing::warn!(
                target: "traffik",
                "`{range}` trusts everyone as a proxy, so that every client names itself; trust only the proxies in \
                 front of the application"
            );
        }
    }
    #[cfg(not(feature = "tracing"))]
    let _ = range;
}

/// A request carries a forwarding header, but no proxy is trusted: `T001`. Which header, is only asked while it is worth
/// it: of the first thousand requests of a thread, then of a few.
#[inline]
pub(crate) fn no_proxy_is_trusted(carried: impl FnOnce() -> Option<&'static str>) {
    #[cfg(feature = "tracing")]
    {
        static TOLD: AtomicBool = AtomicBool::new(false);
        if TOLD.load(Relaxed) || !is_sampled() {
            return;
        }
        let Some(field) = carried() else { return };
        if first(&TOLD) {
            tracing::warn!(
                target: "traffik",
                code = "T001",
                "T001: requests carry `{field}`, but no proxy is trusted, so everyone behind a proxy shares a budget; name \
                 the proxies with `trusted_proxies([…])` on the backend, or, where there is none, choose \
                 `ForwardingHeader::None`"
            );
        }
    }
    #[cfg(not(feature = "tracing"))]
    let _ = carried;
}

/// A trusted proxy sent a request without the header that was chosen: `T002`.
pub(crate) fn proxy_sent_no_header(field: &'static str) {
    #[cfg(feature = "tracing")]
    {
        static TOLD: AtomicBool = AtomicBool::new(false);
        if first(&TOLD) {
            tracing::warn!(
                target: "traffik",
                code = "T002",
                "T002: a trusted proxy sent a request without `{field}`, so everyone behind it shares a budget; let the \
                 proxy set that header, or choose the one that it does set"
            );
        }
    }
    #[cfg(not(feature = "tracing"))]
    let _ = field;
}

/// One request was counted twice by one throttle: `T003`.
pub(crate) fn counted_twice(uid: &str) {
    #[cfg(feature = "tracing")]
    {
        static TOLD: AtomicBool = AtomicBool::new(false);
        if first(&TOLD) {
            tracing::warn!(
                target: "traffik",
                code = "T003",
                uid,
                "T003: throttle `{uid}` counted one request twice, in a layer and again below it; take it out of one of \
                 the two"
            );
        }
    }
    #[cfg(not(feature = "tracing"))]
    let _ = uid;
}

/// Whether something is still to be told, which is done once in the life of the process.
#[cfg(feature = "tracing")]
fn first(told: &AtomicBool) -> bool {
    !told.load(Relaxed) && !told.swap(true, Relaxed)
}

/// Whether this is one of the first thousand times on this thread, or one of a few after that.
#[cfg(feature = "tracing")]
fn is_sampled() -> bool {
    const ALL: u32 = 1_000;
    const FEW: u32 = 64;
    thread_local! {
        static SEEN: Cell<u32> = const { Cell::new(0) };
    }
    let seen = SEEN.get();
    SEEN.set(if seen == ALL + FEW { ALL + 1 } else { seen + 1 });
    seen < ALL || seen == ALL + FEW
}
