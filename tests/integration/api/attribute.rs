//! `#[throttled]` on a handler, with every option.

use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use traffik::{Backend, Identity, Throttle as _, provide, throttled};
use traffik_tests::{Server, head, midnight};

#[derive(Clone)]
struct Db;

#[derive(Deserialize)]
struct Order {
    items: Vec<u32>,
}

#[derive(Serialize)]
struct Receipt {
    items: usize,
}

struct AppError;

impl IntoResponse for AppError {
    fn into_response(self) -> axum::response::Response {
        http::StatusCode::BAD_GATEWAY.into_response()
    }
}

struct Claims {
    admin: bool,
    sub: String,
    plan: &'static str,
}

fn claims(parts: &http::request::Parts) -> Option<Claims> {
    let sub = parts.headers.get("x-sub")?.to_str().ok()?.to_owned();
    Some(Claims {
        admin: sub == "root",
        sub,
        plan: "free",
    })
}

fn local() -> Backend {
    Backend::memory()
}

#[throttled(
    rate = "100/minute",
    strategy = "sliding_counter",              // or  sliding_counter,  or  token_bucket(burst = 150)
    identifier = user_id,                      // a function of the request's parts
    cost = |payload| payload.items.len(),      // a closure over the handler's own arguments
    on_error = failover(backend = local(), breaker(failures = 10, recovery = "60s", successes = 3), max_retries = 2),
)]
async fn create(
    State(db): State<Db>,
    Json(payload): Json<Order>,
) -> Result<Json<Receipt>, AppError> {
    let Db = db;
    Ok(Json(Receipt {
        items: payload.items.len(),
    }))
}

async fn user_id(parts: &http::request::Parts) -> Identity {
    match claims(parts) {
        Some(c) if c.admin => Identity::Exempt,
        Some(c) => Identity::new(format!("user:{}", c.sub)).tier(c.plan),
        None => Identity::ip(),
    }
}

#[tokio::test]
async fn expands_an_attribute_with_every_option() {
    let (backend, _) = midnight();
    let app = Router::new().route("/", post(create)).with_state(Db);
    let server = Server::start(app.layer(provide(backend.clone()))).await;
    let order = async |items: usize, who: &str| {
        let body = serde_json::json!({ "items": vec![1; items] }).to_string();
        let request = server.request(http::Method::POST, "/");
        let request = request
            .header("x-sub", who)
            .header("content-type", "application/json");
        request.body(body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(order(60, "ada").await, 200);
    assert_eq!(order(41, "ada").await, 429);
    assert_eq!(order(40, "ada").await, 200);
    assert_eq!(order(60, "grace").await, 200);
    assert_eq!(order(1_000, "root").await, 200);
    let mut parts = head(&backend);
    parts.headers.insert("x-sub", "ada".parse().unwrap());
    assert_eq!(create::stat(&parts).await.unwrap().hits_remaining, 0);
}
