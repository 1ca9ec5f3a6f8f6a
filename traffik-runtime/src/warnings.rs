//! Warnings about the application's set-up and the server's clock, most logged once in the life of
//! a process.

#[cfg(feature = "tracing")]
use std::cell::Cell;
use std::fmt::Display;
#[cfg(feature = "tracing")]
use std::sync::atomic::AtomicBool;
#[cfg(feature = "tracing")]
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Logs that the process's clock was far ahead of the system's and is set back to it.
pub(crate) fn clock_set_back(by: Duration) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        target: "traffik",
        ?by,
        "the system clock was set back by {by:?}, and traffik's clock follows it: clients may be refused for up to one \
         period of their rate"
    );
    let _ = by;
}

/// Logs that a value under a throttle's key in a shared store is not a state; once, since the value
/// is replaced.
pub(crate) fn no_state(name: &str) {
    static LOGGED: std::sync::Once = std::sync::Once::new();
    LOGGED.call_once(|| {
        #[cfg(feature = "tracing")]
        tracing::warn!(
            target: "traffik",
            name,
            "the value under `{name}` is not a state of its throttle and is ignored; does another program write that key?"
        );
        let _ = name;
    });
}

/// Logs that a trusted range contains all addresses.
pub(crate) fn trusts_everyone(range: &dyn Display) {
    #[cfg(feature = "tracing")]
    {
        static LOGGED: AtomicBool = AtomicBool::new(false);
        if first(&LOGGED) {
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

/// Logs that a request has a forwarding header, but no proxy is trusted: `T001`. The headers are
/// searched only on the first thousand requests of a thread, and then on a few.
#[inline]
pub(crate) fn no_proxy_is_trusted(carried: impl FnOnce() -> Option<&'static str>) {
    #[cfg(feature = "tracing")]
    {
        static LOGGED: AtomicBool = AtomicBool::new(false);
        if LOGGED.load(Relaxed) || !is_sampled() {
            return;
        }
        let Some(field) = carried() else { return };
        if first(&LOGGED) {
            tracing::warn!(
                target: "traffik",
                code = "T001",
                "T001: requests carry `{field}`, but no proxy is trusted, so all clients behind a proxy share a budget; name \
                 the proxies with `trusted_proxies([…])` on the backend, or, where there is none, choose \
                 `ForwardingHeader::None`"
            );
        }
    }
    #[cfg(not(feature = "tracing"))]
    let _ = carried;
}

/// Logs that a trusted proxy sent a request without the chosen header: `T002`.
pub(crate) fn proxy_sent_no_header(field: &'static str) {
    #[cfg(feature = "tracing")]
    {
        static LOGGED: AtomicBool = AtomicBool::new(false);
        if first(&LOGGED) {
            tracing::warn!(
                target: "traffik",
                code = "T002",
                "T002: a trusted proxy sent a request without `{field}`, so all clients behind it share a budget; let the \
                 proxy set that header, or choose the one that it does set"
            );
        }
    }
    #[cfg(not(feature = "tracing"))]
    let _ = field;
}

/// Logs that one throttle counted one request twice: `T003`.
pub(crate) fn counted_twice(uid: &str) {
    #[cfg(feature = "tracing")]
    {
        static LOGGED: AtomicBool = AtomicBool::new(false);
        if first(&LOGGED) {
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

/// Logs that a backend was provided below throttles that had decided in the embedded one: `T005`.
/// The throttles are listed only before the warning was logged.
pub(crate) fn provided_late(throttles: impl FnOnce() -> Option<String>) {
    #[cfg(feature = "tracing")]
    {
        static LOGGED: AtomicBool = AtomicBool::new(false);
        if LOGGED.load(Relaxed) {
            return;
        }
        let Some(throttles) = throttles() else { return };
        if first(&LOGGED) {
            tracing::warn!(
                target: "traffik",
                code = "T005",
                throttles,
                "T005: a backend is provided below a layer that has decided already, so {throttles} counted in the memory \
                 of this process; add `provide(…)` to the router after the layer that throttles: \
                 `.layer(throttles).layer(provide(backend))`"
            );
        }
    }
    #[cfg(not(feature = "tracing"))]
    let _ = throttles;
}

/// Logs that a Redis server evicts keys when its memory is full: `T006`.
#[cfg(feature = "redis")]
pub(crate) fn evicts(policy: &str) {
    #[cfg(feature = "tracing")]
    {
        static LOGGED: AtomicBool = AtomicBool::new(false);
        if first(&LOGGED) {
            tracing::warn!(
                target: "traffik",
                code = "T006",
                policy,
                "T006: Redis evicts keys when its memory is full (`maxmemory-policy {policy}`), and loses limits with \
                 them; give limits a server with `noeviction`, or `volatile-ttl`"
            );
        }
    }
    #[cfg(not(feature = "tracing"))]
    let _ = policy;
}

/// Logs that a route filter was applied where no router had matched the request: `T007`.
pub(crate) fn not_routed(route: &str) {
    #[cfg(feature = "tracing")]
    {
        static LOGGED: AtomicBool = AtomicBool::new(false);
        if first(&LOGGED) {
            tracing::warn!(
                target: "traffik",
                code = "T007",
                route,
                "T007: `filter::route(\"{route}\")` stands outside routing, where no request has a route, so it selects \
                 nothing; apply the layer with `Router::layer`, or use `filter::path`"
            );
        }
    }
    #[cfg(not(feature = "tracing"))]
    let _ = route;
}

/// Reports whether a warning is to be logged now: once in the life of the process.
#[cfg(feature = "tracing")]
fn first(logged: &AtomicBool) -> bool {
    !logged.load(Relaxed) && !logged.swap(true, Relaxed)
}

/// Reports whether this is one of the first thousand calls on this thread, or one of a few after
/// that.
#[cfg(feature = "tracing")]
fn is_sampled() -> bool {
    const ALL: u32 = 1_000;
    const FEW: u32 = 64;
    thread_local! {
        static CALLS: Cell<u32> = const { Cell::new(0) };
    }
    let calls = CALLS.get();
    CALLS.set(if calls == ALL + FEW {
        ALL + 1
    } else {
        calls + 1
    });
    calls < ALL || calls == ALL + FEW
}
