//! Predicates: the requests to which a throttle applies.

use axum::Router;
use axum::http::request::Parts;
use axum::routing::get;
use traffik::{Decision, ErrorKind, Identity, Throttle as _, provide, throttled};
use traffik_tests::{Server, head, midnight};

fn has(parts: &Parts, name: &str) -> bool {
    parts.headers.contains_key(name)
}

fn modifies(parts: &Parts) -> bool {
    has(parts, "x-write")
}

async fn internal(parts: &Parts) -> bool {
    tokio::task::yield_now().await;
    has(parts, "x-internal")
}

fn unless_broken(parts: &Parts) -> Result<bool, &'static str> {
    if has(parts, "x-broken") {
        Err("the secret list is unreachable")
    } else {
        Ok(has(parts, "x-internal"))
    }
}

async fn later_unless_broken(parts: &Parts) -> Result<bool, String> {
    unless_broken(parts).map_err(str::to_owned)
}

/// Fails for internal requests, which are always skipped.
fn never_of_internal(parts: &Parts) -> Result<Identity, &'static str> {
    if has(parts, "x-internal") {
        Err("an internal request was not skipped")
    } else {
        Ok(Identity::everyone())
    }
}

#[throttled(rate = "1/minute", only_if = modifies)]
async fn only() {}

#[throttled(rate = "1/minute", skip_if = internal, identifier = never_of_internal)]
async fn skip() {}

#[throttled(rate = "1/minute", only_if = self::modifies, skip_if = internal)]
async fn both() {}

traffik::throttles! {
    defaults(skip_if = internal, identifier = everyone);

    throttle ByDefault(rate = "1/minute");
    throttle Added(rate = "2/minute", only_if = modifies);
    throttle Replaced(rate = "3/minute", skip_if = modifies);
}

#[throttled(ByDefault, Added, Replaced)]
async fn members() {}

#[throttled(ByDefault, Added, only_if = modifies)]
async fn used() {}

#[throttled(ByDefault, rate = "9/minute", skip_if = later_unless_broken, identifier = everyone)]
async fn one_of_two() {}

#[throttled(ByDefault, skip_if = unless_broken)]
async fn broken_use() {}

async fn serve() -> Server {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/only", get(only))
        .route("/skip", get(skip))
        .route("/both", get(both))
        .route("/members", get(members))
        .route("/used", get(used))
        .route("/one_of_two", get(one_of_two))
        .route("/broken_use", get(broken_use));
    Server::start(app.layer(provide(backend))).await
}

/// Reports that the second of two requests is refused; if it is not, neither is counted or has
/// fields.
async fn is_limited(server: &Server, path: &str, name: &str) -> bool {
    let (first, second) = (
        server.get_with(path, name, "yes").await,
        server.get_with(path, name, "yes").await,
    );
    assert_eq!(first.status, 200, "{path} {name}");
    assert_eq!(second.status == 200, second.has_no_limit_fields());
    assert_eq!(first.has_no_limit_fields(), second.has_no_limit_fields());
    second.status == 429
}

#[tokio::test]
async fn ignores_requests_that_do_not_apply() {
    let server = serve().await;
    assert!(!is_limited(&server, "/only", "x-read").await);
    assert!(is_limited(&server, "/only", "x-write").await);
    assert!(!is_limited(&server, "/skip", "x-internal").await);
    assert!(is_limited(&server, "/skip", "x-external").await);
}

#[tokio::test]
async fn applies_if_both_predicates_hold() {
    let server = serve().await;
    assert!(!is_limited(&server, "/both", "x-read").await);
    assert!(is_limited(&server, "/both", "x-write").await);
    let request = server.request(http::Method::GET, "/both");
    let request = request.header("x-write", "yes").header("x-internal", "yes");
    assert_eq!(
        traffik_tests::TestResponse::of_request(request)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn hits_only_the_applicable_members_of_a_set() {
    let server = serve().await;
    let names = async |name: &str| -> Vec<_> {
        let response = server.get_with("/members", name, "yes").await;
        let policies = response.policies.iter();
        policies.map(|policy| policy.name.clone()).collect()
    };
    assert_eq!(names("x-read").await, ["ByDefault", "Replaced"]);
    // The first throttle refuses, so the second is not charged.
    assert_eq!(names("x-write").await, ["ByDefault", "Added"]);
    assert_eq!(names("x-internal").await, ["Replaced"]);
}

#[tokio::test]
async fn applies_predicates_of_a_handler() {
    let server = serve().await;
    assert!(!is_limited(&server, "/used", "x-read").await);
    assert!(is_limited(&server, "/used", "x-write").await);
}

#[tokio::test]
async fn reports_a_predicate_that_fails_without_charging() {
    let server = serve().await;
    for path in ["/one_of_two", "/broken_use"] {
        let response = server.get_with(path, "x-broken", "yes").await;
        assert_eq!(response.status, 500, "{path}");
        assert!(!response.body.contains("secret") && response.has_no_limit_fields());
    }
    assert!(is_limited(&server, "/one_of_two", "x-read").await);
}

#[tokio::test]
async fn evaluates_predicates_for_hits_and_checks_but_not_for_stats() {
    let (backend, _) = midnight();
    let mut parts = head(&backend);
    assert!(ByDefault::hit(&parts).await.unwrap().admitted);
    assert!(!ByDefault::check(&parts, 1).await.unwrap());
    parts
        .headers
        .insert("x-internal", http::HeaderValue::from_static("yes"));
    let skipped = ByDefault::hit(&parts).await.unwrap();
    assert_eq!(skipped, Decision::unlimited());
    assert!(ByDefault::check(&parts, 1).await.unwrap());
    assert_eq!(ByDefault::stat(&parts).await.unwrap().hits_remaining, 0);
    let (first, second) = <(ByDefault, Replaced)>::stat(&parts).await.unwrap();
    assert_eq!((first.hits_remaining, second.hits_remaining), (0, 3));
    parts
        .headers
        .insert("x-broken", http::HeaderValue::from_static("yes"));
    let error = one_of_two::hit(&parts).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Identifier);
    assert_eq!(
        error.to_string(),
        "`skip_if` failed: the secret list is unreachable"
    );
}
