//! `spread`: a random addition to the wait of refused clients, so that they do not return together.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use tower::ServiceExt as _;
use traffik::testing::{Fault, FlakyStore};
use traffik::{
    Backend, DynThrottle, Identity, Limiter, Rejection, Throttle as _, ThrottleLayer, provide,
    throttled,
};
use traffik_tests::{PEER, TestResponse, head, midnight, peer};

/// Enough refusals that the draws reach both halves of their range, and differ.
const REFUSALS: usize = 60;

#[throttled(rate = "1/minute", spread = "9s", identifier = everyone, headers = both)]
async fn spread() {}

#[throttled(rate = "1/10s", min_wait = "30s", spread = "9s", identifier = everyone)]
async fn lifted() {}

#[throttled(Zero)]
async fn zero() {}

#[throttled(rate = "1/minute", spread = "9s", identifier = everyone, cost = cost_of_two)]
async fn never() {}

const fn cost_of_two(_: &http::request::Parts) -> u64 {
    2
}

traffik::throttles! {
    defaults(spread = "9s", identifier = everyone);

    throttle Short(rate = "1/20s", spread = "1s");
    throttle Long(rate = "1/minute");
    throttle Ample(rate = "900/minute", spread = "1h");
    throttle Bare(rate = "1/minute", spread = "0s");
    throttle Zero(rate = "1/minute", spread = "0s");
}

#[throttled(Short)]
async fn short() {}

#[throttled(Short, Long, Ample)]
async fn set() {}

#[throttled(Bare, spread = "9s")]
async fn used() {}

async fn limited(limiter: Limiter<Long>) -> Result<(), Rejection> {
    limiter.reserve(1).await?.keep();
    Ok(())
}

async fn bare() {}

fn app(backend: Backend) -> Router {
    let app = Router::new()
        .route("/layered", get(bare))
        .route_layer(ThrottleLayer::new().throttle::<Long>())
        .route("/spread", get(spread))
        .route("/lifted", get(lifted))
        .route("/zero", get(zero))
        .route("/never", get(never))
        .route("/short", get(short))
        .route("/set", get(set))
        .route("/used", get(used))
        .route("/limited", get(limited));
    app.layer(provide(backend))
}

async fn response(app: &Router, path: &str) -> TestResponse {
    let request = Request::get(path).extension(peer(PEER));
    let request = request.body(Body::empty()).unwrap();
    TestResponse::read(app.clone().oneshot(request).await.unwrap()).await
}

/// Returns the seconds that refused clients are sent, which are equal in all fields of one
/// response.
async fn waits(app: &Router, path: &str) -> BTreeSet<u64> {
    let mut waits = BTreeSet::new();
    for _ in 0..REFUSALS {
        let refused = response(app, path).await;
        assert_eq!(refused.status, 429, "{path}");
        let seconds = refused.field("retry-after").unwrap();
        let detail = format!("try again in {seconds} seconds");
        assert!(
            refused.json()["detail"]
                .as_str()
                .unwrap()
                .ends_with(&detail)
        );
        let seconds = seconds.parse().unwrap();
        if let Some(limit) = refused.limits.last() {
            assert_eq!(limit.next, Some(seconds), "{path}");
        }
        waits.insert(seconds);
    }
    waits
}

/// Asserts that all draws lie between the wait and the whole spread beyond it, and in both halves
/// of that range.
#[track_caller]
fn assert_reach(waits: &BTreeSet<u64>, wait: u64, spread: u64) {
    let (first, last) = (*waits.first().unwrap(), *waits.last().unwrap());
    assert!(first >= wait && last <= wait + spread, "{waits:?}");
    let half = wait + spread / 2;
    assert!(first <= half && last > half, "{waits:?}");
}

#[tokio::test]
async fn sends_different_waits_and_none_too_short() {
    let app = app(midnight().0);
    let admitted = response(&app, "/spread").await;
    assert_eq!((admitted.status, admitted.limits[0].next), (200, Some(60)));
    assert_reach(&waits(&app, "/spread").await, 60, 9);
    let refused = response(&app, "/spread").await;
    assert_eq!(refused.legacy()[2], refused.field("retry-after"));
}

#[tokio::test]
async fn adds_to_min_wait() {
    let app = app(midnight().0);
    assert_eq!(response(&app, "/lifted").await.status, 200);
    assert_reach(&waits(&app, "/lifted").await, 30, 9);
}

#[tokio::test]
async fn applies_to_layers_limiters_and_handlers() {
    for path in ["/layered", "/limited", "/used"] {
        let app = app(midnight().0);
        assert_eq!(response(&app, path).await.status, 200);
        assert_reach(&waits(&app, path).await, 60, 9);
    }
}

#[tokio::test]
async fn draws_the_longest_spread_of_a_refused_set_once() {
    let app = app(midnight().0);
    assert_eq!(response(&app, "/set").await.status, 200);
    for _ in 0..REFUSALS {
        let refused = response(&app, "/set").await;
        let seconds: u64 = refused.field("retry-after").unwrap().parse().unwrap();
        let next: Vec<_> = refused.limits.iter().map(|it| it.next.unwrap()).collect();
        assert_eq!(next, [seconds - 40, seconds, 60]);
        assert!((60..=69).contains(&seconds), "{seconds}");
    }
    let app = self::app(midnight().0);
    assert_eq!(response(&app, "/short").await.status, 200);
    assert!(waits(&app, "/short").await.is_subset(&[20, 21].into()));
}

#[tokio::test]
async fn leaves_waits_exact_with_a_spread_of_zero() {
    let app = app(midnight().0);
    assert_eq!(response(&app, "/zero").await.status, 200);
    assert_eq!(waits(&app, "/zero").await, [60].into());
}

#[tokio::test]
async fn adds_nothing_to_a_permanent_refusal() {
    let refused = response(&app(midnight().0), "/never").await;
    assert_eq!((refused.status, refused.field("retry-after")), (400, None));
}

#[tokio::test]
async fn leaves_the_wait_of_a_decision_exact() {
    let (backend, _) = midnight();
    let parts = head(&backend);
    assert!(spread::hit(&parts).await.unwrap().admitted);
    for _ in 0..REFUSALS {
        let refused = spread::hit(&parts).await.unwrap();
        assert_eq!(refused.wait, Some(Duration::from_secs(60)));
        assert_eq!(refused.next, Some(Duration::from_secs(60)));
    }
}

#[tokio::test]
async fn spreads_clients_of_a_failed_backend() {
    let store = FlakyStore::new();
    store.fail(Fault::Refuse);
    let policy = traffik::failure::throttle_for(Duration::from_secs(20));
    let app = app(Backend::custom(store).on_error(policy));
    assert_reach(&waits(&app, "/spread").await, 20, 9);
}

/// Fractions of a second differ too.
#[tokio::test]
async fn draws_waits_for_a_throttle_built_at_run_time() {
    let (backend, _) = midnight();
    let throttle = DynThrottle::builder("jobs")
        .rate("1/minute".parse().unwrap())
        .min_wait(Duration::from_secs(90))
        .spread(Duration::from_millis(900))
        .backend(backend)
        .build()
        .unwrap();
    let everyone = Identity::everyone();
    let admitted = throttle.hit(&everyone, 1).await.unwrap();
    assert_eq!(throttle.retry_after(&admitted), Some(Duration::ZERO));
    let refused = throttle.hit(&everyone, 1).await.unwrap();
    assert_eq!(refused.wait, Some(Duration::from_secs(60)));
    let waits: BTreeSet<_> = (0..REFUSALS)
        .map(|_| throttle.retry_after(&refused).unwrap())
        .collect();
    assert!(waits.len() > REFUSALS / 2, "{waits:?}");
    let least = Duration::from_secs(90);
    assert!(*waits.first().unwrap() >= least);
    assert!(*waits.last().unwrap() <= least + Duration::from_millis(900));
    let never = throttle.hit(&everyone, 2).await.unwrap();
    assert_eq!(throttle.retry_after(&never), None);
}
