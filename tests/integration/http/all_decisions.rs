//! Every decision for a request is in its response, the outermost first, whatever the outcome of
//! the request.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router, debug_handler};
use serde::de::DeserializeOwned;
use tower::ServiceExt as _;
use traffik::testing::{Fault, FlakyStore};
use traffik::{Backend, Limiter, Rejection, ThrottleLayer, Throttled, provide, throttled};
use traffik_tests::{PEER, ServiceLimit, TestResponse, midnight, peer};

fn unreachable() -> Backend {
    let store = FlakyStore::new();
    store.fail(Fault::Refuse);
    Backend::custom(store)
}

traffik::throttles! {
    defaults(identifier = everyone);

    throttle Global(rate = "20/minute", headers = both);
    throttle Upper(rate = "9/minute");
    throttle Lower(rate = "3/minute");
    throttle Third(rate = "5/minute");
    throttle Broken(rate = "5/minute", identifier = fail_to_identify);
    throttle Away(rate = "5/minute", backend = unreachable(), on_error = raise);
}

fn fail_to_identify(_: &http::request::Parts) -> Result<traffik::Identity, &'static str> {
    Err("the session store is unreachable")
}

#[throttled(Upper)]
#[throttled(Lower)]
async fn single_attribute(Json(_): Json<u64>) {}

#[throttled(Upper, Lower)]
async fn set(Json(_): Json<u64>) {}

#[throttled(Upper)]
#[throttled(Third)]
#[throttled(Lower)]
async fn three(State(_): State<&'static str>, Json(_): Json<u64>) {}

#[throttled(Upper)]
#[throttled(Lower)]
#[debug_handler(state = &'static str)]
async fn further(Json(_): Json<u64>) {}

#[throttled(Upper)]
#[throttled(Lower)]
async fn generic<T: DeserializeOwned + Send + 'static>(Json(_): Json<T>) {}

#[throttled(Upper)]
#[throttled(Lower, cost = |state| state.len())]
async fn head_below(State(state): State<&'static str>, Json(_): Json<u64>) -> &'static str {
    state
}

#[throttled(Upper, cost = |state| state.len())]
#[throttled(Lower)]
async fn head_above(State(state): State<&'static str>, Json(_): Json<u64>) -> &'static str {
    state
}

#[throttled(Upper)]
#[throttled(Lower, cost = |number| *number)]
async fn body_below(Json(number): Json<u64>) -> String {
    number.to_string()
}

/// Decided last, because the closure reads the body.
#[throttled(Lower, cost = |Json(number)| *number)]
#[throttled(Upper)]
async fn body_above(Json(number): Json<u64>) -> String {
    number.to_string()
}

#[throttled(Upper)]
async fn throttled_and(_: Throttled<Third>, Json(_): Json<u64>) {}

async fn by_hand(
    _: Throttled<Upper>,
    lower: Throttled<Lower>,
    Json(_): Json<u64>,
) -> impl IntoResponse {
    (lower, "by hand")
}

fn shapes() -> Router {
    Router::new()
        .route("/single_attribute", post(single_attribute))
        .route("/set", post(set))
        .route("/three", post(three))
        .route("/further", post(further))
        .route("/generic", post(generic::<u64>))
        .route("/head_below", post(head_below))
        .route("/head_above", post(head_above))
        .route("/body_below", post(body_below))
        .route("/body_above", post(body_above))
        .route("/by_hand", post(by_hand))
        .with_state("x")
}

/// Returns the app without a layer, and below one.
fn apps(routes: &Router) -> [(Router, bool); 2] {
    let layer = ThrottleLayer::new().throttle::<Global>();
    let served = |app: Router| app.layer(provide(midnight().0));
    [
        (served(routes.clone()), false),
        (served(routes.clone().layer(layer)), true),
    ]
}

async fn send(app: &Router, path: &str, body: &'static str) -> TestResponse {
    let request = Request::post(path).header("content-type", "application/json");
    let request = request
        .extension(peer(PEER))
        .body(Body::from(body))
        .unwrap();
    TestResponse::read(app.clone().oneshot(request).await.unwrap()).await
}

/// Asserts the fields of a response, which begin with the layer's if there is one.
#[track_caller]
fn assert_fields(
    response: &TestResponse,
    status: u16,
    is_layered: bool,
    expected: &[(&str, u64)],
    what: &str,
) {
    assert_eq!(response.status, status, "{what}");
    let layered = is_layered.then_some("Global");
    let names: Vec<_> = layered
        .into_iter()
        .chain(expected.iter().map(|it| it.0))
        .collect();
    let limits: Vec<_> = response.limits.iter().map(|it| &*it.name).collect();
    let policies: Vec<_> = response.policies.iter().map(|it| &*it.name).collect();
    assert_eq!((&limits, &policies), (&names, &names), "{what}");
    let own = response.limits.iter().skip(usize::from(is_layered));
    let remaining: Vec<_> = own.map(|it| it.remaining).collect();
    let expected: Vec<_> = expected.iter().map(|it| it.1).collect();
    assert_eq!(remaining, expected, "{what}");
}

#[tokio::test]
async fn lists_all_decisions_in_order_in_admitted_and_refused_responses() {
    let both = [
        "single_attribute",
        "set",
        "further",
        "generic",
        "head_below",
        "head_above",
        "body_below",
        "body_above",
    ];
    for path in both.into_iter().chain(["by_hand"]) {
        for (app, layered) in apps(&shapes()) {
            let path = format!("/{path}");
            for left in 0..3 {
                let response = send(&app, &path, "1").await;
                let expected = [("Upper", 8 - left), ("Lower", 2 - left)];
                assert_fields(&response, 200, layered, &expected, &path);
            }
            let response = send(&app, &path, "1").await;
            // If one member refuses, no member of the set is charged.
            let upper = if path == "/set" { 6 } else { 5 };
            assert_fields(
                &response,
                429,
                layered,
                &[("Upper", upper), ("Lower", 0)],
                &path,
            );
            assert_eq!(
                response.json()["violated-policies"],
                serde_json::json!(["Lower"])
            );
            assert_eq!(response.field("retry-after"), Some("60"));
        }
    }
}

#[tokio::test]
async fn lists_the_decisions_before_a_rejected_body() {
    for path in [
        "single_attribute",
        "set",
        "further",
        "generic",
        "head_below",
        "head_above",
    ] {
        for (app, layered) in apps(&shapes()) {
            let path = format!("/{path}");
            let response = send(&app, &path, "no number").await;
            assert_fields(
                &response,
                400,
                layered,
                &[("Upper", 8), ("Lower", 2)],
                &path,
            );
        }
    }
    // A closure reads the body, so it is extracted before the second decision.
    for path in ["/body_below", "/body_above"] {
        for (app, layered) in apps(&shapes()) {
            let response = send(&app, path, "no number").await;
            assert_fields(&response, 400, layered, &[("Upper", 8)], path);
        }
    }
}

#[tokio::test]
async fn lists_three_attributes_from_the_top_down() {
    for (app, layered) in apps(&shapes()) {
        let response = send(&app, "/three", "1").await;
        assert_fields(
            &response,
            200,
            layered,
            &[("Upper", 8), ("Third", 4), ("Lower", 2)],
            "admitted",
        );
        let response = send(&app, "/three", "no number").await;
        assert_fields(
            &response,
            400,
            layered,
            &[("Upper", 7), ("Third", 3), ("Lower", 1)],
            "body",
        );
        send(&app, "/three", "1").await;
        let response = send(&app, "/three", "1").await;
        assert_fields(
            &response,
            429,
            layered,
            &[("Upper", 5), ("Third", 1), ("Lower", 0)],
            "lower",
        );
        send(&app, "/three", "1").await;
        let response = send(&app, "/three", "1").await;
        assert_fields(
            &response,
            429,
            layered,
            &[("Upper", 3), ("Third", 0)],
            "third",
        );
    }
}

#[throttled(rate = "3/minute", identifier = everyone, cost = |state| state.len())]
async fn closure(State(state): State<&'static str>, Json(_): Json<u64>) -> &'static str {
    state
}

#[throttled(rate = "3/minute", identifier = everyone, only_if = never, cost = |number| *number)]
async fn not_applicable(Json(number): Json<u64>) -> String {
    number.to_string()
}

const fn never(_: &http::request::Parts) -> bool {
    false
}

/// A single attribute behaves alike, whether its gate is an argument of its own or part of the last
/// one.
#[tokio::test]
async fn lists_a_single_attribute_before_a_rejected_body() {
    #[throttled(Lower)]
    async fn generic<T: DeserializeOwned + Send + 'static>(Json(_): Json<T>) {}
    #[throttled(Lower)]
    #[debug_handler]
    async fn further(Json(_): Json<u64>) {}
    #[throttled(Lower)]
    async fn conditional(#[cfg(test)] Json(_): Json<u64>) {}
    #[throttled(Lower)]
    async fn perhaps_last(Path(_): Path<u64>, #[cfg(test)] Json(_): Json<u64>) {}
    #[throttled(Lower)]
    async fn then_last(Json(_): Json<u64>, #[cfg(not(test))] _: String) {}
    let routes = Router::new()
        .route("/generic", post(generic::<u64>))
        .route("/further", post(further))
        .route("/conditional", post(conditional))
        .route("/perhaps_last/{id}", post(perhaps_last))
        .route("/then_last", post(then_last))
        .route("/closure", post(closure).with_state("x"))
        .route("/unasked", post(not_applicable));
    for path in [
        "/generic",
        "/further",
        "/conditional",
        "/perhaps_last/none",
        "/perhaps_last/1",
        "/then_last",
        "/closure",
    ] {
        for (app, layered) in apps(&routes) {
            let response = send(&app, path, "no number").await;
            assert_eq!(response.status, 400, "{path}");
            assert_eq!(response.limits.len(), 1 + usize::from(layered), "{path}");
            let expected = response.limits.last().map(|it| (it.remaining, it.next));
            assert_eq!(expected, Some((2, Some(60))), "{path}");
        }
    }
    for (app, layered) in apps(&routes) {
        let response = send(&app, "/unasked", "no number").await;
        assert_fields(&response, 400, layered, &[], "unasked");
    }
}

#[tokio::test]
async fn lists_an_extractor_beside_an_attribute() {
    let routes = Router::new().route("/{id}", post(throttled_and));
    for (app, layered) in apps(&routes) {
        let response = send(&app, "/1", "1").await;
        assert_fields(
            &response,
            200,
            layered,
            &[("Third", 4), ("Upper", 8)],
            "admitted",
        );
        let response = send(&app, "/1", "no number").await;
        assert_fields(
            &response,
            400,
            layered,
            &[("Third", 3), ("Upper", 7)],
            "body",
        );
    }
    #[throttled(Lower)]
    async fn refused(_: Throttled<Upper>, Path(_): Path<u64>, _: String) {}
    let routes = Router::new().route("/{id}", post(refused));
    for (app, layered) in apps(&routes) {
        let response = send(&app, "/x", "").await;
        assert_fields(&response, 400, layered, &[("Upper", 8)], "path");
        for _ in 0..3 {
            send(&app, "/1", "").await;
        }
        let response = send(&app, "/1", "").await;
        assert_fields(
            &response,
            429,
            layered,
            &[("Upper", 4), ("Lower", 0)],
            "refused",
        );
    }
}

/// A decision that failed has no fields; the decisions before it have theirs.
#[tokio::test]
async fn lists_an_extractor_in_the_last_place_beside_an_attribute() {
    #[throttled(Upper)]
    async fn last(_: Throttled<Lower>) {}
    #[throttled(Upper)]
    async fn tolerant(_: Result<Throttled<Lower>, Rejection>) {}
    let routes = Router::new()
        .route("/last", post(last))
        .route("/tolerant", post(tolerant));
    for path in ["/last", "/tolerant"] {
        for (app, is_layered) in apps(&routes) {
            for left in (0..3).rev() {
                let expected = [("Upper", left + 6), ("Lower", left)];
                let response = send(&app, path, "").await;
                assert_fields(&response, 200, is_layered, &expected, path);
            }
        }
    }
}

#[tokio::test]
async fn lists_the_decisions_before_a_failure() {
    #[throttled(Upper)]
    #[throttled(Away)]
    async fn raised() {}
    #[throttled(Upper)]
    #[throttled(Broken)]
    async fn broken() {}
    async fn limited(_: Throttled<Upper>, _: Limiter<Broken>) {}
    let routes = Router::new()
        .route("/raised", post(raised))
        .route("/broken", post(broken))
        .route("/limited", post(limited));
    for (path, status) in [("/raised", 503), ("/broken", 500), ("/limited", 500)] {
        for (app, layered) in apps(&routes) {
            let response = send(&app, path, "").await;
            assert_fields(&response, status, layered, &[("Upper", 8)], path);
        }
    }
}

/// This handler ignores that it was refused.
#[tokio::test]
async fn lists_a_refusal_that_the_handler_ignores() {
    #[throttled(Upper)]
    #[throttled(Third)]
    #[debug_handler]
    async fn tolerant(lower: Result<Throttled<Lower>, Rejection>) -> &'static str {
        if lower.is_ok() { "all" } else { "less" }
    }
    let routes = Router::new().route("/", post(tolerant));
    for (app, layered) in apps(&routes) {
        for _ in 0..3 {
            assert_eq!(send(&app, "/", "").await.body, "all");
        }
        let response = send(&app, "/", "").await;
        assert_eq!(response.body, "less");
        assert_fields(
            &response,
            200,
            layered,
            &[("Upper", 5), ("Third", 1)],
            "less",
        );
    }
}

traffik::throttles! {
    throttle Scarce(rate = "2/hour", identifier = everyone, headers = legacy);
    throttle Ample(rate = "9/minute", identifier = everyone, headers = legacy);
}

/// Single fields describe one member of all decisions for the request.
#[tokio::test]
async fn writes_the_smallest_remainder_into_single_fields() {
    #[throttled(Ample)]
    #[throttled(Scarce)]
    async fn below() {}
    #[throttled(Scarce)]
    #[throttled(Ample)]
    async fn above() {}
    async fn bare() {}
    let routes = Router::new()
        .route("/below", get(below))
        .route("/above", get(above))
        .route(
            "/bare",
            get(bare).layer(ThrottleLayer::new().throttle::<Scarce>()),
        );
    for path in ["/below", "/above"] {
        for (app, _) in apps(&routes) {
            for left in ["1", "0", "0"] {
                let request = Request::get(path).body(Body::empty()).unwrap();
                let response =
                    TestResponse::read(app.clone().oneshot(request).await.unwrap()).await;
                assert_eq!(
                    response.legacy(),
                    [Some("2"), Some(left), Some("3600")],
                    "{path}"
                );
            }
        }
    }
    let [_, (layered, _)] = apps(&routes);
    let request = Request::get("/bare")
        .extension(peer(PEER))
        .body(Body::empty())
        .unwrap();
    let response = TestResponse::read(layered.oneshot(request).await.unwrap()).await;
    assert_eq!(response.legacy(), [Some("2"), Some("1"), Some("3600")]);
}

/// A request that a handler makes has its own response.
#[tokio::test]
async fn separates_the_decisions_of_a_copied_request() {
    #[throttled(Third)]
    async fn inner() {}
    #[throttled(Upper)]
    #[throttled(Lower)]
    #[debug_handler]
    async fn outer(State(inner): State<Arc<Router>>, request: Request) -> String {
        let (parts, _) = request.into_parts();
        let mut copy = Request::new(Body::empty());
        *copy.extensions_mut() = parts.extensions.clone();
        let response = Router::clone(&inner).oneshot(copy).await.unwrap();
        let field = response.headers()["ratelimit"].to_str().unwrap();
        field.to_owned()
    }
    let inner = Router::new().route("/", get(inner));
    let routes = Router::new()
        .route("/", post(outer))
        .with_state(Arc::new(inner));
    for (app, layered) in apps(&routes) {
        let response = send(&app, "/", "").await;
        assert_eq!(response.body, "\"Third\";r=4;t=60");
        assert_fields(
            &response,
            200,
            layered,
            &[("Upper", 8), ("Lower", 2)],
            "outer",
        );
    }
}

/// A layer writes the decisions that no inner response could contain.
#[tokio::test]
async fn lists_the_layer_if_the_handler_is_never_reached() {
    let extracted = axum::middleware::from_extractor::<Throttled<Upper>>();
    let inside = ThrottleLayer::new().throttle::<Lower>();
    let routes = Router::new()
        .route("/", post(|| async {}))
        .layer(inside)
        .layer(extracted);
    for (app, layered) in apps(&routes) {
        for left in 0..3 {
            let response = send(&app, "/", "").await;
            assert_fields(
                &response,
                200,
                layered,
                &[("Upper", 8 - left), ("Lower", 2 - left)],
                "layer",
            );
        }
        let response = send(&app, "/", "").await;
        assert_fields(
            &response,
            429,
            layered,
            &[("Upper", 5), ("Lower", 0)],
            "refused",
        );
        assert_eq!(
            response.limits.last(),
            Some(&ServiceLimit::new("Lower", 0, 60))
        );
    }
}
