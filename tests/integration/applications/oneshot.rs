//! An application that its author tests without a socket, by `oneshot`.

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
    /// Reads, for each address.
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

/// Not throttled; what fails is answered by the library.
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

fn of(client: u8) -> MockConnectInfo<SocketAddr> {
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
async fn clients_are_mocked_and_time_is_the_tests() {
    let clock = ManualClock::new();
    let app = app(Backend::memory().clock(clock.clone()));
    for expected in [200, 200, 200, 429] {
        let response = send(app.clone().layer(of(1)), "/7").await;
        assert_eq!(response.status(), expected);
    }
    assert_eq!(send(app.clone().layer(of(2)), "/7").await.status(), 200);
    assert_eq!(
        text(send(app.clone().layer(of(1)), "/left").await).await,
        "0"
    );
    clock.advance(Duration::from_secs(60));
    assert_eq!(send(app.clone().layer(of(1)), "/7").await.status(), 200);
    assert_eq!(text(send(app.layer(of(1)), "/left").await).await, "2");
}

#[tokio::test]
async fn a_body_is_priced() {
    let app = app(Backend::memory().clock(ManualClock::new())).layer(of(1));
    let write = async |items: Value| {
        let request = Request::post("/").header("content-type", "application/json");
        let request = request.body(Body::from(items.to_string())).unwrap();
        app.clone().oneshot(request).await.unwrap().status()
    };
    assert_eq!(write(json!([1])).await, 201);
    assert_eq!(write(json!([1])).await, 429);
    assert_eq!(write(json!([])).await, 201);
}

/// The first mistake of a new user: nothing says where the requests come from.
#[tokio::test]
async fn without_an_address_the_response_says_what_to_do() {
    let app = app(Backend::memory());
    for path in ["/7", "/left"] {
        let response = send(app.clone(), path).await;
        assert_eq!(response.status(), 500);
        let content = response.headers()["content-type"].clone();
        assert_eq!(content, "application/problem+json");
        let problem: Value = serde_json::from_str(&text(response).await).unwrap();
        assert_eq!(problem["status"], 500);
        let detail = problem["detail"].as_str().unwrap();
        // Tests are debug builds; in a release build the client learns nothing of the server.
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

/// A uid is the application's own text, and the problem stays one whatever it is.
#[tokio::test]
async fn a_uid_of_any_text_leaves_the_problem_readable() {
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

/// An error of the library is a response as its rejection is.
#[tokio::test]
async fn an_error_is_the_response_that_its_rejection_is() {
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

/// A request may also carry the peer itself.
#[tokio::test]
async fn the_peer_stands_in_the_request() {
    let app = app(Backend::memory().clock(ManualClock::new()));
    let mut request = Request::get("/7").body(Body::empty()).unwrap();
    let peer = SocketAddr::from(([192, 0, 2, 1], 1));
    request.extensions_mut().insert(ConnectInfo(peer));
    assert_eq!(app.oneshot(request).await.unwrap().status(), 200);
}
