//! A random part of the wait that refused clients are told, so that they do not come back together.

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

/// So many refusals that draws reach both halves of their range, and differ.
const REFUSALS: usize = 60;

#[throttled(rate = "1/minute", spread = "9s", identifier = everyone, headers = both)]
async fn spread() {}

#[throttled(rate = "1/10s", min_wait = "30s", spread = "9s", identifier = everyone)]
async fn lifted() {}

#[throttled(Zero)]
async fn zero() {}

#[throttled(rate = "1/minute", spread = "9s", identifier = everyone, cost = two)]
async fn never() {}

const fn two(_: &http::request::Parts) -> u64 {
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

/// The seconds that refused clients are told, which are alike wherever they stand in one response.
async fn told(app: &Router, path: &str) -> BTreeSet<u64> {
    let mut told = BTreeSet::new();
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
        told.insert(seconds);
    }
    told
}

/// Draws lie between the wait and the whole spread beyond it, and in both halves of that.
#[track_caller]
fn reach(told: &BTreeSet<u64>, wait: u64, spread: u64) {
    let (first, last) = (*told.first().unwrap(), *told.last().unwrap());
    assert!(first >= wait && last <= wait + spread, "{told:?}");
    let half = wait + spread / 2;
    assert!(first <= half && last > half, "{told:?}");
}

#[tokio::test]
async fn refused_clients_are_told_different_waits_and_none_too_short() {
    let app = app(midnight().0);
    let admitted = response(&app, "/spread").await;
    assert_eq!((admitted.status, admitted.limits[0].next), (200, Some(60)));
    reach(&told(&app, "/spread").await, 60, 9);
    let refused = response(&app, "/spread").await;
    assert_eq!(refused.legacy()[2], refused.field("retry-after"));
}

#[tokio::test]
async fn it_is_added_to_the_least_wait() {
    let app = app(midnight().0);
    assert_eq!(response(&app, "/lifted").await.status, 200);
    reach(&told(&app, "/lifted").await, 30, 9);
}

#[tokio::test]
async fn a_layer_a_limiter_and_a_use_spread_alike() {
    for path in ["/layered", "/limited", "/used"] {
        let app = app(midnight().0);
        assert_eq!(response(&app, path).await.status, 200);
        reach(&told(&app, path).await, 60, 9);
    }
}

#[tokio::test]
async fn of_a_set_the_longest_spread_of_those_that_refuse_is_drawn_once() {
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
    assert!(told(&app, "/short").await.is_subset(&[20, 21].into()));
}

#[tokio::test]
async fn a_spread_of_zero_is_exact() {
    let app = app(midnight().0);
    assert_eq!(response(&app, "/zero").await.status, 200);
    assert_eq!(told(&app, "/zero").await, [60].into());
}

#[tokio::test]
async fn a_refusal_for_ever_has_no_wait_to_spread() {
    let refused = response(&app(midnight().0), "/never").await;
    assert_eq!((refused.status, refused.field("retry-after")), (400, None));
}

#[tokio::test]
async fn a_decision_stays_exact() {
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
async fn a_failed_backend_spreads_the_clients_that_it_holds_off() {
    let store = FlakyStore::new();
    store.fail(Fault::Refuse);
    let policy = traffik::failure::throttle_for(Duration::from_secs(20));
    let app = app(Backend::custom(store).on_error(policy));
    reach(&told(&app, "/spread").await, 20, 9);
}

/// Steps are fine: waits below a second differ.
#[tokio::test]
async fn a_throttle_made_at_run_time_says_what_to_tell() {
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
    let told: BTreeSet<_> = (0..REFUSALS)
        .map(|_| throttle.retry_after(&refused).unwrap())
        .collect();
    assert!(told.len() > REFUSALS / 2, "{told:?}");
    let least = Duration::from_secs(90);
    assert!(*told.first().unwrap() >= least);
    assert!(*told.last().unwrap() <= least + Duration::from_millis(900));
    let never = throttle.hit(&everyone, 2).await.unwrap();
    assert_eq!(throttle.retry_after(&never), None);
}
