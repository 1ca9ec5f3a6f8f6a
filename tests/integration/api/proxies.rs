//! Clients behind trusted proxies.

use axum::Router;
use axum::routing::get;
use traffik::{Backend, provide, throttled};
use traffik_tests::Server;

#[throttled(rate = "1/day")]
async fn by_backend() {}

#[throttled(rate = "1/day", identifier = ip(trusted = ["127.0.0.0/8"], header = forwarded))]
async fn by_itself() {}

#[tokio::test]
async fn distinguishes_clients_behind_proxies() {
    let backend = Backend::memory().trusted_proxies(["10.0.0.0/8", "127.0.0.0/8"]);
    let app = Router::new()
        .route("/backend", get(by_backend))
        .route("/itself", get(by_itself));
    let server = Server::start(app.layer(provide(backend))).await;
    for (chain, status) in [
        ("203.0.113.7, 10.1.2.3", 200),
        ("198.51.100.1, 203.0.113.7, 10.1.2.3", 429),
        ("203.0.113.8", 200),
        ("[2001:db8::1]:4711", 200),
        ("2001:db8::2", 429),
        ("::ffff:203.0.113.8", 429),
    ] {
        let response = server.get_with("/backend", "x-forwarded-for", chain).await;
        assert_eq!(response.status, status, "{chain}");
    }
    for (chain, status) in [
        ("for=203.0.113.7", 200),
        ("for=\"203.0.113.7:80\"", 429),
        ("for=198.51.100.1, for=203.0.113.7;proto=http", 429),
    ] {
        let response = server.get_with("/itself", "forwarded", chain).await;
        assert_eq!(response.status, status, "{chain}");
    }
}
