//! Every policy under every fault, on a real server behind a proxy: the response and its time, the
//! calls of the server, and the counts of both backends.

use std::fmt::{self, Debug};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::request::Parts;
use axum::routing::get;
use tokio::sync::Mutex;
use traffik::{Backend, CircuitBreaker, Failure, Throttle, Verdict, provide, throttled};
use traffik_tests::{Proxy, RedisServer, Server, TestResponse, head};

/// The default timeout of a decision.
const BUDGET: Duration = Duration::from_millis(250);
/// The extra time that a busy machine may take.
const GRACE: Duration = Duration::from_secs(1);

static LOCAL: LazyLock<Backend> = LazyLock::new(Backend::memory);
/// Serialises the matrices, which share a breaker.
pub(super) static EXCLUSIVE: Mutex<()> = Mutex::const_new(());

static BREAKER: CircuitBreaker = CircuitBreaker::new().failures(1);

async fn to_verdict(failure: &Failure<'_>) -> Verdict {
    assert!(["redis", "memcached"].contains(&failure.backend));
    if failure.error.may_have_counted() {
        Verdict::Allow
    } else {
        Verdict::Throttle(Duration::from_secs(7))
    }
}

// A period of ten weeks is longer than any test.
#[throttled(rate = "9/10w", identifier = header("x-case"), on_error = allow)]
async fn allowing() {}

#[throttled(rate = "9/10w", identifier = header("x-case"), on_error = throttle)]
async fn throttling() {}

#[throttled(rate = "9/10w", identifier = header("x-case"), on_error = raise)]
async fn raising() {}

#[throttled(rate = "9/10w", identifier = header("x-case"), on_error = retry(max_retries = 2, delay = "5ms"))]
async fn retrying() {}

#[throttled(rate = "9/10w", identifier = header("x-case"), on_error = fallback(backend = LOCAL.clone()))]
async fn falling_back() {}

#[throttled(rate = "9/10w", identifier = header("x-case"), on_error = failover(backend = LOCAL.clone(), breaker = BREAKER))]
async fn failing_over() {}

#[throttled(rate = "9/10w", identifier = header("x-case"), on_error = to_verdict)]
async fn handling() {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The server is down.
    Refused,
    /// The server executes the command, and its reply is lost.
    Timeout,
    /// The connection is closed when the reply arrives.
    Reset,
    /// The key holds a value of another type.
    ErrorReply,
    /// The reply is delayed, but within the timeout.
    Slow,
    Unauthenticated,
    OutOfMemory,
    ReadOnly,
}

impl Fault {
    const ALL: [Self; 8] = [
        Self::Refused,
        Self::Timeout,
        Self::Reset,
        Self::ErrorReply,
        Self::Slow,
        Self::Unauthenticated,
        Self::OutOfMemory,
        Self::ReadOnly,
    ];

    const fn may_have_counted(self) -> bool {
        matches!(self, Self::Timeout | Self::Reset)
    }

    /// The units of the hit that the server counts.
    const fn counted(self) -> u64 {
        match self {
            Self::Timeout | Self::Reset | Self::Slow => 1,
            _ => 0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    Allow,
    Throttle,
    Raise,
    Retry,
    Fallback,
    Failover,
    Handler,
}

impl Policy {
    pub(super) const ALL: [Self; 7] = [
        Self::Allow,
        Self::Throttle,
        Self::Raise,
        Self::Retry,
        Self::Fallback,
        Self::Failover,
        Self::Handler,
    ];

    /// The status of the response.
    fn status(self, fault: Fault) -> u16 {
        let may_have_counted = fault.may_have_counted();
        match self {
            _ if fault == Fault::Slow => 200,
            Self::Handler if may_have_counted || fault == Fault::ErrorReply => 200,
            _ if fault == Fault::ErrorReply => 500,
            Self::Allow | Self::Fallback | Self::Failover => 200,
            Self::Throttle | Self::Retry | Self::Handler => 429,
            Self::Raise => 503,
        }
    }

    /// The greatest number of calls of the server.
    fn calls(self, fault: Fault) -> u64 {
        let certain = !fault.may_have_counted() && fault != Fault::ErrorReply;
        match self {
            _ if fault == Fault::Slow => 1,
            Self::Retry if certain => 3,
            _ => 1,
        }
    }

    /// The units that the other backend counts. After a fallback both backends have to admit, so
    /// it also counts hits that the first one decides.
    fn elsewhere(self, fault: Fault) -> u64 {
        let falls_back = matches!(self, Self::Fallback | Self::Failover);
        u64::from(falls_back && fault != Fault::ErrorReply)
    }

    /// Returns the total that the other backend has counted, from its remaining units.
    fn in_fallback(self, remaining: u64) -> u64 {
        match self {
            Self::Fallback | Self::Failover => 9 - remaining,
            _ => 0,
        }
    }

    async fn remaining(self, parts: &Parts) -> u64 {
        async fn of<T: Throttle<Stat = traffik::Stat<M>>, M>(parts: &Parts) -> u64 {
            T::stat(parts).await.expect("a state").hits_remaining
        }
        match self {
            Self::Allow => of::<allowing, _>(parts).await,
            Self::Throttle => of::<throttling, _>(parts).await,
            Self::Raise => of::<raising, _>(parts).await,
            Self::Retry => of::<retrying, _>(parts).await,
            Self::Fallback => of::<falling_back, _>(parts).await,
            Self::Failover => of::<failing_over, _>(parts).await,
            Self::Handler => of::<handling, _>(parts).await,
        }
    }
}

/// A route for each policy.
pub(super) fn app(backend: Backend) -> Router {
    Router::new()
        .route("/Allow", get(allowing))
        .route("/Throttle", get(throttling))
        .route("/Raise", get(raising))
        .route("/Retry", get(retrying))
        .route("/Fallback", get(falling_back))
        .route("/Failover", get(failing_over))
        .route("/Handler", get(handling))
        .layer(provide(backend))
}

/// A server behind a proxy, and an app that uses it.
struct Setup {
    server: RedisServer,
    proxy: Proxy,
    app: Server,
    backend: Backend,
}

impl Setup {
    async fn new(namespace: String) -> Self {
        let server = RedisServer::start();
        let proxy = Proxy::start(server.port()).await;
        let backend = Backend::redis(proxy.url()).namespace(&namespace);
        let backend = backend.connect().await.expect("the server is up");
        let app = app(backend.clone());
        let app = Server::start(app).await;
        Self {
            server,
            proxy,
            app,
            backend,
        }
    }

    fn begin(&mut self, fault: Fault) {
        let server = &mut self.server;
        match fault {
            Fault::Refused => server.kill(),
            Fault::Timeout => self.proxy.discard_replies(),
            Fault::Reset => self.proxy.close_on_reply(),
            Fault::ErrorReply => {
                // The server refuses the script, and the client reads of a mistake instead.
                let forbid = ["ACL", "SETUSER", "default", "-@scripting"];
                let () = server.command(&forbid);
                self.proxy
                    .replace_replies(b"-WRONGTYPE the key holds a list\r\n");
            }
            Fault::Slow => self.proxy.delay(Duration::from_millis(20)),
            Fault::Unauthenticated => {
                let () = server.command(&["CONFIG", "SET", "requirepass", "secret"]);
                let kill = ["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"];
                let _: i64 = server.command_as("secret", &kill);
            }
            Fault::OutOfMemory => {
                let () = server.command(&["CONFIG", "SET", "maxmemory", "1"]);
            }
            Fault::ReadOnly => {
                let () = server.command(&["REPLICAOF", "127.0.0.1", "1"]);
            }
        }
    }

    fn end(&mut self, fault: Fault) {
        self.proxy.forward();
        let server = &mut self.server;
        match fault {
            Fault::Refused => server.restart(),
            Fault::Unauthenticated => {
                let () = server.command_as("secret", &["CONFIG", "SET", "requirepass", ""]);
            }
            Fault::OutOfMemory => {
                let () = server.command(&["CONFIG", "SET", "maxmemory", "0"]);
            }
            Fault::ReadOnly => {
                let () = server.command(&["REPLICAOF", "NO", "ONE"]);
            }
            Fault::ErrorReply => {
                let permit = ["ACL", "SETUSER", "default", "+@scripting"];
                let () = server.command(&permit);
            }
            _ => {}
        }
    }

    /// Returns the number of decisions that the server has made.
    fn calls(&self, fault: Fault) -> u64 {
        match fault {
            Fault::Refused => 0,
            Fault::Unauthenticated => {
                let info: String = self.server.command_as("secret", &["INFO", "commandstats"]);
                u64::from(info.contains("cmdstat_evalsha:calls=1"))
            }
            Fault::ErrorReply => self.server.rejected_calls("evalsha"),
            _ => self.server.calls("evalsha"),
        }
    }
}

/// Waits until the backend has noticed that its connection is lost. Until then, hits fail with
/// errors that may have been counted.
pub(super) async fn wait_until_disconnected(backend: &Backend) {
    let start = Instant::now();
    while !matches!(backend.get("key").await, Err(error) if !error.may_have_counted()) {
        assert!(start.elapsed() < Duration::from_secs(20), "still connected");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A policy under a fault, with a client that no other case has.
pub(super) struct Case {
    fault: Fault,
    policy: Policy,
    client: String,
    parts: Parts,
    /// The client's remaining units in the other backend before the fault.
    local_before: u64,
}

impl Case {
    /// Sends one hit before the fault begins, so that there is a state.
    pub(super) async fn start(app: &Server, client: String, fault: Fault, policy: Policy) -> Self {
        BREAKER.force_close();
        let mut parts = head(&LOCAL);
        parts.headers.insert("x-case", client.parse().unwrap());
        let mut case = Self {
            fault,
            policy,
            client,
            parts,
            local_before: 0,
        };
        assert_eq!(case.send(app).await.status, 200, "{case:?}");
        case.local_before = policy.remaining(&case.parts).await;
        case
    }

    async fn send(&self, app: &Server) -> TestResponse {
        let path = format!("/{:?}", self.policy);
        app.get_with(&path, "x-case", &self.client).await
    }

    /// Asserts the response to a hit during the fault.
    pub(super) async fn assert_response(&self, app: &Server) {
        let start = Instant::now();
        let response = self.send(app).await;
        let took = start.elapsed();
        let expected = self.policy.status(self.fault);
        assert_eq!(response.status, expected, "{self:?}: {}", response.body);
        assert!(took < BUDGET + GRACE, "{self:?} took {took:?}");
    }

    /// Reports that the fault has opened the breaker.
    fn opens_breaker(&self) -> bool {
        self.policy == Policy::Failover && !matches!(self.fault, Fault::Slow | Fault::ErrorReply)
    }

    /// Asserts that a hit on an open breaker is admitted elsewhere.
    pub(super) async fn assert_open_breaker(&self, app: &Server) {
        if self.opens_breaker() {
            assert_eq!(self.send(app).await.status, 200, "{self:?}");
        }
    }

    /// Asserts the counts of both backends after the fault; `connect` connects to the server
    /// without the proxy.
    pub(super) async fn assert_counts(mut self, connect: impl AsyncFnOnce(&str) -> Backend) {
        BREAKER.force_close();
        let expected = self.policy.elsewhere(self.fault) + u64::from(self.opens_breaker());
        let local = self.policy.remaining(&self.parts).await;
        assert_eq!(self.local_before - local, expected, "{self:?}");
        if !matches!(self.fault, Fault::Refused | Fault::ErrorReply) {
            let backend = connect(&self.client).await;
            self.parts.extensions.insert(backend);
            // If the other backend has to admit as well, the smaller remainder is reported.
            let counted = (1 + self.fault.counted()).max(self.policy.in_fallback(local));
            let remaining = self.policy.remaining(&self.parts).await;
            assert_eq!(9 - remaining, counted, "{self:?}");
        }
    }
}

impl Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} under {:?}", self.policy, self.fault)
    }
}

async fn check(fault: Fault, policy: Policy) {
    let client = format!("{fault:?}-{policy:?}");
    let mut setup = Setup::new(client.clone()).await;
    let case = Case::start(&setup.app, client, fault, policy).await;
    let () = setup.server.command(&["CONFIG", "RESETSTAT"]);
    setup.begin(fault);
    if matches!(fault, Fault::Refused | Fault::Unauthenticated) {
        wait_until_disconnected(&setup.backend).await;
    }
    case.assert_response(&setup.app).await;
    let calls = setup.calls(fault);
    assert!(calls <= policy.calls(fault), "{case:?}: {calls} calls");
    let reached = fault.counted() > 0 || fault == Fault::ErrorReply || fault == Fault::OutOfMemory;
    assert!(
        !reached || calls == policy.calls(fault),
        "{case:?}: {calls} calls"
    );
    // An open breaker keeps further hits from the server.
    case.assert_open_breaker(&setup.app).await;
    assert_eq!(setup.calls(fault), calls, "{case:?}");
    setup.end(fault);
    let connect = async |namespace: &str| {
        let backend = Backend::redis(setup.server.url()).namespace(namespace);
        backend.connect().await.expect("the server is up again")
    };
    case.assert_counts(connect).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn applies_every_policy_under_every_fault() {
    let _exclusive = EXCLUSIVE.lock().await;
    for fault in Fault::ALL {
        for policy in Policy::ALL {
            check(fault, policy).await;
        }
    }
}
