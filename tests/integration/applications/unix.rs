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
async fn untrusting() -> &'static str {
    "hello"
}

fn ip_or_anonymous(_: &Parts) -> Identity {
    Identity::ip_or("anonymous")
}

#[throttled(rate = "1/10w", identifier = ip_or_anonymous)]
async fn by_ip_or_anonymous() -> &'static str {
    "hello"
}

fn router(backend: Backend) -> Router {
    Router::new()
        .route("/hello", get(hello))
        .route("/untrusting", get(untrusting))
        .route("/by_ip_or_anonymous", get(by_ip_or_anonymous))
        .layer(provide(backend))
}

/// An application that listens on its own socket until this is dropped.
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

    /// Sends a request with these header lines and returns the status and the body.
    async fn send(&self, path: &str, fields: &str) -> (u16, String) {
        let stream = UnixStream::connect(&self.path).await.unwrap();
        send(stream, path, fields).await
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn send<S>(mut stream: S, path: &str, fields: &str) -> (u16, String)
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
async fn reads_clients_from_the_header_of_a_trusted_unix_socket() {
    let app = Served::start(Backend::memory());
    for (client, expected) in [
        ("203.0.113.7", 200),
        ("203.0.113.7", 429),
        ("203.0.113.8", 200),
        // Only the entry that the proxy itself appended is trusted.
        ("203.0.113.9, 203.0.113.7", 429),
        ("unknown, 203.0.113.8", 429),
    ] {
        let (status, _) = app.send("/hello", &forwarded(client)).await;
        assert_eq!(status, expected, "{client}");
    }
}

#[tokio::test]
async fn trusts_unix_sockets_for_all_throttles_of_a_backend() {
    let app = Served::start(Backend::memory().trusted_proxies(["10.0.0.0/8", "unix"]));
    for (client, expected) in [
        ("203.0.113.7", 200),
        ("203.0.113.7", 429),
        ("203.0.113.7, 10.0.0.1", 429),
        ("203.0.113.8, 10.0.0.1", 200),
    ] {
        let (status, _) = app.send("/untrusting", &forwarded(client)).await;
        assert_eq!(status, expected, "{client}");
    }
}

#[tokio::test]
async fn explains_that_a_unix_socket_has_no_address() {
    let app = Served::start(Backend::memory());
    // The socket is not trusted, or it is trusted and no client is readable.
    for (path, fields, remedy) in [
        (
            "/untrusting",
            forwarded("203.0.113.7"),
            r#"trusted_proxies([\"unix\"])"#,
        ),
        ("/hello", String::new(), "`x-forwarded-for`"),
        ("/hello", forwarded("unknown"), "`x-forwarded-for`"),
    ] {
        let (status, body) = app.send(path, &fields).await;
        assert_eq!(status, 500, "{path} {fields}");
        assert!(
            body.contains("Unix socket") && body.contains(remedy),
            "{path}: {body}"
        );
        assert!(body.contains("Identity::ip_or"), "{path}: {body}");
    }
}

#[tokio::test]
async fn shares_one_budget_among_clients_without_an_address() {
    let app = Served::start(Backend::memory());
    let send_without_client = || app.send("/by_ip_or_anonymous", "");
    assert_eq!(
        [send_without_client().await.0, send_without_client().await.0],
        [200, 429]
    );

    let trusting = Served::start(Backend::memory().trusted_proxies(["unix"]));
    for (fields, expected) in [
        (forwarded("203.0.113.7"), 200),
        (forwarded("203.0.113.7"), 429),
        (forwarded("203.0.113.8"), 200),
        (String::new(), 200),
        (forwarded("unknown"), 429),
        (String::new(), 429),
    ] {
        let (status, _) = trusting.send("/by_ip_or_anonymous", &fields).await;
        assert_eq!(status, expected, "{fields}");
    }
}

/// A client without an address is distinct from a client that the application names `unknown`.
#[tokio::test]
async fn separates_clients_without_an_address_from_named_clients() {
    throttles! {
        throttle Any(rate = "1/10w", identifier = own_or_fallback);
    }
    fn own_or_fallback(parts: &Parts) -> Identity {
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
    // A client with an address is identified by it.
    for (client, expected) in [(1, 200), (2, 200), (1, 429)] {
        let peer = MockConnectInfo(SocketAddr::from(([192, 0, 2, client], 1)));
        assert_eq!(
            status(&app.clone().layer(peer), None).await,
            expected,
            "{client}"
        );
    }
    // A throttle that is hit without a request has no address either.
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

/// Serves the application over TCP instead of a Unix socket.
#[tokio::test]
async fn identifies_a_tcp_peer_by_its_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = router(Backend::memory()).into_make_service_with_connect_info::<PeerAddr>();
    let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    // `unix` trusts no TCP peer: the client wrote the header itself.
    for (path, client, expected) in [
        ("/hello", "203.0.113.7", 200),
        ("/hello", "203.0.113.8", 429),
        ("/untrusting", "203.0.113.7", 200),
        ("/untrusting", "203.0.113.8", 429),
    ] {
        let stream = TcpStream::connect(address).await.unwrap();
        let (status, _) = send(stream, path, &forwarded(client)).await;
        assert_eq!(status, expected, "{path} {client}");
    }
    task.abort();
}

/// A tapped listener reports the same kind of address as the listener inside.
#[tokio::test]
async fn reads_the_peer_behind_a_tapped_listener() {
    let (listener, path) = listen();
    let app = router(Backend::memory()).into_make_service_with_connect_info::<unix::SocketAddr>();
    let serve = axum::serve(listener.tap_io(|_| {}), app);
    let task = tokio::spawn(async move { serve.await.unwrap() });
    for expected in [200, 429] {
        let stream = UnixStream::connect(&path).await.unwrap();
        let (status, _) = send(stream, "/hello", &forwarded("203.0.113.7")).await;
        assert_eq!(status, expected);
    }
    task.abort();
    let _ = std::fs::remove_file(path);
}

#[tokio::test]
async fn accepts_a_mocked_peer() {
    for (peer, expected) in [
        (PeerAddr::Unix, 500),
        (SocketAddr::from(([192, 0, 2, 1], 1)).into(), 200),
    ] {
        let app = router(Backend::memory()).layer(MockConnectInfo(peer));
        let request = Request::get("/untrusting")
            .body(axum::body::Body::empty())
            .unwrap();
        let status = app.oneshot(request).await.unwrap().status();
        assert_eq!(status, expected, "{peer:?}");
    }
}
