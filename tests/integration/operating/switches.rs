//! `disable` and `enable`.

use axum::Router;
use axum::routing::get;
use traffik::{
    Backend, DynThrottle, HeaderStyle, Identity, Rate, Throttle as _, provide, registry, throttled,
};
use traffik_tests::{Server, head, midnight};

use super::entry;

traffik::throttles! {
    throttle Switched(rate = "1/minute", uid = "switches::switched");
    throttle Beside(rate = "5/minute", uid = "switches::beside");
}

#[throttled(rate = "1/minute", headers = both, uid = "switches::handler")]
async fn handler() {}

/// A disabled throttle admits every hit as unlimited and counts none.
#[tokio::test]
async fn admits_every_hit_without_counting_while_disabled() {
    let parts = head(&midnight().0);
    assert!(Switched::hit(&parts).await.unwrap().admitted);
    assert!(!Switched::hit(&parts).await.unwrap().admitted);
    registry().disable("switches::switched").unwrap();
    let decision = Switched::hit_cost(&parts, u64::MAX).await.unwrap();
    assert_eq!(decision, traffik::Decision::unlimited());
    assert!(Switched::check(&parts, 9).await.unwrap());
    let stat = Switched::stat(&parts).await.unwrap();
    assert_eq!(
        (stat.rate, stat.hits_remaining),
        (Rate::UNLIMITED, u64::MAX)
    );
    assert!(stat.headers(HeaderStyle::Both).is_empty());
    assert!(!entry("switches::switched").unwrap().enabled);

    let both = <(Switched, Beside)>::hit(&parts).await.unwrap();
    assert_eq!((both.admitted, both.limit), (true, 5));

    registry().enable("switches::switched").unwrap();
    assert!(!Switched::hit(&parts).await.unwrap().admitted);
    assert!(entry("switches::switched").unwrap().enabled);
}

#[tokio::test]
async fn sends_no_fields_while_disabled() {
    let app = Router::new()
        .route("/", get(handler))
        .layer(provide(midnight().0));
    let server = Server::start(app).await;
    assert_eq!(server.statuses("/", 2).await, [200, 429]);
    registry().disable("switches::handler").unwrap();
    let response = server.get("/").await;
    assert!(
        response.status == 200 && response.has_no_limit_fields(),
        "{response:?}"
    );
    registry().enable("switches::handler").unwrap();
    assert_eq!(server.get("/").await.status, 429);
}

/// A rate that is set meanwhile applies when the throttle is enabled again, and a disabled throttle
/// needs no backend.
#[tokio::test]
async fn applies_a_rate_after_it_is_enabled_again() {
    let nowhere = Backend::redis("redis://127.0.0.1:1/").lazy();
    let builder = DynThrottle::builder("switches::away").rate(Rate::per_minute(1));
    let throttle = builder.backend(nowhere).build().unwrap();
    let user = Identity::new("user");
    registry().disable("switches::away").unwrap();
    registry()
        .set_rate("switches::away", Rate::per_minute(7))
        .unwrap();
    let decision = throttle.hit(&user, 1).await.unwrap();
    assert!(decision.admitted && decision.decided);
    registry().enable("switches::away").unwrap();
    let decision = throttle.hit(&user, 1).await.unwrap();
    assert!(!decision.decided);
    assert_eq!(decision.limit, 7);
}
