//! Every decision made for a request is in its response, the outermost first, whatever becomes of
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

fn away() -> Backend {
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
    throttle Broken(rate = "5/minute", identifier = nobody);
    throttle Away(rate = "5/minute", backend = away(), on_error = raise);
}

fn nobody(_: &http::request::Parts) -> Result<traffik::Identity, &'static str> {
    Err("the session store is away")
}

#[throttled(Upper)]
#[throttled(Lower)]
async fn plain(Json(_): Json<u64>) {}

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

/// Decided last, since it looks at the body.
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
        .route("/plain", post(plain))
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

/// The app without a layer, and below one.
fn apps(routes: &Router) -> [(Router, bool); 2] {
    let layer = ThrottleLayer::new().throttle::<Global>();
    let served = |app: Router| app.layer(provide(midnight().0));
    [
        (served(routes.clone()), false),
        (served(routes.clone().layer(layer)), true),
    ]
}

async fn asked(app: &Router, path: &str, body: &'static str) -> TestResponse {
    let request = Request::post(path).header("content-type", "application/json");
    let request = request
        .extension(peer(PEER))
        .body(Body::from(body))
        .unwrap();
    TestResponse::read(app.clone().oneshot(request).await.unwrap()).await
}

/// What a response tells, with the layer's in front where there is one.
#[track_caller]
fn tells(
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
async fn an_admitted_and_a_refused_response_tell_of_all_in_one_order() {
    let both = [
        "plain",
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
                let response = asked(&app, &path, "1").await;
                let expected = [("Upper", 8 - left), ("Lower", 2 - left)];
                tells(&response, 200, layered, &expected, &path);
            }
            let response = asked(&app, &path, "1").await;
            // Members of a set take nothing where one refuses.
            let upper = if path == "/set" { 6 } else { 5 };
            tells(
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
async fn a_rejected_body_tells_of_all_that_was_taken() {
    for path in [
        "plain",
        "set",
        "further",
        "generic",
        "head_below",
        "head_above",
    ] {
        for (app, layered) in apps(&shapes()) {
            let path = format!("/{path}");
            let response = asked(&app, &path, "no number").await;
            tells(
                &response,
                400,
                layered,
                &[("Upper", 8), ("Lower", 2)],
                &path,
            );
        }
    }
    // A closure looks at the body, so it is read before the second decision.
    for path in ["/body_below", "/body_above"] {
        for (app, layered) in apps(&shapes()) {
            let response = asked(&app, path, "no number").await;
            tells(&response, 400, layered, &[("Upper", 8)], path);
        }
    }
}

#[tokio::test]
async fn three_attributes_are_told_from_the_top_down() {
    for (app, layered) in apps(&shapes()) {
        let response = asked(&app, "/three", "1").await;
        tells(
            &response,
            200,
            layered,
            &[("Upper", 8), ("Third", 4), ("Lower", 2)],
            "admitted",
        );
        let response = asked(&app, "/three", "no number").await;
        tells(
            &response,
            400,
            layered,
            &[("Upper", 7), ("Third", 3), ("Lower", 1)],
            "body",
        );
        asked(&app, "/three", "1").await;
        let response = asked(&app, "/three", "1").await;
        tells(
            &response,
            429,
            layered,
            &[("Upper", 5), ("Third", 1), ("Lower", 0)],
            "lower",
        );
        asked(&app, "/three", "1").await;
        let response = asked(&app, "/three", "1").await;
        tells(
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
async fn unasked(Json(number): Json<u64>) -> String {
    number.to_string()
}

const fn never(_: &http::request::Parts) -> bool {
    false
}

/// One attribute is no different where its gate is an argument of its own.
#[tokio::test]
async fn a_rejected_body_behind_one_attribute_tells_of_it() {
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
        .route("/unasked", post(unasked));
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
            let response = asked(&app, path, "no number").await;
            assert_eq!(response.status, 400, "{path}");
            assert_eq!(response.limits.len(), 1 + usize::from(layered), "{path}");
            let expected = response.limits.last().map(|it| (it.remaining, it.next));
            assert_eq!(expected, Some((2, Some(60))), "{path}");
        }
    }
    for (app, layered) in apps(&routes) {
        let response = asked(&app, "/unasked", "no number").await;
        tells(&response, 400, layered, &[], "unasked");
    }
}

#[tokio::test]
async fn an_extractor_by_hand_is_told_beside_an_attribute() {
    let routes = Router::new().route("/{id}", post(throttled_and));
    for (app, layered) in apps(&routes) {
        let response = asked(&app, "/1", "1").await;
        tells(
            &response,
            200,
            layered,
            &[("Third", 4), ("Upper", 8)],
            "admitted",
        );
        let response = asked(&app, "/1", "no number").await;
        tells(
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
        let response = asked(&app, "/x", "").await;
        tells(&response, 400, layered, &[("Upper", 8)], "path");
        for _ in 0..3 {
            asked(&app, "/1", "").await;
        }
        let response = asked(&app, "/1", "").await;
        tells(
            &response,
            429,
            layered,
            &[("Upper", 4), ("Lower", 0)],
            "refused",
        );
    }
}

/// H12: what could not be decided has no fields, what was decided before has.
#[tokio::test]
async fn an_extractor_in_the_last_place_is_told_beside_an_attribute() {
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
                let response = asked(&app, path, "").await;
                tells(&response, 200, is_layered, &expected, path);
            }
        }
    }
}

#[tokio::test]
async fn a_failure_tells_of_what_was_decided_before() {
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
            let response = asked(&app, path, "").await;
            tells(&response, status, layered, &[("Upper", 8)], path);
        }
    }
}

/// A handler that does without what it was refused.
#[tokio::test]
async fn a_refusal_that_is_ignored_loses_nothing() {
    #[throttled(Upper)]
    #[throttled(Third)]
    #[debug_handler]
    async fn tolerant(lower: Result<Throttled<Lower>, Rejection>) -> &'static str {
        if lower.is_ok() { "all" } else { "less" }
    }
    let routes = Router::new().route("/", post(tolerant));
    for (app, layered) in apps(&routes) {
        for _ in 0..3 {
            assert_eq!(asked(&app, "/", "").await.body, "all");
        }
        let response = asked(&app, "/", "").await;
        assert_eq!(response.body, "less");
        tells(
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

/// H15: one member of all that were decided for the request.
#[tokio::test]
async fn single_fields_tell_of_the_least_that_remains_of_all() {
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

/// A request that a handler makes of its own has its own response.
#[tokio::test]
async fn a_copied_request_keeps_its_decisions_to_itself() {
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
        let response = asked(&app, "/", "").await;
        assert_eq!(response.body, "\"Third\";r=4;t=60");
        tells(
            &response,
            200,
            layered,
            &[("Upper", 8), ("Lower", 2)],
            "outer",
        );
    }
}

/// A layer writes what nothing further in had a response for.
#[tokio::test]
async fn a_handler_that_is_never_reached_is_told_of_by_the_layer() {
    let extracted = axum::middleware::from_extractor::<Throttled<Upper>>();
    let inside = ThrottleLayer::new().throttle::<Lower>();
    let routes = Router::new()
        .route("/", post(|| async {}))
        .layer(inside)
        .layer(extracted);
    for (app, layered) in apps(&routes) {
        for left in 0..3 {
            let response = asked(&app, "/", "").await;
            tells(
                &response,
                200,
                layered,
                &[("Upper", 8 - left), ("Lower", 2 - left)],
                "layer",
            );
        }
        let response = asked(&app, "/", "").await;
        tells(
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
