//! Grouping of addresses into clients.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::MockConnectInfo;
use axum::http::request::Parts;
use axum::routing::get;
use http::Request;
use tower::ServiceExt as _;
use traffik::{Identity, provide, throttled};
use traffik_tests::midnight;

#[throttled(rate = "1/minute")]
async fn hello() {}

fn by_function(_: &Parts) -> Identity {
    Identity::ip()
}

#[throttled(rate = "1/minute", identifier = by_function)]
async fn with_function() {}

#[throttled(rate = "1/minute", identifier = header("x-name"))]
async fn with_header() {}

fn app() -> Router {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/", get(hello))
        .route("/with_function", get(with_function))
        .route("/named", get(with_header));
    app.layer(provide(backend))
}

async fn status(app: &Router, path: &str, peer: &str) -> u16 {
    let peer: SocketAddr = peer.parse().unwrap();
    let app = app.clone().layer(MockConnectInfo(peer));
    let request = Request::get(path).body(Body::empty()).unwrap();
    app.oneshot(request).await.unwrap().status().as_u16()
}

/// Reports that the second address is refused after a hit of the first.
async fn are_one_client(first: &str, second: &str) -> bool {
    let app = app();
    let mut refused = [false; 2];
    for (path, refused) in ["/", "/with_function"].into_iter().zip(&mut refused) {
        assert_eq!(status(&app, path, first).await, 200);
        *refused = status(&app, path, second).await == 429;
    }
    assert_eq!(
        refused[0], refused[1],
        "`ip` and `Identity::ip()` are the same"
    );
    refused[0]
}

#[tokio::test]
async fn ignores_the_port() {
    assert!(are_one_client("192.0.2.1:1", "192.0.2.1:65535").await);
    assert!(are_one_client("[2001:db8::1]:1", "[2001:db8::1]:2").await);
}

#[tokio::test]
async fn counts_every_ipv4_address_separately() {
    assert!(!are_one_client("192.0.2.1:1", "192.0.2.2:1").await);
}

#[tokio::test]
async fn counts_an_ipv6_network_of_64_bits_as_one_client() {
    assert!(
        are_one_client(
            "[2001:db8:0:1::1]:1",
            "[2001:db8:0:1:ffff:ffff:ffff:ffff]:1"
        )
        .await
    );
    assert!(!are_one_client("[2001:db8:0:1::1]:1", "[2001:db8:0:2::1]:1").await);
}

#[tokio::test]
async fn counts_an_ipv4_mapped_address_as_the_ipv4_address() {
    assert!(are_one_client("192.0.2.1:1", "[::ffff:192.0.2.1]:1").await);
    assert!(!are_one_client("[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.2]:1").await);
    // Neither address is IPv4-mapped, though their last 32 bits look so.
    assert!(!are_one_client("192.0.2.1:1", "[::192.0.2.1]:1").await);
    assert!(!are_one_client("192.0.2.1:1", "[64:ff9b::192.0.2.1]:1").await);
}

#[tokio::test]
async fn ignores_the_zone() {
    assert!(are_one_client("[fe80::1%1]:1", "[fe80::1%2]:1").await);
}

#[tokio::test]
async fn distinguishes_clients_without_the_header_by_their_addresses() {
    let app = app();
    assert_eq!(status(&app, "/named", "192.0.2.1:1").await, 200);
    assert_eq!(status(&app, "/named", "192.0.2.2:1").await, 200);
    assert_eq!(status(&app, "/named", "192.0.2.1:2").await, 429);
}
