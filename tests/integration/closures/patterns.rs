//! Closure parameters name the bindings of patterns, at any depth.

use std::fmt::Display;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router, debug_handler};
use http::{HeaderMap, Method};
use serde::Deserialize;
use traffik::throttled;

use super::{Order, app, got, left, posted};

#[derive(Clone)]
struct App {
    region: &'static str,
    price: u32,
}

#[derive(Deserialize)]
struct Page {
    page: u32,
    #[serde(default)]
    size: u32,
}

#[throttled(rate = "10/minute", identifier = |region, user| format!("{region}:{user}"), cost = |price, first| price + first)]
async fn nested(
    State(App { region, mut price }): State<App>,
    Path((user, _)): Path<(String, u32)>,
    method: Method,
    Json([first, .., mut last]): Json<[u32; 3]>,
) -> String {
    price += 1;
    last += 1;
    format!("{region} {user} {method} {price} {first} {last}")
}

#[throttled(rate = "10/minute", identifier = everyone, cost = |page, whole| page + whole.0.size)]
async fn bound_twice(whole @ Query(Page { page, .. }): Query<Page>) -> String {
    format!("{page} {}", whole.0.size)
}

#[throttled(rate = "10/minute", identifier = everyone, cost = |r#type| *r#type)]
async fn raw(Path(r#type): Path<u8>) -> impl IntoResponse {
    r#type.to_string()
}

#[throttled(rate = "10/minute", identifier = |value| value.to_string(), cost = |Path(number)| u64::from(*number) + N)]
async fn generic<T, const N: u64>(
    State(app): State<App>,
    Path(number): Path<u8>,
    Json(value): Json<T>,
) -> String
where
    T: Display,
{
    format!("{} {number} {value}", app.region)
}

#[throttled(rate = "1/minute", identifier = |State(app)| app.region)]
async fn web_socket(
    State(app): State<App>,
    _headers: HeaderMap,
    ws: WebSocketUpgrade,
) -> impl IntoResponse {
    let _ = app;
    ws.on_upgrade(|_| async {})
}

#[throttled(rate = "10/minute", identifier = everyone, cost = |id| *id)]
async fn conditional(
    #[cfg(any())] _missing: Missing,
    Path(id): Path<u8>,
    #[cfg(not(any()))] method: Method,
    #[cfg(any())] _also_missing: Missing,
    _headers: HeaderMap,
) -> String {
    format!("{method} {id}")
}

#[throttled(rate = "10/minute", identifier = everyone, cost = |payload| payload.items.len())]
#[debug_handler(state = App)]
async fn debugged(State(_app): State<App>, Json(payload): Json<Order>) -> Result<String, String> {
    payload.items.first().ok_or("nothing")?;
    Ok(payload.user)
}

macro_rules! handler {
    ($name:ident, |$argument:ident| $cost:expr) => {
        #[throttled(rate = "10/minute", identifier = everyone, cost = |$argument| $cost)]
        async fn $name(Path($argument): Path<u32>) -> String {
            $argument.to_string()
        }
    };
}

handler!(from_a_macro, |parts| parts + 1);

fn routes() -> Router {
    let router = Router::new()
        .route("/nested/{user}/{id}", post(nested))
        .route("/twice", get(bound_twice))
        .route("/raw/{type}", get(raw))
        .route("/generic/{number}", post(generic::<u32, 3>))
        .route("/web_socket", get(web_socket))
        .route("/conditional/{id}", get(conditional))
        .route("/debugged", post(debugged))
        .route("/macro/{number}", get(from_a_macro));
    app(router.with_state(App {
        region: "eu",
        price: 2,
    }))
}

#[tokio::test]
async fn finds_bindings_in_nested_patterns() {
    let app = routes();
    let response = posted(&app, "/nested/ann/1", "[3, 4, 5]").await;
    assert_eq!(response.body, "eu ann POST 3 3 6");
    assert_eq!(left(&response), Some(5));
    assert_eq!(posted(&app, "/nested/ann/2", "[4, 4, 5]").await.status, 429);
    assert_eq!(
        left(&posted(&app, "/nested/bob/2", "[4, 4, 5]").await),
        Some(4)
    );
    let response = got(&app, "/twice?page=2&size=5").await;
    assert_eq!((response.body.as_str(), left(&response)), ("2 5", Some(3)));
    assert_eq!(left(&got(&app, "/raw/7").await), Some(3));
}

#[tokio::test]
async fn accepts_generic_handlers() {
    let app = routes();
    let response = posted(&app, "/generic/4", "17").await;
    assert_eq!(
        (response.body.as_str(), left(&response)),
        ("eu 4 17", Some(3))
    );
    assert_eq!(posted(&app, "/generic/4", "17").await.status, 429);
    assert_eq!(left(&posted(&app, "/generic/4", "18").await), Some(3));
}

#[tokio::test]
async fn leaves_arguments_that_no_closure_names_unchanged() {
    let app = routes();
    assert_eq!(got(&app, "/web_socket").await.status, 400);
    assert_eq!(got(&app, "/web_socket").await.status, 429);
    let response = got(&app, "/conditional/4").await;
    assert_eq!(
        (response.body.as_str(), left(&response)),
        ("GET 4", Some(6))
    );
    let order = r#"{"user": "ann", "items": [1, 2]}"#;
    assert_eq!(left(&posted(&app, "/debugged", order).await), Some(8));
    assert_eq!(left(&got(&app, "/macro/4").await), Some(5));
}
