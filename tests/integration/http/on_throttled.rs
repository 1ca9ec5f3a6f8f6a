//! `on_throttled`: custom responses to refusals, of a throttle or of its backend.

use axum::Json;
use axum::Router;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use http::{HeaderName, StatusCode};
use serde_json::{Value, json};
use traffik::testing::{Fault, FlakyStore};
use traffik::{
    Backend, Identity, Limiter, Rejection, Throttle as _, ThrottleLayer, provide, throttled,
};
use traffik_tests::{PEER, Server, TestResponse, head, midnight};

traffik::throttles! {
    throttle Limited(rate = "1/minute", identifier = everyone);
    throttle Whom(rate = "1/minute");
    throttle Ip(rate = "1/minute", identifier = ip);
}

#[throttled(Limited)]
async fn limited() {}

#[throttled(Whom)]
async fn for_user() {}

/// Returns everything that a rejection contains.
async fn describe(
    rejection: &Rejection,
) -> (StatusCode, [(HeaderName, &'static str); 1], Json<Value>) {
    let parts = rejection.parts().unwrap();
    let decision = rejection.decision().unwrap();
    let body = json!({
        "path": parts.uri.path(),
        "uid": rejection.uid(),
        "wait": rejection.wait().map(|wait| wait.as_secs()),
        "limit": decision.limit,
        "remaining": decision.remaining,
        "decided": decision.decided,
        "violated": rejection.violated(),
        "retry": rejection.headers()["retry-after"].to_str().unwrap(),
        "text": rejection.to_string(),
    });
    let own = (HeaderName::from_static("x-own"), "yes");
    (StatusCode::SERVICE_UNAVAILABLE, [own], Json(body))
}

/// Returns a page without a status.
fn page(_: &Rejection) -> Html<&'static str> {
    Html("<p>Slow down.</p>")
}

fn own_fields(_: &Rejection) -> impl IntoResponse {
    (
        StatusCode::IM_A_TEAPOT,
        [("retry-after", "99"), ("location", "/slow")],
    )
}

async fn second_response(server: &Server) -> TestResponse {
    assert_eq!(server.get("/").await.status, 200);
    server.get("/").await
}

#[tokio::test]
async fn passes_every_detail_of_a_refusal() {
    let (backend, _) = midnight();
    let app = Router::new().route("/", get(limited));
    let server = Server::start(app.layer(provide(backend.on_throttled(describe)))).await;
    let refused = second_response(&server).await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.field("x-own"), Some("yes"));
    assert_eq!(refused.field("retry-after"), Some("60"));
    assert_eq!(refused.limits.len(), 1);
    let mut body = refused.json();
    assert!(
        body["uid"]
            .as_str()
            .unwrap()
            .ends_with("on_throttled::Limited")
    );
    assert!(
        body["text"]
            .as_str()
            .unwrap()
            .ends_with("try again in 60 seconds")
    );
    body.as_object_mut()
        .unwrap()
        .retain(|key, _| key != "uid" && key != "text");
    assert_eq!(
        body,
        json!({
            "path": "/", "wait": 60, "limit": 1, "remaining": 0, "decided": true, "violated": ["Limited"], "retry": "60",
        })
    );
}

#[tokio::test]
async fn responds_429_if_the_response_has_no_status() {
    let (backend, _) = midnight();
    let app = Router::new().route("/", get(limited));
    let server = Server::start(app.layer(provide(backend.on_throttled(page)))).await;
    let refused = second_response(&server).await;
    assert_eq!((refused.status, &*refused.body), (429, "<p>Slow down.</p>"));
    assert_eq!(
        refused.field("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(refused.field("retry-after"), Some("60"));
}

#[tokio::test]
async fn keeps_fields_of_the_custom_response() {
    let (backend, _) = midnight();
    let app = Router::new().route("/", get(limited));
    let server = Server::start(app.layer(provide(backend.on_throttled(own_fields)))).await;
    let refused = second_response(&server).await;
    assert_eq!(
        (refused.status, refused.field("retry-after")),
        (418, Some("99"))
    );
    assert_eq!(refused.field("location"), Some("/slow"));
}

async fn extracted(limiter: Limiter<Limited>) -> Result<(), Rejection> {
    limiter.reserve(1).await?.keep();
    Ok(())
}

async fn anything() {}

#[tokio::test]
async fn applies_to_layers_and_limiters() {
    let (backend, _) = midnight();
    let app = Router::new().route("/", get(extracted));
    let server = Server::start(app.layer(provide(backend.on_throttled(describe)))).await;
    assert_eq!(second_response(&server).await.status, 503);
    let (backend, _) = midnight();
    let app = Router::new().route("/", get(anything));
    let app = app.layer(ThrottleLayer::new().throttle::<Limited>());
    let server = Server::start(app.layer(provide(backend.on_throttled(describe)))).await;
    let refused = second_response(&server).await;
    assert_eq!((refused.status, refused.field("x-own")), (503, Some("yes")));
    assert_eq!(refused.json()["path"], "/");
}

/// A refusal without a law is passed to the function; an error is not.
#[tokio::test]
async fn applies_to_unreachable_backends() {
    let store = FlakyStore::new();
    store.fail(Fault::Refuse);
    let backend = Backend::custom(store).on_throttled(describe);
    let app = Router::new()
        .route("/", get(limited))
        .layer(provide(backend.clone()));
    let refused = Server::start(app).await.get("/").await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.json()["decided"], false);
    let backend = backend.on_error(traffik::failure::raise());
    let app = Router::new()
        .route("/", get(limited))
        .layer(provide(backend));
    let raised = Server::start(app).await.get("/").await;
    assert_eq!((raised.status, raised.field("x-own")), (503, None));
}

async fn by_key(parts: &http::request::Parts) -> Result<Identity, &'static str> {
    let key = parts.headers.get("x-key").ok_or("no key")?;
    Ok(match key.as_bytes() {
        b"root" => Identity::Exempt,
        key => Identity::new(key),
    })
}

/// A backend's identifier applies to throttles without one.
#[tokio::test]
async fn applies_default_identifiers() {
    let (backend, _) = midnight();
    let backend = backend.identifier(by_key);
    let app = Router::new()
        .route("/", get(for_user))
        .layer(provide(backend.clone()));
    let server = Server::start(app).await;
    for (key, statuses) in [("a", [200, 429]), ("b", [200, 429]), ("root", [200, 200])] {
        for status in statuses {
            assert_eq!(
                server.get_with("/", "x-key", key).await.status,
                status,
                "{key}"
            );
        }
    }
    assert_eq!(server.get("/").await.status, 500);
    // An identifier of the throttle overrides it.
    assert!(Ip::hit(&head(&backend)).await.unwrap().admitted);
    let named = backend.identifier(|_: &http::request::Parts| PEER.to_owned());
    assert!(!Ip::hit(&head(&named)).await.unwrap().admitted);
    assert!(Whom::hit(&head(&named)).await.unwrap().admitted);
}

fn by_the_throttle(_: &Rejection) -> (StatusCode, &'static str) {
    (StatusCode::BAD_GATEWAY, "the throttle's")
}

async fn by_the_handler(_: &Rejection) -> (StatusCode, &'static str) {
    tokio::task::yield_now().await;
    (StatusCode::GATEWAY_TIMEOUT, "the handler's")
}

traffik::throttles! {
    defaults(on_throttled = by_the_throttle, identifier = everyone);

    throttle ByDefault(rate = "1/minute");
    throttle Itself(rate = "1/hour", on_throttled = by_the_handler);
}

#[throttled(ByDefault)]
async fn by_default() {}

#[throttled(ByDefault, Itself)]
async fn longest() {}

#[throttled(Limited, on_throttled = by_the_handler)]
async fn used() {}

#[throttled(rate = "1/minute", on_throttled = self::by_the_throttle, cost = |name| name.len())]
async fn with_a_closure(axum::extract::Path(name): axum::extract::Path<String>) -> String {
    name
}

/// A function of the handler overrides that of the throttle, which overrides that of the backend.
#[tokio::test]
async fn prefers_the_response_of_the_handler() {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/default", get(by_default))
        .route("/longest", get(longest))
        .route("/used", get(used))
        .route("/closure/{name}", get(with_a_closure));
    let server = Server::start(app.layer(provide(backend.on_throttled(describe)))).await;
    assert_eq!(server.get("/default").await.status, 200);
    let refused = server.get("/default").await;
    assert_eq!((refused.status, &*refused.body), (502, "the throttle's"));
    assert_eq!(refused.field("retry-after"), Some("60"));
    assert_eq!(server.get("/used").await.status, 200);
    let refused = server.get("/used").await;
    assert_eq!((refused.status, &*refused.body), (504, "the handler's"));
    assert_eq!(refused.limits.len(), 1);
    // The first throttle refuses; then both would, and the second for longer.
    assert_eq!(server.get("/longest").await.status, 502);
    assert_eq!(server.get("/closure/a").await.status, 200);
    assert_eq!(server.get("/closure/b").await.status, 502);
}

traffik::throttles! {
    throttle Shadowed(rate = "1/minute", identifier = everyone, shadow);
    throttle Real(rate = "2/minute", identifier = everyone);
}

#[throttled(rate = "1/minute", shadow)]
async fn shadow() {}

#[throttled(Shadowed, Real)]
async fn one_in_shadow() {}

/// A shadow throttle refuses no request and does not appear in responses.
#[tokio::test]
async fn ignores_shadow_throttles() {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/shadow", get(shadow))
        .route("/one", get(one_in_shadow));
    let server = Server::start(app.layer(provide(backend.clone()))).await;
    for _ in 0..3 {
        let response = server.get("/shadow").await;
        assert!(response.status == 200 && response.has_no_limit_fields());
    }
    let first = server.get("/one").await;
    assert_eq!(first.limits.len(), 1);
    assert_eq!(server.statuses("/one", 2).await, [200, 429]);
    let stat = Shadowed::stat(&head(&backend)).await.unwrap();
    assert_eq!(stat.hits_remaining, 0);
}
