//! Which addresses are one client.

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
async fn asked() {}

#[throttled(rate = "1/minute", identifier = header("x-name"))]
async fn named() {}

fn app() -> Router {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/", get(hello))
        .route("/asked", get(asked))
        .route("/named", get(named));
    app.layer(provide(backend))
}

async fn status(app: &Router, path: &str, peer: &str) -> u16 {
    let peer: SocketAddr = peer.parse().unwrap();
    let app = app.clone().layer(MockConnectInfo(peer));
    let request = Request::get(path).body(Body::empty()).unwrap();
    app.oneshot(request).await.unwrap().status().as_u16()
}

/// Whether the second is refused because the first was there.
async fn same(first: &str, second: &str) -> bool {
    let app = app();
    let mut refused = [false; 2];
    for (path, refused) in ["/", "/asked"].into_iter().zip(&mut refused) {
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
async fn a_port_does_not_make_a_client() {
    assert!(same("192.0.2.1:1", "192.0.2.1:65535").await);
    assert!(same("[2001:db8::1]:1", "[2001:db8::1]:2").await);
}

#[tokio::test]
async fn every_ipv4_address_is_a_client() {
    assert!(!same("192.0.2.1:1", "192.0.2.2:1").await);
}

#[tokio::test]
async fn an_ipv6_network_of_64_bits_is_a_client() {
    assert!(
        same(
            "[2001:db8:0:1::1]:1",
            "[2001:db8:0:1:ffff:ffff:ffff:ffff]:1"
        )
        .await
    );
    assert!(!same("[2001:db8:0:1::1]:1", "[2001:db8:0:2::1]:1").await);
}

#[tokio::test]
async fn an_ipv4_address_in_ipv6_clothes_is_the_ipv4_address() {
    assert!(same("192.0.2.1:1", "[::ffff:192.0.2.1]:1").await);
    assert!(!same("[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.2]:1").await);
    // Neither of them is IPv4-mapped, though the last 32 bits look like it.
    assert!(!same("192.0.2.1:1", "[::192.0.2.1]:1").await);
    assert!(!same("192.0.2.1:1", "[64:ff9b::192.0.2.1]:1").await);
}

#[tokio::test]
async fn a_zone_does_not_make_a_client() {
    assert!(same("[fe80::1%1]:1", "[fe80::1%2]:1").await);
}

#[tokio::test]
async fn clients_without_the_header_are_told_apart_by_their_addresses() {
    let app = app();
    assert_eq!(status(&app, "/named", "192.0.2.1:1").await, 200);
    assert_eq!(status(&app, "/named", "192.0.2.2:1").await, 200);
    assert_eq!(status(&app, "/named", "192.0.2.1:2").await, 429);
}
