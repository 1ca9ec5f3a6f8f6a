//! Costs that can never be admitted: 400, or 413 if the body is too expensive.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::request::Parts;
use axum::routing::{MethodRouter, get, post};
use http::{HeaderMap, Request, StatusCode};
use tower::ServiceExt as _;
use traffik::{
    Identity, Limiter, Rate, Rejection, Throttle as _, ThrottleLayer, provide, throttled,
};
use traffik_tests::{Server, ServiceLimit, head, midnight};

fn weight(parts: &Parts) -> u64 {
    let weight = parts
        .headers
        .get("x-weight")
        .and_then(|weight| weight.to_str().ok());
    weight.and_then(|weight| weight.parse().ok()).unwrap_or(1)
}

#[throttled(rate = "5/minute", cost = weight, identifier = everyone)]
async fn weighed() {}

#[throttled(rate = "5/minute", strategy = token_bucket(burst = 8), cost = weight, identifier = everyone)]
async fn burst() {}

#[throttled(rate = "5/minute", strategy = gcra, cost = weight, identifier = everyone)]
async fn spaced() {}

#[throttled(rate = "5/minute", strategy = sliding_counter, cost = weight, identifier = everyone)]
async fn sliding() {}

traffik::throttles! {
    throttle Narrow(rate = "2/minute", identifier = everyone, cost = weight);
    throttle Wide(rate = "9/minute", identifier = everyone, cost = weight);
}

#[throttled(Wide, Narrow)]
async fn both() {}

fn app() -> Router {
    Router::new()
        .route("/weighed", get(weighed))
        .route("/burst", get(burst))
        .route("/spaced", get(spaced))
        .route("/sliding", get(sliding))
        .route("/both", get(both))
}

#[tokio::test]
async fn reports_an_impossible_cost_without_a_retry_time() {
    let (backend, _) = midnight();
    let server = Server::start(app().layer(provide(backend))).await;
    for (path, cost) in [
        ("/weighed", "6"),
        ("/burst", "9"),
        ("/spaced", "6"),
        ("/sliding", "6"),
        ("/weighed", "18446744073709551615"),
    ] {
        let refused = server.get_with(path, "x-weight", cost).await;
        assert_eq!(
            (refused.status, refused.field("retry-after")),
            (400, None),
            "{path}"
        );
        assert_eq!(
            refused.field("content-type"),
            Some("application/problem+json")
        );
        let problem = refused.json();
        let kind = problem["type"].as_str().unwrap_or_default();
        assert!(kind.ends_with("never-satisfiable"), "{path}: {kind}");
        assert_eq!(
            problem["violated-policies"],
            serde_json::json!([&path[1..]])
        );
    }
}

#[tokio::test]
async fn admits_a_cost_of_the_whole_limit() {
    let (backend, _) = midnight();
    let server = Server::start(app().layer(provide(backend))).await;
    for (path, cost) in [
        ("/weighed", "5"),
        ("/burst", "8"),
        ("/spaced", "5"),
        ("/sliding", "5"),
    ] {
        assert_eq!(
            server.get_with(path, "x-weight", cost).await.status,
            200,
            "{path}"
        );
    }
}

#[tokio::test]
async fn reports_without_charging_an_impossible_cost() {
    let (backend, _) = midnight();
    let server = Server::start(app().layer(provide(backend))).await;
    let refused = server.get_with("/weighed", "x-weight", "6").await;
    // The whole limit is available, and it cannot grow.
    assert_eq!(refused.limits, [ServiceLimit::new("weighed", 5, None)]);
    assert_eq!(
        server.get("/weighed").await.limits,
        [ServiceLimit::new("weighed", 4, 60)]
    );
}

#[tokio::test]
async fn treats_never_as_the_longest_wait_in_a_set() {
    let (backend, _) = midnight();
    let parts = head(&backend);
    assert!(Wide::hit_cost(&parts, 9).await.unwrap().admitted);
    let server = Server::start(app().layer(provide(backend.clone()))).await;
    let refused = server.get_with("/both", "x-weight", "3").await;
    assert_eq!((refused.status, refused.field("retry-after")), (400, None));
    assert_eq!(
        refused.json()["violated-policies"],
        serde_json::json!(["Wide", "Narrow"])
    );
    assert_eq!(Narrow::stat(&parts).await.unwrap().hits_remaining, 2);
}

#[tokio::test]
async fn returns_no_wait_for_an_impossible_cost() {
    let (backend, clock) = midnight();
    let parts = head(&backend);
    let decision = weighed::hit_cost(&parts, 6).await.unwrap();
    assert!(!decision.admitted && decision.never());
    assert_eq!((decision.wait, decision.remaining), (None, 5));
    clock.advance(Duration::from_secs(3_600));
    assert!(weighed::hit_cost(&parts, 6).await.unwrap().never());
    assert!(!weighed::check(&parts, 6).await.unwrap());
}

#[throttled(rate = "5/minute", cost = |text| text.len(), identifier = everyone)]
async fn by_body(text: String) {
    drop(text);
}

#[throttled(Wide, cost = |text| text.len())]
async fn by_body_of_members(text: String) {
    drop(text);
}

/// The closure reads the body, but the body does not determine the cost.
#[throttled(
    rate = "5/minute",
    identifier = |text| if text.is_empty() { "without text" } else { "with text" },
    cost = |headers| headers.len() + 9
)]
async fn by_head_beside_body(headers: HeaderMap, text: String) {
    drop((headers, text));
}

#[throttled(rate = "5/minute", cost = |headers| headers.len() + 9, identifier = everyone)]
async fn by_head(headers: HeaderMap, text: String) {
    drop((headers, text));
}

async fn by_hand(limiter: Limiter<Wide>) -> Result<(), Rejection> {
    limiter.reserve(10).await?.keep();
    Ok(())
}

async fn send(path: &str, method: MethodRouter, body: &'static str) -> (u16, String) {
    let (backend, _) = midnight();
    let app = Router::new().route(path, method).layer(provide(backend));
    let request = Request::post(path).body(Body::from(body)).unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert!(!response.headers().contains_key("retry-after"), "{path}");
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 9_999).await.unwrap();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["status"], status);
    let kind = problem["type"].as_str().unwrap();
    (status, kind.rsplit([':', '#']).next().unwrap().to_owned())
}

#[tokio::test]
async fn responds_413_if_the_body_costs_too_much() {
    let never = |status| (status, "never-satisfiable".to_owned());
    let large = "longer than nine";
    let problem = send("/", post(by_body), large).await;
    assert_eq!(problem, never(413));
    let problem = send("/", post(by_body_of_members), large).await;
    assert_eq!(problem, never(413));
    let problem = send("/", post(by_head_beside_body), large).await;
    assert_eq!(problem, never(400));
    let problem = send("/", post(by_head), large).await;
    assert_eq!(problem, never(400));
    let problem = send("/", post(by_hand), large).await;
    assert_eq!(problem, never(400));
}

fn free_tier(_: &Parts) -> Identity {
    Identity::new("user:7").tier("free")
}

traffik::throttles! {
    throttle Lowered(rate = "9/minute", identifier = everyone, cost = 5);
    throttle LoweredForWeights(rate = "9/minute", identifier = everyone, cost = weight);
    throttle LoweredForAll(rate = "9/minute", identifier = everyone);
    throttle Tiers(
        rate = "10/minute",
        identifier = free_tier,
        cost = 5,
        strategy = tiered(free = 0.3, premium = 1.0, default = free)
    );
}

#[throttled(Lowered)]
async fn lowered() {}

#[throttled(LoweredForAll, cost = 5)]
async fn lowered_for_all() {}

#[throttled(LoweredForWeights)]
async fn lowered_for_weights() {}

#[throttled(Tiers)]
async fn tiers() {}

#[tokio::test]
async fn does_not_blame_the_client_for_a_lowered_rate() {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/lowered", get(lowered))
        .route("/lowered_for_all", get(lowered_for_all))
        .route("/lowered_for_weights", get(lowered_for_weights))
        .route("/tiers", get(tiers));
    let server = Server::start(app.layer(provide(backend))).await;
    for path in ["/lowered", "/lowered_for_all", "/lowered_for_weights"] {
        assert_eq!(server.get(path).await.status, 200, "{path}");
    }
    for entry in traffik::registry().list() {
        if entry.uid.contains("impossible_costs::Lowered") {
            let rate = Rate::per_minute(3);
            traffik::registry().set_rate(&entry.uid, rate).unwrap();
        }
    }
    for (path, status, kind) in [
        ("/lowered", 429, "quota-exceeded"),
        ("/lowered_for_all", 429, "quota-exceeded"),
        ("/lowered_for_weights", 400, "never-satisfiable"),
        // The rate is that of the program: this client can never be admitted.
        ("/tiers", 400, "never-satisfiable"),
    ] {
        let refused = server.get_with(path, "x-weight", "5").await;
        assert_eq!(refused.status, status, "{path}");
        assert_eq!(refused.field("retry-after"), None, "{path}");
        let problem = refused.json();
        assert!(problem["type"].as_str().unwrap().ends_with(kind), "{path}");
    }
}

fn own_response(rejection: &Rejection) -> (StatusCode, String) {
    let status = match rejection.wait() {
        Some(_) => StatusCode::SERVICE_UNAVAILABLE,
        None => StatusCode::UNPROCESSABLE_ENTITY,
    };
    (status, rejection.status().to_string())
}

fn own_text(rejection: &Rejection) -> String {
    rejection.to_string()
}

#[throttled(rate = "5/minute", cost = weight, identifier = everyone, on_throttled = own_response)]
async fn with_own_status() {}

#[throttled(rate = "5/minute", cost = weight, identifier = everyone, on_throttled = own_text)]
async fn with_own_text() {}

#[tokio::test]
async fn passes_a_permanent_refusal_to_a_custom_response() {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/with_own_status", get(with_own_status))
        .route("/with_own_text", get(with_own_text));
    let server = Server::start(app.layer(provide(backend))).await;
    let refused = server.get_with("/with_own_status", "x-weight", "6").await;
    assert_eq!((refused.status, &*refused.body), (422, "400 Bad Request"));
    assert_eq!(refused.field("retry-after"), None);
    let refused = server.get_with("/with_own_text", "x-weight", "6").await;
    let text = "this request costs more than is ever admitted at once";
    assert_eq!((refused.status, &*refused.body), (400, text));
}

#[tokio::test]
async fn reports_impossible_costs_in_layers_and_grpc() {
    let (backend, _) = midnight();
    let layer = ThrottleLayer::new().throttle::<Narrow>();
    let app = Router::new().route("/", get(async || ()));
    let app = app.layer(layer).layer(provide(backend));
    let request = |content: &str| {
        let request = Request::get("/").header("x-weight", "3");
        let request = request.header("content-type", content);
        app.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    let response = request("text/plain").await.unwrap();
    assert_eq!(response.status(), 400);
    assert!(!response.headers().contains_key("retry-after"));
    let response = request("application/grpc").await.unwrap();
    assert_eq!(response.headers()["grpc-status"], "3");
}
