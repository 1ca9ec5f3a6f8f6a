//! Identifiers of clients, from every kind of function and from headers.

use std::net::IpAddr;

use axum::Router;
use axum::http::request::Parts;
use axum::routing::get;
use http::HeaderValue;
use http::header::ToStrError;
use traffik::{Identity, provide, throttled};
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
