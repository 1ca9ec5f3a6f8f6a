//! An application that its author tests without a socket, through `oneshot`.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::connect_info::MockConnectInfo;
use axum::extract::{ConnectInfo, Path};
use axum::http::request::Parts;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use traffik::{Backend, Error, ManualClock, Throttle as _, provide, throttled, throttles};

throttles! {
    /// Limits reads by address.
    throttle Reads(rate = "3/minute");
}

#[throttled(Reads)]
async fn read(Path(id): Path<u64>) -> Json<u64> {
    Json(id)
}

#[throttled(rate = "1/minute", cost = |items| items.len())]
async fn write(Json(items): Json<Vec<u64>>) -> StatusCode {
    let _ = items;
    StatusCode::CREATED
}

/// This handler is not throttled; traffik turns the error into a response.
async fn left(parts: Parts) -> Result<String, Error> {
    Ok(Reads::stat(&parts).await?.hits_remaining.to_string())
}

fn app(backend: Backend) -> Router {
    Router::new()
        .route("/{id}", get(read))
        .route("/", post(write))
        .route("/left", get(left))
        .layer(provide(backend))
}

fn mock_client(client: u8) -> MockConnectInfo<SocketAddr> {
    MockConnectInfo(SocketAddr::from(([192, 0, 2, client], 1)))
}

async fn send(app: Router, path: &str) -> Response {
    let request = Request::get(path).body(Body::empty()).unwrap();
    app.oneshot(request).await.unwrap()
}

async fn text(response: Response) -> String {
    let body = to_bytes(response.into_body(), 10_000).await.unwrap();
    String::from_utf8(body.into()).unwrap()
}

#[tokio::test]
async fn uses_mocked_clients_and_a_manual_clock() {
    let clock = ManualClock::new();
    let app = app(Backend::memory().clock(clock.clone()));
    for expected in [200, 200, 200, 429] {
        let response = send(app.clone().layer(mock_client(1)), "/7").await;
        assert_eq!(response.status(), expected);
    }
    assert_eq!(
        send(app.clone().layer(mock_client(2)), "/7").await.status(),
        200
    );
    assert_eq!(
        text(send(app.clone().layer(mock_client(1)), "/left").await).await,
        "0"
    );
    clock.advance(Duration::from_secs(60));
    assert_eq!(
        send(app.clone().layer(mock_client(1)), "/7").await.status(),
        200
    );
    assert_eq!(
        text(send(app.layer(mock_client(1)), "/left").await).await,
        "2"
    );
}

#[tokio::test]
async fn charges_the_cost_of_the_body() {
    let app = app(Backend::memory().clock(ManualClock::new())).layer(mock_client(1));
    let write = async |items: Value| {
        let request = Request::post("/").header("content-type", "application/json");
        let request = request.body(Body::from(items.to_string())).unwrap();
        app.clone().oneshot(request).await.unwrap().status()
    };
    assert_eq!(write(json!([1])).await, 201);
    assert_eq!(write(json!([1])).await, 429);
    assert_eq!(write(json!([])).await, 201);
}

/// A new user's first mistake: nothing provides the address of the client.
#[tokio::test]
async fn explains_in_the_response_that_the_address_is_missing() {
    let app = app(Backend::memory());
    for path in ["/7", "/left"] {
        let response = send(app.clone(), path).await;
        assert_eq!(response.status(), 500);
        let content = response.headers()["content-type"].clone();
        assert_eq!(content, "application/problem+json");
        let problem: Value = serde_json::from_str(&text(response).await).unwrap();
        assert_eq!(problem["status"], 500);
        let detail = problem["detail"].as_str().unwrap();
        // Tests are debug builds; a release build reveals nothing about the server.
        for part in [
            "Reads",
            "into_make_service_with_connect_info::<SocketAddr>()",
            "MockConnectInfo",
        ] {
            assert_eq!(
                detail.contains(part),
                cfg!(debug_assertions),
                "{path}: {detail}"
            );
        }
    }
}

/// A uid is arbitrary text of the application, and the problem details stay valid JSON.
#[tokio::test]
async fn writes_valid_problem_details_for_any_uid() {
    #[throttled(rate = "1/minute", uid = "my \"limit\"\\ \n")]
    async fn quoted() {}

    let app = Router::new()
        .route("/", get(quoted))
        .layer(provide(Backend::memory()));
    let response = send(app, "/").await;
    let problem: Value = serde_json::from_str(&text(response).await).unwrap();
    let detail = problem["detail"].as_str().unwrap();
    assert_eq!(
        detail.contains("my \"limit\"\\ \n"),
        cfg!(debug_assertions),
        "{detail}"
    );
}

/// An `Error` becomes the response of its `Rejection`.
#[tokio::test]
async fn turns_an_error_into_the_response_of_its_rejection() {
    async fn error() -> Error {
        Error::Timeout {
            after: Duration::from_millis(250),
        }
    }
    async fn rejection() -> traffik::Rejection {
        error().await.into()
    }
    let app = Router::new()
        .route("/error", get(error))
        .route("/rejection", get(rejection));
    let (error, rejection) = (
        send(app.clone(), "/error").await,
        send(app, "/rejection").await,
    );
    assert_eq!(
        (error.status(), error.headers()),
        (rejection.status(), rejection.headers())
    );
    assert_eq!(error.status(), 503);
    assert_eq!(error.headers()["retry-after"], "1");
    assert_eq!(text(error).await, text(rejection).await);
}

/// A request may contain the peer's address as an extension.
#[tokio::test]
async fn reads_the_peer_from_the_extensions_of_a_request() {
    let app = app(Backend::memory().clock(ManualClock::new()));
    let mut request = Request::get("/7").body(Body::empty()).unwrap();
    let peer = SocketAddr::from(([192, 0, 2, 1], 1));
    request.extensions_mut().insert(ConnectInfo(peer));
    assert_eq!(app.oneshot(request).await.unwrap().status(), 200);
}
