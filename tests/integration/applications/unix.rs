//! An application behind nginx, which connects to it over a Unix socket.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use axum::Router;
use axum::extract::connect_info::MockConnectInfo;
use axum::http::request::Parts;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use http::Request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream, unix};
use tokio::task::JoinHandle;
use tower::ServiceExt as _;
use traffik::{Backend, Identity, PeerAddr, ThrottleLayer, provide, throttled, throttles};

#[throttled(rate = "1/10w", identifier = ip(trusted = ["unix"]))]
async fn hello() -> &'static str {
    "hello"
}

#[throttled(rate = "1/10w")]
async fn plain() -> &'static str {
    "hello"
}

fn somebody(_: &Parts) -> Identity {
    Identity::ip_or("anonymous")
}

#[throttled(rate = "1/10w", identifier = somebody)]
async fn anybody() -> &'static str {
    "hello"
}

fn router(backend: Backend) -> Router {
    Router::new()
        .route("/hello", get(hello))
        .route("/plain", get(plain))
        .route("/anybody", get(anybody))
        .layer(provide(backend))
}

/// An application that listens on a socket of its own until this is dropped.
struct Served {
    path: PathBuf,
    task: JoinHandle<()>,
}

fn listen() -> (UnixListener, PathBuf) {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!(
        "traffik-{}-{}.sock",
        std::process::id(),
        NEXT.fetch_add(1, Relaxed)
    );
    let path = std::env::temp_dir().join(name);
    (UnixListener::bind(&path).unwrap(), path)
}

impl Served {
    fn start(backend: Backend) -> Self {
        let (listener, path) = listen();
        let app = router(backend).into_make_service_with_connect_info::<PeerAddr>();
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { path, task }
    }

    /// Returns the status and the body of a request with these header lines.
    async fn ask(&self, path: &str, fields: &str) -> (u16, String) {
        let stream = UnixStream::connect(&self.path).await.unwrap();
        ask(stream, path, fields).await
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn ask<S>(mut stream: S, path: &str, fields: &str) -> (u16, String)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n{fields}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

fn forwarded(client: &str) -> String {
    format!("x-forwarded-for: {client}\r\n")
}

#[tokio::test]
async fn a_trusted_unix_socket_tells_who_its_clients_are() {
    let app = Served::start(Backend::memory());
    for (client, expected) in [
        ("203.0.113.7", 200),
        ("203.0.113.7", 429),
        ("203.0.113.8", 200),
        // Only what the proxy itself appended is believed.
        ("203.0.113.9, 203.0.113.7", 429),
        ("unknown, 203.0.113.8", 429),
    ] {
        let (status, _) = app.ask("/hello", &forwarded(client)).await;
        assert_eq!(status, expected, "{client}");
    }
}

#[tokio::test]
async fn a_backend_trusts_unix_sockets_for_all_its_throttles() {
    let app = Served::start(Backend::memory().trusted_proxies(["10.0.0.0/8", "unix"]));
    for (client, expected) in [
        ("203.0.113.7", 200),
        ("203.0.113.7", 429),
        ("203.0.113.7, 10.0.0.1", 429),
        ("203.0.113.8, 10.0.0.1", 200),
    ] {
        let (status, _) = app.ask("/plain", &forwarded(client)).await;
        assert_eq!(status, expected, "{client}");
    }
}

#[tokio::test]
async fn a_unix_socket_without_an_address_is_an_error_that_says_what_to_do() {
    let app = Served::start(Backend::memory());
    // Not trusted, and trusted without a client that can be read.
    for (path, fields, remedy) in [
        (
            "/plain",
            forwarded("203.0.113.7"),
            r#"trusted_proxies([\"unix\"])"#,
        ),
        ("/hello", String::new(), "`x-forwarded-for`"),
        ("/hello", forwarded("unknown"), "`x-forwarded-for`"),
    ] {
        let (status, body) = app.ask(path, &fields).await;
        assert_eq!(status, 500, "{path} {fields}");
        assert!(
            body.contains("Unix socket") && body.contains(remedy),
            "{path}: {body}"
        );
        assert!(body.contains("Identity::ip_or"), "{path}: {body}");
    }
}

#[tokio::test]
async fn who_has_no_address_at_all_can_share_a_budget() {
    let app = Served::start(Backend::memory());
    let nobody = || app.ask("/anybody", "");
    assert_eq!([nobody().await.0, nobody().await.0], [200, 429]);

    let trusting = Served::start(Backend::memory().trusted_proxies(["unix"]));
    for (fields, expected) in [
        (forwarded("203.0.113.7"), 200),
        (forwarded("203.0.113.7"), 429),
        (forwarded("203.0.113.8"), 200),
        (String::new(), 200),
        (forwarded("unknown"), 429),
        (String::new(), 429),
    ] {
        let (status, _) = trusting.ask("/anybody", &fields).await;
        assert_eq!(status, expected, "{fields}");
    }
}

/// Without connect info, and with a client of the application's own of that name.
#[tokio::test]
async fn the_shared_budget_of_those_without_an_address_is_theirs_alone() {
    throttles! {
        throttle Any(rate = "1/10w", identifier = either);
    }
    fn either(parts: &Parts) -> Identity {
        let user = parts.headers.get("x-user");
        user.map_or_else(|| Identity::ip_or("anonymous"), Identity::new)
    }
    let app = Router::new()
        .route("/", get(async || "hello"))
        .layer(ThrottleLayer::new().throttle::<Any>())
        .layer(provide(Backend::memory()));
    let status = async |app: &Router, user: Option<&str>| {
        let mut request = Request::get("/");
        if let Some(user) = user {
            request = request.header("x-user", user);
        }
        let request = request.body(axum::body::Body::empty()).unwrap();
        app.clone()
            .oneshot(request)
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(
        [status(&app, None).await, status(&app, None).await],
        [200, 429]
    );
    assert_eq!(status(&app, Some("anonymous")).await, 200);
    // Whoever has an address is known by it.
    for (client, expected) in [(1, 200), (2, 200), (1, 429)] {
        let peer = MockConnectInfo(SocketAddr::from(([192, 0, 2, client], 1)));
        assert_eq!(
            status(&app.clone().layer(peer), None).await,
            expected,
            "{client}"
        );
    }
    // And where there is no request there is no address either.
    let jobs = traffik::DynThrottle::builder("jobs").rate("1/10w".parse().unwrap());
    let jobs = jobs.backend(Backend::memory()).build().unwrap();
    assert!(
        jobs.hit(&Identity::ip_or("anonymous"), 1)
            .await
            .unwrap()
            .admitted
    );
    assert!(
        !jobs
            .hit(&Identity::ip_or("anonymous"), 1)
            .await
            .unwrap()
            .admitted
    );
    assert!(jobs.hit(&Identity::ip(), 1).await.is_err());
}

/// The application over TCP instead of a Unix socket.
#[tokio::test]
async fn a_peer_over_tcp_is_known_by_its_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = router(Backend::memory()).into_make_service_with_connect_info::<PeerAddr>();
    let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    // `unix` trusts nobody over TCP: the header is a client's own.
    for (path, client, expected) in [
        ("/hello", "203.0.113.7", 200),
        ("/hello", "203.0.113.8", 429),
        ("/plain", "203.0.113.7", 200),
        ("/plain", "203.0.113.8", 429),
    ] {
        let stream = TcpStream::connect(address).await.unwrap();
        let (status, _) = ask(stream, path, &forwarded(client)).await;
        assert_eq!(status, expected, "{path} {client}");
    }
    task.abort();
}

/// A tapped listener tells the address of its kind.
#[tokio::test]
async fn a_tapped_listener_has_peers_too() {
    let (listener, path) = listen();
    let app = router(Backend::memory()).into_make_service_with_connect_info::<unix::SocketAddr>();
    let serve = axum::serve(listener.tap_io(|_| {}), app);
    let task = tokio::spawn(async move { serve.await.unwrap() });
    for expected in [200, 429] {
        let stream = UnixStream::connect(&path).await.unwrap();
        let (status, _) = ask(stream, "/hello", &forwarded("203.0.113.7")).await;
        assert_eq!(status, expected);
    }
    task.abort();
    let _ = std::fs::remove_file(path);
}

#[tokio::test]
async fn a_peer_can_be_mocked() {
    for (peer, expected) in [
        (PeerAddr::Unix, 500),
        (SocketAddr::from(([192, 0, 2, 1], 1)).into(), 200),
    ] {
        let app = router(Backend::memory()).layer(MockConnectInfo(peer));
        let request = Request::get("/plain")
            .body(axum::body::Body::empty())
            .unwrap();
        let status = app.oneshot(request).await.unwrap().status();
        assert_eq!(status, expected, "{peer:?}");
    }
}
