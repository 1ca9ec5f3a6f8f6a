//! Caches may not store refusals.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, StatusCode};
use tower::ServiceExt as _;
use traffik::failure::{allow, raise, throttle};
use traffik::testing::{Fault, FlakyStore};
use traffik::{
    Backend, Identity, Limiter, Rejection, ThrottleLayer, Throttled, provide, throttled,
};
use traffik_tests::{PEER, TestResponse, midnight, peer};

fn fail_to_identify(_: &http::request::Parts) -> Result<Identity, &'static str> {
    Err("the session store is unreachable")
}

const fn two(_: &http::request::Parts) -> u64 {
    2
}

fn page(_: &Rejection) -> &'static str {
    "slow down"
}

fn cacheable(_: &Rejection) -> (StatusCode, [(&'static str, &'static str); 1]) {
    let field = ("cache-control", "private, max-age=5");
    (StatusCode::TOO_MANY_REQUESTS, [field])
}

traffik::throttles! {
    defaults(identifier = everyone);

    throttle ByDefault(rate = "1/minute");
    throttle Paged(rate = "1/minute", on_throttled = page);
    throttle Cacheable(rate = "1/minute", on_throttled = cacheable);
    throttle Small(rate = "1/hour", cost = two);
    throttle Broken(rate = "1/minute", identifier = fail_to_identify);
}

#[throttled(ByDefault)]
async fn by_default() {}

#[throttled(Paged)]
async fn paged() {}

#[throttled(Cacheable)]
async fn own() {}

#[throttled(Small)]
async fn small() {}

#[throttled(Broken)]
async fn broken() {}

async fn extracted(_: Throttled<ByDefault>) {}

async fn reserved(limiter: Limiter<ByDefault>) -> Result<(), Rejection> {
    limiter.reserve(1).await?.keep();
    Ok(())
}

async fn bare() {}

fn app(backend: Backend) -> Router {
    let layer = ThrottleLayer::new().throttle::<ByDefault>();
    let app = Router::new()
        .route("/bare", get(bare))
        .route_layer(layer)
        .route("/by_default", get(by_default))
        .route("/paged", get(paged))
        .route("/own", get(own))
        .route("/small", get(small))
        .route("/broken", get(broken))
        .route("/extracted", get(extracted))
        .route("/reserved", get(reserved));
    app.layer(provide(backend))
}

async fn response(app: &Router, path: &str, content: &str) -> TestResponse {
    let request = Request::get(path).header("content-type", content);
    let request = request.extension(peer(PEER)).body(Body::empty()).unwrap();
    TestResponse::read(app.clone().oneshot(request).await.unwrap()).await
}

#[tokio::test]
async fn forbids_storing_a_refusal_and_leaves_an_admitted_response_unchanged() {
    for path in ["/by_default", "/paged", "/bare", "/extracted", "/reserved"] {
        let app = app(midnight().0);
        let admitted = response(&app, path, "").await;
        assert_eq!(
            (admitted.status, admitted.field("cache-control")),
            (200, None),
            "{path}"
        );
        let refused = response(&app, path, "").await;
        assert_eq!(refused.status, 429, "{path}");
        assert_eq!(refused.field("cache-control"), Some("no-store"), "{path}");
    }
}

#[tokio::test]
async fn forbids_storing_a_permanent_refusal() {
    let refused = response(&app(midnight().0), "/small", "").await;
    assert_eq!((refused.status, refused.field("retry-after")), (400, None));
    assert_eq!(refused.field("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn keeps_cache_control_of_a_custom_response() {
    let app = app(midnight().0);
    assert_eq!(
        response(&app, "/own", "").await.field("cache-control"),
        None
    );
    let refused = response(&app, "/own", "").await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.field("cache-control"), Some("private, max-age=5"));
}

#[tokio::test]
async fn forbids_storing_a_refused_grpc_call() {
    let app = app(midnight().0);
    let content = "application/grpc";
    assert_eq!(response(&app, "/bare", content).await.status, 200);
    let refused = response(&app, "/bare", content).await;
    assert_eq!(refused.field("grpc-status"), Some("8"));
    assert_eq!(refused.field("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn forbids_storing_an_error_response() {
    let store = FlakyStore::new();
    store.fail(Fault::Refuse);
    for (policy, status) in [(throttle(), 429), (raise(), 503), (allow(), 200)] {
        let app = app(Backend::custom(store.clone()).on_error(policy));
        for path in ["/by_default", "/bare", "/extracted"] {
            let response = response(&app, path, "").await;
            let expected = (status != 200).then_some("no-store");
            assert_eq!(response.status, status, "{path}");
            assert_eq!(response.field("cache-control"), expected, "{path} {status}");
        }
    }
    let failed = response(&app(midnight().0), "/broken", "").await;
    assert_eq!(
        (failed.status, failed.field("cache-control")),
        (500, Some("no-store"))
    );
}
