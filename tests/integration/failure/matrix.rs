//! Every policy under every fault, on a real server behind a proxy: what the client gets and how soon, how often the server
//! was asked, and what was consumed where.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::request::Parts;
use axum::routing::get;
use tokio::sync::Mutex;
use traffik::{Backend, CircuitBreaker, Failure, Throttle, Verdict, provide, throttled};
use traffik_tests::{Proxy, RedisServer, Server, head};

/// How long a decision may take, and how much longer it may seem on a busy machine.
pub(super) const BUDGET: Duration = Duration::from_millis(250);
pub(super) const GRACE: Duration = Duration::from_secs(1);

pub(super) static LOCAL: LazyLock<Backend> = LazyLock::new(Backend::memory);
/// The matrices share a breaker.
pub(super) static ALONE: Mutex<()> = Mutex::const_new(());

pub(super) static BREAKER: CircuitBreaker = CircuitBreaker::new().failures(1);

async fn to_verdict(failure: &Failure<'_>) -> Verdict {
    assert!(["redis", "memcached"].contains(&failure.backend));
    if failure.error.may_have_counted() {
        Verdict::Allow
    } else {
        Verdict::Throttle(Duration::from_secs(7))
    }
}

// Ten weeks are longer than any test.
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
    /// The server is not there.
    Refused,
    /// It does what it is asked; its answer does not come.
    Timeout,
    /// The connection breaks in the middle of its answer.
    Reset,
    /// The key holds something else.
    ErrorReply,
    /// It takes a while, and not too long.
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

    /// What the server has counted of the hit.
    pub(super) const fn counted(self) -> u64 {
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

    /// What the client gets.
    pub(super) fn status(self, fault: Fault) -> u16 {
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

    /// How often the server may be asked.
    fn calls(self, fault: Fault) -> u64 {
        let certain = !fault.may_have_counted() && fault != Fault::ErrorReply;
        match self {
            _ if fault == Fault::Slow => 1,
            Self::Retry if certain => 3,
            _ => 1,
        }
    }

    /// What the other backend has counted: what it decided, and what the first one did, for since the first fault it is one
    /// that both have to admit.
    pub(super) fn elsewhere(self, fault: Fault) -> u64 {
        let falls_back = matches!(self, Self::Fallback | Self::Failover);
        u64::from(falls_back && fault != Fault::ErrorReply)
    }

    /// Returns the units that the other backend has counted in all, given what it has left.
    pub(super) fn in_fallback(self, left: u64) -> u64 {
        match self {
            Self::Fallback | Self::Failover => 9 - left,
            _ => 0,
        }
    }

    pub(super) async fn left(self, parts: &Parts) -> u64 {
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

/// One server, one proxy, and an app in front of them.
struct Ground {
    server: RedisServer,
    proxy: Proxy,
    app: Server,
    backend: Backend,
    namespace: String,
}

impl Ground {
    async fn new(namespace: String) -> Self {
        let server = RedisServer::start();
        let proxy = Proxy::start(server.port()).await;
        let backend = Backend::redis(proxy.url()).namespace(&namespace);
        let backend = backend.connect().await.expect("the server is there");
        let app = app(backend.clone());
        let app = Server::start(app).await;
        Self {
            server,
            proxy,
            app,
            backend,
            namespace,
        }
    }

    /// Waits until the backend knows that it has no connection: whoever finds that out cannot know what has become of what
    /// he sent.
    async fn noticed(&self) {
        let start = Instant::now();
        while !matches!(self.backend.get("noticed").await, Err(error) if !error.may_have_counted())
        {
            assert!(start.elapsed() < Duration::from_secs(20), "never noticed");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn begin(&mut self, fault: Fault) {
        let server = &mut self.server;
        match fault {
            Fault::Refused => server.kill(),
            Fault::Timeout => self.proxy.discard_replies(),
            Fault::Reset => self.proxy.close_on_reply(),
            Fault::ErrorReply => {
                // Whatever the key is called, it holds a list now.
                let keys: Vec<String> = server.command(&["KEYS", "*"]);
                let [key] = &keys[..] else { panic!("{keys:?}") };
                let () = server.command(&["DEL", key]);
                let _: i64 = server.command(&["LPUSH", key, "something else"]);
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
            _ => {}
        }
    }

    /// How often it was asked for a decision.
    fn calls(&self, fault: Fault) -> u64 {
        match fault {
            Fault::Refused => 0,
            Fault::Unauthenticated => {
                let info: String = self.server.command_as("secret", &["INFO", "commandstats"]);
                u64::from(info.contains("cmdstat_evalsha:calls=1"))
            }
            _ => self.server.calls("evalsha"),
        }
    }
}

async fn play(fault: Fault, policy: Policy) {
    let case = format!("{policy:?} under {fault:?}");
    let name = format!("{fault:?}-{policy:?}");
    let mut ground = Ground::new(name.clone()).await;
    let path = format!("/{policy:?}");
    BREAKER.force_close();

    // One hit before, so that there is a state.
    assert_eq!(
        ground.app.get_with(&path, "x-case", &name).await.status,
        200,
        "{case}"
    );
    let mut parts = head(&LOCAL);
    parts.headers.insert("x-case", name.parse().unwrap());
    let before = policy.left(&parts).await;
    let () = ground.server.command(&["CONFIG", "RESETSTAT"]);
    ground.begin(fault);
    if matches!(fault, Fault::Refused | Fault::Unauthenticated) {
        ground.noticed().await;
    }
    let start = Instant::now();
    let response = ground.app.get_with(&path, "x-case", &name).await;
    let took = start.elapsed();
    let calls = ground.calls(fault);

    assert_eq!(
        response.status,
        policy.status(fault),
        "{case}: {}",
        response.body
    );
    assert!(took < BUDGET + GRACE, "{case} took {took:?}");
    assert!(calls <= policy.calls(fault), "{case}: {calls} calls");
    let reached = fault.counted() > 0 || fault == Fault::ErrorReply || fault == Fault::OutOfMemory;
    assert!(
        !reached || calls == policy.calls(fault),
        "{case}: {calls} calls"
    );
    let opened = policy == Policy::Failover && !matches!(fault, Fault::Slow | Fault::ErrorReply);
    if opened {
        // The breaker is open: the server is not asked any more.
        let again = ground.app.get_with(&path, "x-case", &name).await;
        assert_eq!(again.status, 200, "{case}");
        assert_eq!(ground.calls(fault), calls, "{case}");
    }
    ground.end(fault);

    BREAKER.force_close();
    let elsewhere = policy.elsewhere(fault) + u64::from(opened);
    let local = policy.left(&parts).await;
    assert_eq!(before - local, elsewhere, "{case}");
    if fault != Fault::Refused && fault != Fault::ErrorReply {
        let backend = Backend::redis(ground.server.url()).namespace(&ground.namespace);
        parts
            .extensions
            .insert(backend.connect().await.expect("it is back"));
        // Where the other backend has to admit as well, the smaller is told.
        let counted = (1 + fault.counted()).max(policy.in_fallback(local));
        assert_eq!(9 - policy.left(&parts).await, counted, "{case}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_policy_under_every_fault() {
    let _alone = ALONE.lock().await;
    for fault in Fault::ALL {
        for policy in Policy::ALL {
            play(fault, policy).await;
        }
    }
}
