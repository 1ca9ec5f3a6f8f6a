//! Clients behind proxies, by the settings of backends and identifiers, over HTTP.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use tower::ServiceExt as _;
use traffik::{
    Backend, ClientIp, ErrorKind, ForwardingHeader, Identity, MemoryBackend, Throttle as _,
    provide, throttled,
};
use traffik_tests::{Server, head, midnight, peer};

#[throttled(rate = "1/minute")]
async fn hello() {}

#[throttled(rate = "1/minute", identifier = header("x-api-key"))]
async fn keyed() {}

#[throttled(
    rate = "1/minute",
    identifier = ip(trusted = ["192.0.2.0/24"], header = forwarded, prefix = 48)
)]
async fn own() {}

#[throttled(rate = "1/minute", identifier = ip(prefix = 32))]
async fn coarse() {}

fn app(backend: Backend) -> Router {
    let app = Router::new()
        .route("/", get(hello))
        .route("/keyed", get(keyed))
        .route("/own", get(own))
        .route("/coarse", get(coarse));
    app.layer(provide(backend))
}

async fn status(app: &Router, path: &str, from: &str, fields: &[(&str, &str)]) -> u16 {
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    request.extensions_mut().insert(peer(from));
    for (name, value) in fields {
        let name = http::HeaderName::try_from(*name).unwrap();
        request.headers_mut().append(name, value.parse().unwrap());
    }
    app.clone()
        .oneshot(request)
        .await
        .unwrap()
        .status()
        .as_u16()
}

#[tokio::test]
async fn reads_the_client_that_a_proxy_names() {
    let (backend, _) = midnight();
    let backend = backend.trusted_proxies(["127.0.0.0/8"]);
    let server = Server::start(app(backend)).await;
    let send = |value: &'static str| server.get_with("/", "x-forwarded-for", value);
    assert_eq!(send("203.0.113.7").await.status, 200);
    assert_eq!(send("203.0.113.8").await.status, 200);
    // A forged address on the left, a port, and another trusted hop: the client stays the same.
    for again in [
        "203.0.113.7",
        "198.51.100.1, 203.0.113.7",
        "203.0.113.7:4711",
        "203.0.113.7, 127.0.0.2",
        "::ffff:203.0.113.7",
    ] {
        assert_eq!(send(again).await.status, 429, "{again}");
    }
}

#[tokio::test]
async fn identifies_the_peer_without_trusted_proxies() {
    let (backend, _) = midnight();
    let server = Server::start(app(backend)).await;
    for (value, expected) in [("203.0.113.7", 200), ("203.0.113.8", 429)] {
        let response = server.get_with("/", "x-forwarded-for", value).await;
        assert_eq!(response.status, expected, "{value}");
    }
}

#[tokio::test]
async fn does_not_read_other_headers() {
    let (backend, _) = midnight();
    let real_ip = ClientIp::new().trusted(["10.0.0.0/8"]);
    let app = app(backend.client_ip(real_ip.header(ForwardingHeader::XRealIp)));
    let real = |address| [("x-real-ip", address), ("x-forwarded-for", "198.51.100.1")];
    assert_eq!(
        status(&app, "/", "10.0.0.1:1", &real("203.0.113.7")).await,
        200
    );
    assert_eq!(
        status(&app, "/", "10.0.0.1:1", &real("203.0.113.8")).await,
        200
    );
    assert_eq!(
        status(&app, "/", "10.0.0.1:1", &real("203.0.113.7")).await,
        429
    );
    // From another address the header is not trusted.
    assert_eq!(
        status(&app, "/", "192.0.2.1:1", &real("203.0.113.9")).await,
        200
    );
    assert_eq!(
        status(&app, "/", "192.0.2.1:1", &real("203.0.113.6")).await,
        429
    );
}

#[tokio::test]
async fn falls_back_to_the_address_that_the_backend_finds() {
    let (backend, _) = midnight();
    let app = app(backend.trusted_proxies(["10.0.0.1"]));
    let of = |address| [("x-forwarded-for", address)];
    assert_eq!(
        status(&app, "/keyed", "10.0.0.1:1", &of("203.0.113.7")).await,
        200
    );
    assert_eq!(
        status(&app, "/keyed", "10.0.0.1:1", &of("203.0.113.8")).await,
        200
    );
    assert_eq!(
        status(&app, "/keyed", "10.0.0.1:1", &of("203.0.113.7")).await,
        429
    );
}

#[tokio::test]
async fn prefers_the_identifier_of_the_throttle() {
    let (backend, _) = midnight();
    let app = app(backend.trusted_proxies(["10.0.0.0/8"]));
    let of = |address| [("forwarded", address), ("x-forwarded-for", "198.51.100.1")];
    let mine = of("for=\"[2001:db8:1:2::1]:80\"");
    let near = of("for=\"[2001:db8:1:3::1]:80\"");
    let other = of("for=\"[2001:db8:2::1]:80\"");
    assert_eq!(status(&app, "/own", "192.0.2.1:1", &mine).await, 200);
    assert_eq!(status(&app, "/own", "192.0.2.1:1", &near).await, 429);
    assert_eq!(status(&app, "/own", "192.0.2.1:1", &other).await, 200);
    // This throttle does not trust what the backend trusts.
    assert_eq!(
        status(&app, "/own", "10.0.0.1:1", &of("for=203.0.113.7")).await,
        200
    );
    assert_eq!(
        status(&app, "/own", "10.0.0.1:1", &of("for=203.0.113.8")).await,
        429
    );
    assert_eq!(status(&app, "/coarse", "[2001:db8::1]:1", &[]).await, 200);
    assert_eq!(status(&app, "/coarse", "[2001:db8:9::1]:1", &[]).await, 429);
    assert_eq!(status(&app, "/coarse", "[2001:db9::1]:1", &[]).await, 200);
}

#[tokio::test]
async fn reads_no_header_without_a_peer() {
    let (backend, _) = midnight();
    let app = app(backend.trusted_proxies(["0.0.0.0/0", "::/0"]));
    let request = Request::get("/").header("x-forwarded-for", "203.0.113.7");
    let response = app.oneshot(request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.unwrap().status(), 500);
}

#[tokio::test]
async fn identifies_clients_by_the_handle_of_a_backend() {
    let (backend, _) = midnight();
    let proxied = backend.clone().trusted_proxies(["192.0.2.1"]);
    let mut parts = head(&proxied);
    parts
        .headers
        .insert("x-forwarded-for", "203.0.113.7".parse().unwrap());
    assert!(hello::hit(&parts).await.unwrap().admitted);
    assert!(!hello::hit(&parts).await.unwrap().admitted);
    // The states are shared, and the peer is a client of its own.
    parts.extensions.insert(backend.clone());
    assert!(hello::hit(&parts).await.unwrap().admitted);
    // The client without the proxy is the client behind it.
    let mut parts = head(&backend);
    parts.extensions.insert(peer("203.0.113.7:9"));
    assert!(!hello::hit(&parts).await.unwrap().admitted);
}

/// Wildcard proxies are reported by every decision, however the backend was built.
#[tokio::test]
async fn reports_malformed_proxies_in_every_decision() {
    let builder = MemoryBackend::builder();
    let wrong = [
        Backend::memory().trusted_proxies(["10.0.0.0/8", "proxy.internal"]),
        builder.clone().trusted_proxies(["proxy.internal"]).build(),
        builder
            .client_ip(ClientIp::new().trusted(["proxy.internal"]))
            .build(),
        Backend::memory()
            .trusted_proxies(["proxy.internal"])
            .trusted_proxies(["::1"]),
    ];
    for backend in wrong {
        let parts = head(&backend);
        let errors = [
            backend.ready().await.unwrap_err(),
            hello::hit(&parts).await.unwrap_err(),
            hello::check(&parts, 1).await.unwrap_err(),
            hello::stat(&parts).await.map(drop).unwrap_err(),
            keyed::hit(&parts).await.unwrap_err(),
            <(hello, coarse)>::hit(&parts).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(error.to_string().contains("`proxy.internal`"), "{error}");
        }
        let throttle = traffik::DynThrottle::builder("jobs").rate("1/s".parse().unwrap());
        let throttle = throttle.backend(backend.clone()).build().unwrap();
        let error = throttle.hit(&Identity::new("job"), 1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert_eq!(status(&app(backend), "/", "192.0.2.1:1", &[]).await, 500);
    }
    let wrong = Backend::redis("redis://127.0.0.1:1").trusted_proxies(["*"]);
    let error = wrong.connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("`*`"), "{error}");
}
