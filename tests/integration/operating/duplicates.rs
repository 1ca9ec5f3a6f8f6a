//! Two different throttles of one uid are an error on the second's first use.

use axum::Router;
use axum::routing::get;
use traffik::strategy::{FixedWindow, Strategy, TokenBucket};
use traffik::{
    Backend, DynThrottle, ErrorKind, Identity, Rate, Throttle as _, provide, registry, throttled,
};
use traffik_tests::{Server, head, midnight};

mod other {
    traffik::throttles! {
        pub(super) throttle Rate(rate = "6/minute", uid = "duplicates::rate");
        pub(super) throttle Same(rate = "5/minute", uid = "duplicates::same");
    }
}

traffik::throttles! {
    throttle First(rate = "5/minute", uid = "duplicates::rate");
    throttle Same(rate = "5/minute", uid = "duplicates::same");
    throttle Window(rate = "5/minute", uid = "duplicates::strategy");
    throttle Bucket(rate = "5/minute", strategy = token_bucket, uid = "duplicates::strategy");
    throttle Small(rate = "5/minute", strategy = token_bucket(burst = 5), uid = "duplicates::parameters");
    throttle Large(rate = "5/minute", strategy = token_bucket(burst = 9), uid = "duplicates::parameters");
    throttle Everywhere(rate = "5/minute", uid = "duplicates::scope");
    throttle Routed(rate = "5/minute", scope = route, uid = "duplicates::scope");
    throttle Tiers(rate = "5/minute", strategy = tiered(free = 1.0, default = free), uid = "duplicates::tiers");
    throttle MoreTiers(rate = "5/minute", strategy = tiered(free = 1.0, paid = 2.0, default = free), uid = "duplicates::tiers");
    throttle Written(rate = "5/minute", uid = "duplicates::written");
}

#[tokio::test]
async fn reports_different_rates() {
    let parts = head(&midnight().0);
    assert!(First::hit(&parts).await.unwrap().admitted);
    let errors = [
        other::Rate::hit(&parts).await.unwrap_err(),
        other::Rate::check(&parts, 1).await.unwrap_err(),
        other::Rate::stat(&parts).await.map(|_| ()).unwrap_err(),
        <(First, other::Rate)>::hit(&parts).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Configuration);
        let message = error.to_string();
        let places = message.matches("duplicates.rs:").count();
        assert_eq!(places, 2, "{message}");
        for part in [
            "throttle `duplicates::rate` cannot work: two different throttles have this `uid`, at ",
            " (5/m, fixed_window) and at ",
            " (6/m, fixed_window); give one of them a `uid` of its own",
        ] {
            assert!(message.contains(part), "{message}");
        }
    }
    // The first throttle is not affected.
    assert_eq!(First::hit(&parts).await.unwrap().remaining, 3);
    assert_eq!(
        super::entry("duplicates::rate").unwrap().rates,
        [Rate::per_minute(5)]
    );
}

#[tokio::test]
async fn reports_different_strategies_parameters_and_scopes() {
    let parts = head(&midnight().0);
    Window::hit(&parts).await.unwrap();
    Bucket::hit(&parts).await.unwrap_err();
    Large::hit(&parts).await.unwrap();
    Small::hit(&parts).await.unwrap_err();
    Routed::hit(&parts).await.unwrap();
    Everywhere::hit(&parts).await.unwrap_err();
    // A law that is computed for each hit is compared too.
    Tiers::hit(&parts).await.unwrap();
    MoreTiers::hit(&parts).await.unwrap_err();
}

/// Equal definitions are one throttle.
#[tokio::test]
async fn shares_a_budget_between_equal_definitions() {
    let parts = head(&midnight().0);
    assert_eq!(Same::hit(&parts).await.unwrap().remaining, 4);
    assert_eq!(other::Same::hit(&parts).await.unwrap().remaining, 3);
    registry()
        .set_rate("duplicates::same", Rate::per_minute(9))
        .unwrap();
    assert_eq!(Same::hit(&parts).await.unwrap().remaining, 6);
    assert_eq!(other::Same::hit(&parts).await.unwrap().remaining, 5);
}

/// `#[debug_handler]` emits a definition twice, which is one throttle.
#[throttled(rate = "2/minute", uid = "duplicates::debugged")]
#[axum::debug_handler]
async fn debugged() {}

#[throttled(rate = "2/minute", uid = "duplicates::handler")]
async fn mine() {}

#[throttled(rate = "3/minute", uid = "duplicates::handler")]
async fn yours() {}

#[tokio::test]
async fn responds_500_in_a_handler() {
    let app = Router::new().route("/debugged", get(debugged));
    let app = app.route("/mine", get(mine)).route("/yours", get(yours));
    let server = Server::start(app.layer(provide(midnight().0))).await;
    assert_eq!(server.statuses("/debugged", 3).await, [200, 200, 429]);
    assert_eq!(server.statuses("/mine", 1).await, [200]);
    assert_eq!(server.statuses("/yours", 2).await, [500, 500]);
}

fn build(
    uid: &str,
    backend: &Backend,
    limit: u64,
    strategy: impl Strategy,
) -> Result<DynThrottle, traffik::Error> {
    let builder = DynThrottle::builder(uid).rate(Rate::per_minute(limit));
    builder.strategy(strategy).backend(backend.clone()).build()
}

#[test]
fn reports_a_duplicate_when_a_throttle_is_built() {
    let uid = "duplicates::built";
    let backend = Backend::memory();
    let first = build(uid, &backend, 5, FixedWindow::new()).unwrap();
    let same = build(uid, &backend, 5, FixedWindow::new()).unwrap();
    for refused in [
        build(uid, &backend, 6, FixedWindow::new()),
        build(uid, &backend, 5, TokenBucket::new()),
        DynThrottle::builder(uid).rate(Rate::per_minute(6)).build(),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert_eq!(
            error.to_string().matches("duplicates.rs:").count(),
            2,
            "{error}"
        );
    }
    // On another backend it uses other states.
    let elsewhere = build(uid, &Backend::memory(), 6, FixedWindow::new()).unwrap();
    drop((first, same));
    build(uid, &backend, 6, FixedWindow::new()).unwrap();
    drop(elsewhere);
}

/// Refunds that are still to be made do not keep the uid.
#[tokio::test]
async fn replaces_a_built_throttle_while_a_reservation_is_open() {
    let uid = "duplicates::reserved";
    let ada = Identity::new("ada");
    let backend = Backend::memory();
    let first = build(uid, &backend, 5, FixedWindow::new()).unwrap();
    let reservation = first.reserve(&ada, 2).await.unwrap();
    build(uid, &backend, 6, FixedWindow::new()).unwrap_err();
    drop(first);
    let second = build(uid, &backend, 6, FixedWindow::new()).unwrap();
    reservation.settle(0).await.unwrap();
    assert_eq!(second.hit(&ada, 1).await.unwrap().remaining, 5);
}

#[tokio::test]
async fn does_not_replace_a_definition_by_a_built_throttle() {
    let parts = head(&midnight().0);
    Written::hit(&parts).await.unwrap();
    build(
        "duplicates::written",
        &Backend::memory(),
        6,
        FixedWindow::new(),
    )
    .unwrap_err();
    build(
        "duplicates::written",
        &Backend::memory(),
        5,
        FixedWindow::new(),
    )
    .unwrap();
    assert!(Written::hit(&parts).await.unwrap().admitted);
}
