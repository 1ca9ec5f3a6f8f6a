//! Throttled handlers in OpenAPI documents.

use axum::extract::{Path, Query};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use traffik::openapi::{RateLimitFields, TooManyRequests};
use traffik::{provide, throttled};
use traffik_tests::{Server, TestResponse, midnight};
use utoipa::{OpenApi as _, ToSchema};

#[derive(Deserialize, Serialize, ToSchema)]
struct Order {
    items: Vec<String>,
}

#[utoipa::path(get, path = "/above/{id}", params(("id" = u64, Path)), responses((status = 200, body = String), TooManyRequests))]
#[throttled(rate = "1/minute")]
async fn above(Path(id): Path<u64>, Query(_): Query<Vec<(String, String)>>) -> String {
    id.to_string()
}

#[throttled(rate = "2/minute", cost = |order| order.items.len())]
#[utoipa::path(post, path = "/below", request_body = Order, responses((status = 200, body = Order), (status = 422, description = "No order"), TooManyRequests))]
async fn below(Json(order): Json<Order>) -> Json<Order> {
    Json(order)
}

#[utoipa::path(get, path = "/open", responses((status = 200, body = String)))]
async fn open() -> &'static str {
    "open"
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(above, below, open), modifiers(&RateLimitFields))]
struct Api;

fn responses(path: &str, method: &str) -> Value {
    let document = serde_json::to_value(Api::openapi()).unwrap();
    document["paths"][path][method]["responses"].clone()
}

/// Returns the names of the header fields that a response describes.
fn fields(response: &Value) -> Vec<&str> {
    let fields = response["headers"].as_object();
    fields.map_or_else(Vec::new, |fields| {
        fields.keys().map(String::as_str).collect()
    })
}

#[test]
fn describes_a_refusal_with_its_fields_and_its_problem() {
    for (path, method) in [("/above/{id}", "get"), ("/below", "post")] {
        let responses = responses(path, method);
        let refused = &responses["429"];
        let expected = ["RateLimit", "RateLimit-Policy", "Retry-After"];
        assert_eq!(fields(refused), expected, "{path}");
        assert_eq!(
            refused["headers"]["Retry-After"]["schema"]["type"],
            "integer"
        );
        let problem = &refused["content"]["application/problem+json"]["schema"];
        assert_eq!(problem["properties"]["status"]["type"], "integer");
        assert_eq!(problem["required"].as_array().unwrap().len(), 4);
    }
}

#[test]
fn describes_the_fields_of_other_responses() {
    let expected = ["RateLimit", "RateLimit-Policy"];
    assert_eq!(fields(&responses("/above/{id}", "get")["200"]), expected);
    let responses_below = responses("/below", "post");
    assert_eq!(fields(&responses_below["200"]), expected);
    assert_eq!(fields(&responses_below["422"]), expected);
    assert!(fields(&responses("/open", "get")["200"]).is_empty());
}

#[tokio::test]
async fn describes_the_responses_that_are_sent() {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/above/{id}", get(above))
        .route("/below", post(below))
        .route("/open", get(open));
    let server = Server::start(app.layer(provide(backend))).await;
    assert!(server.get("/open").await.has_no_limit_fields());
    assert_eq!(server.get("/above/7").await.body, "7");
    let order = r#"{"items":["a","b"]}"#;
    let send = || server.request(http::Method::POST, "/below").body(order);
    let send = || TestResponse::of_request(send().header("content-type", "application/json"));
    assert_eq!(send().await.body, order);
    for (refused, path, method) in [
        (server.get("/above/7").await, "/above/{id}", "get"),
        (send().await, "/below", "post"),
    ] {
        assert_eq!(refused.status, 429);
        let described = &responses(path, method)["429"];
        for name in fields(described) {
            assert!(refused.field(name).is_some(), "{name}");
        }
        let content = refused.field("content-type").unwrap();
        let schema = &described["content"][content]["schema"];
        let problem = refused.json();
        for name in problem.as_object().unwrap().keys() {
            assert!(schema["properties"].get(name).is_some(), "{name}");
        }
        for name in schema["required"].as_array().unwrap() {
            assert!(problem.get(name.as_str().unwrap()).is_some(), "{name}");
        }
    }
}
