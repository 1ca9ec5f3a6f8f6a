//! Identifiers of clients, from every kind of function and from headers.

use std::net::IpAddr;

use axum::Router;
use axum::http::request::Parts;
use axum::routing::get;
use http::HeaderValue;
use http::header::ToStrError;
use traffik::{DynThrottle, Identity, Priority, provide, throttled};
use traffik_tests::{Server, midnight};

fn name(parts: &Parts) -> &str {
    let name = parts
        .headers
        .get("x-name")
        .and_then(|name| name.to_str().ok());
    name.unwrap_or("anonymous")
}

fn by_str(parts: &Parts) -> &str {
    name(parts)
}

pub(crate) fn by_string(parts: &Parts) -> String {
    name(parts).to_owned()
}

fn by_number(parts: &Parts) -> u64 {
    name(parts).len() as u64
}

fn by_address(parts: &Parts) -> IpAddr {
    IpAddr::from([10, 0, 0, u8::try_from(name(parts).len()).unwrap_or(0)])
}

async fn by_future(parts: &Parts) -> Identity {
    tokio::task::yield_now().await;
    Identity::new(name(parts))
}

fn by_result(parts: &Parts) -> Result<Identity, ToStrError> {
    let name = parts.headers.get("x-name").map(HeaderValue::to_str);
    name.transpose()
        .map(|name| Identity::new(name.unwrap_or("anonymous")))
}

async fn by_future_result(parts: &Parts) -> Result<String, std::io::Error> {
    Ok(name(parts).to_owned())
}

/// Counts each client by its address and the name that it gives.
fn by_address_and_name(parts: &Parts) -> Identity {
    Identity::ip().and(name(parts))
}

mod nested {
    pub(crate) mod deeper {
        pub(crate) use super::super::by_string as caller;
    }
}

macro_rules! identified {
    ($($function:ident = $identifier:path),+ $(,)?) => {$(
        #[throttled(rate = "1/minute", identifier = $identifier)]
        async fn $function() {}
    )+};
}

identified! {
    of_str = by_str,
    of_string = by_string,
    of_number = by_number,
    of_address = by_address,
    of_address_and_name = by_address_and_name,
    of_future = by_future,
    of_result = by_result,
    of_future_result = by_future_result,
    of_path = self::nested::deeper::caller,
}

#[throttled(rate = "1/minute", identifier = header("X-Name"))]
async fn header() {}

#[throttled(rate = "1/minute", identifier = everyone)]
async fn everyone() {}

#[throttled(rate = "1/minute", identifier = ip)]
async fn ip() {}

async fn serve() -> Server {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/str", get(of_str))
        .route("/string", get(of_string))
        .route("/number", get(of_number))
        .route("/address", get(of_address))
        .route("/address_and_name", get(of_address_and_name))
        .route("/future", get(of_future))
        .route("/result", get(of_result))
        .route("/future_result", get(of_future_result))
        .route("/path", get(of_path))
        .route("/header", get(header))
        .route("/everyone", get(everyone))
        .route("/ip", get(ip));
    Server::start(app.layer(provide(backend))).await
}

#[tokio::test]
async fn distinguishes_clients_by_any_return_type() {
    let server = serve().await;
    let paths = [
        "/str",
        "/string",
        "/number",
        "/address",
        "/address_and_name",
        "/future",
        "/result",
        "/future_result",
        "/path",
        "/header",
    ];
    for path in paths {
        for (name, status) in [("ann", 200), ("ann", 429), ("bertha", 200), ("ann", 429)] {
            assert_eq!(
                server.get_with(path, "x-name", name).await.status,
                status,
                "{path} {name}"
            );
        }
    }
}

#[tokio::test]
async fn identifies_everyone_or_an_address() {
    let server = serve().await;
    for path in ["/everyone", "/ip"] {
        assert_eq!(server.get_with(path, "x-name", "ann").await.status, 200);
        assert_eq!(server.get_with(path, "x-name", "bertha").await.status, 429);
    }
}

#[tokio::test]
async fn falls_back_to_the_address_without_the_header() {
    let server = serve().await;
    assert_eq!(server.get("/header").await.status, 200);
    assert_eq!(server.get("/header").await.status, 429);
    // An empty value counts as none; a value that is an address is another client.
    assert_eq!(server.get_with("/header", "x-name", "").await.status, 429);
    assert_eq!(
        server
            .get_with("/header", "x-name", "127.0.0.1")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn compares_header_values_as_bytes() {
    let server = serve().await;
    let values: [&[u8]; 6] = [b"a", b"A", b"a b", b"a:b", b"\xff\xfe", b"\xff"];
    for status in [200, 429] {
        for value in values {
            let request = server
                .request(http::Method::GET, "/header")
                .header("x-name", value);
            assert_eq!(
                traffik_tests::TestResponse::of_request(request)
                    .await
                    .status,
                status,
                "{value:?}"
            );
        }
    }
}

/// Two joined clients are another client than either, than the other order, and than their texts
/// joined.
#[tokio::test]
async fn counts_joined_clients_apart() {
    let (backend, _) = midnight();
    let rate = "1/minute".parse().unwrap();
    let throttle = DynThrottle::builder("identifiers::joined").rate(rate);
    let throttle = throttle.backend(backend).build().unwrap();
    let address = IpAddr::from([192, 0, 2, 7]);
    let clients = [
        Identity::new("a"),
        Identity::new("b"),
        Identity::new("ab"),
        Identity::new("a, b"),
        Identity::new("a").and("b"),
        Identity::new("b").and("a"),
        Identity::new("a").and("b").and("c"),
        Identity::new("a").and(Identity::new("b").and("c")),
        Identity::from(address),
        Identity::from(address).and("a"),
        Identity::new("192.0.2.7").and("a"),
        Identity::everyone().and("a"),
        Identity::ip_or("a").and("b"),
    ];
    for client in &clients {
        let admits = async || throttle.hit(client, 1).await.unwrap().admitted;
        assert!(admits().await, "{client} is another client");
        assert!(!admits().await, "{client} is forgotten");
    }
    let exempt = Identity::new("a").and(Identity::Exempt);
    assert_eq!(exempt, Identity::Exempt);
    assert_eq!(Identity::Exempt.and("a"), Identity::Exempt);
}

/// Tier and priority are those of the first, the tier of the other where it has none.
#[test]
fn keeps_the_tier_and_priority_of_the_first() {
    let high = Identity::new("a").tier("gold").priority(Priority::High);
    let low = Identity::new("b").tier("free").priority(Priority::Low);
    let both = Identity::new("a").and("b");
    let joined = high.clone().and(low.clone());
    assert_eq!(joined, both.clone().tier("gold").priority(Priority::High));
    assert_eq!(Identity::new("a").and(low), both.tier("free"));
}
