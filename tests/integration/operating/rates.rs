//! `set_rate` applies from the next hit on, everywhere in the process, to the existing states
//! (L30).

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::request::Parts;
use tokio::sync::Barrier;
use traffik::strategy::{Tiered, TokenBucket};
use traffik::{
    DynThrottle, ErrorKind, HeaderStyle, Identity, Rate, Throttle as _, provide, registry,
    throttled,
};
use traffik_tests::{QuotaPolicy, Server, ServiceLimit, head, midnight};

use super::entry;

fn of_request(_: &Parts) -> Rate {
    Rate::per_minute(2)
}

traffik::throttles! {
    throttle Lowered(rate = "10/minute", uid = "rates::lowered");
    throttle Listed(rate = ["10/minute", "100/hour"], uid = "rates::listed");
    throttle PerRequest(rate = of_request, uid = "rates::per_request");
    throttle Logged(rate = "3/minute", strategy = sliding_log, uid = "rates::logged");
    throttle Paid(rate = "10/minute", strategy = tiered(free = 1.0, paid = 3.0, default = free), identifier = paid, uid = "rates::paid");
}

fn paid(_: &Parts) -> Identity {
    Identity::new("user").tier("paid")
}

#[tokio::test]
async fn keeps_the_count_under_a_new_limit() {
    let parts = head(&midnight().0);
    for _ in 0..7 {
        assert!(Lowered::hit(&parts).await.unwrap().admitted);
    }
    registry()
        .set_rate("rates::lowered", Rate::per_minute(8))
        .unwrap();
    let decision = Lowered::hit(&parts).await.unwrap();
    assert_eq!(
        (decision.admitted, decision.limit, decision.remaining),
        (true, 8, 0)
    );
    assert!(!Lowered::hit(&parts).await.unwrap().admitted);
    registry()
        .set_rate("rates::lowered", "5/minute".parse::<Rate>().unwrap())
        .unwrap();
    let stat = Lowered::stat(&parts).await.unwrap();
    assert_eq!(
        (stat.rate.to_string().as_str(), stat.hits_remaining),
        ("5/m", 0)
    );
    registry().reset("rates::lowered").unwrap();
    assert_eq!(Lowered::stat(&parts).await.unwrap().hits_remaining, 2);
}

#[tokio::test]
async fn replaces_a_list_by_one_rate_and_back() {
    let parts = head(&midnight().0);
    assert!(Listed::hit_cost(&parts, 9).await.unwrap().admitted);
    registry()
        .set_rate("rates::listed", Rate::per_minute(20))
        .unwrap();
    let stat = Listed::stat(&parts).await.unwrap();
    assert_eq!((stat.members.len(), stat.hits_remaining), (0, 11));
    let list = [Rate::per_minute(15), Rate::per_hour(12), Rate::per_day(99)];
    registry().set_rate("rates::listed", list).unwrap();
    let stat = Listed::stat(&parts).await.unwrap();
    let remaining: Vec<_> = stat
        .members
        .iter()
        .map(|member| member.hits_remaining)
        .collect();
    // Reading under one rate drops nothing: counts of the same periods remain. A new period starts
    // a new count.
    assert_eq!(remaining, [6, 3, 99]);
    assert_eq!(entry("rates::listed").unwrap().rates, list);
    assert_eq!(entry("rates::listed").unwrap().defined_rates.len(), 2);
    registry()
        .set_rate("rates::listed", Rate::UNLIMITED)
        .unwrap();
    assert_eq!(Listed::hit(&parts).await.unwrap().remaining, u64::MAX);
}

#[tokio::test]
async fn overrides_the_rate_of_a_function() {
    let parts = head(&midnight().0);
    assert_eq!(PerRequest::hit(&parts).await.unwrap().remaining, 1);
    registry()
        .set_rate("rates::per_request", Rate::per_minute(5))
        .unwrap();
    assert_eq!(PerRequest::hit(&parts).await.unwrap().remaining, 3);
    registry().reset("rates::per_request").unwrap();
    assert!(!PerRequest::hit(&parts).await.unwrap().admitted);
}

#[tokio::test]
async fn applies_to_laws_that_depend_on_the_client() {
    let parts = head(&midnight().0);
    assert_eq!(Paid::hit(&parts).await.unwrap().remaining, 29);
    registry()
        .set_rate("rates::paid", Rate::per_minute(2))
        .unwrap();
    assert_eq!(Paid::hit(&parts).await.unwrap().remaining, 4);
}

#[tokio::test]
async fn keeps_the_states_of_logs_and_buckets() {
    let (backend, clock) = midnight();
    let parts = head(&backend);
    for _ in 0..3 {
        assert!(Logged::hit(&parts).await.unwrap().admitted);
        clock.advance(Duration::from_secs(10));
    }
    registry()
        .set_rate("rates::logged", Rate::new(2, Duration::from_secs(30)))
        .unwrap();
    let refused = Logged::hit(&parts).await.unwrap();
    // The entries at 10 and 20 s are younger than half a minute, and that at 0 s has just expired.
    assert_eq!(
        (refused.admitted, refused.wait),
        (false, Some(Duration::from_secs(10)))
    );

    let bucket = DynThrottle::builder("rates::bucket").rate(Rate::per_second(1));
    let bucket = bucket
        .strategy(TokenBucket::new().burst(10))
        .backend(backend)
        .build()
        .unwrap();
    let user = Identity::new("user");
    assert!(bucket.hit(&user, 10).await.unwrap().admitted);
    registry()
        .set_rate("rates::bucket", Rate::per_second(5))
        .unwrap();
    clock.advance(Duration::from_secs(1));
    assert_eq!(bucket.hit(&user, 1).await.unwrap().remaining, 4);
}

/// No task that starts a hit after `set_rate` returned uses the old rate.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn applies_from_the_next_hit_in_every_task() {
    const TASKS: usize = 8;
    let backend = midnight().0;
    let build = || {
        let builder = DynThrottle::builder("rates::tasks").rate(Rate::per_day(1_000_000));
        builder.backend(backend.clone()).build().unwrap()
    };
    let (throttle, barrier) = (build(), Arc::new(Barrier::new(TASKS + 1)));
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            // Half of the tasks have their own throttle of the same uid.
            let throttle = if task % 2 == 0 {
                throttle.clone()
            } else {
                build()
            };
            let barrier = barrier.clone();
            tokio::spawn(async move {
                for round in 1..=50 {
                    barrier.wait().await;
                    let decision = throttle.hit(&Identity::from(task as u64), 1).await.unwrap();
                    assert_eq!(decision.limit, 1_000 + round);
                    barrier.wait().await;
                }
            })
        })
        .collect();
    for round in 1..=50 {
        registry()
            .set_rate("rates::tasks", Rate::per_day(1_000 + round))
            .unwrap();
        barrier.wait().await;
        barrier.wait().await;
    }
    for task in tasks {
        task.await.unwrap();
    }
}

#[throttled(rate = "2/minute", uid = "rates::handler")]
async fn handler() {}

#[tokio::test]
async fn sends_the_new_rate_in_header_fields() {
    let app = Router::new()
        .route("/", get(handler))
        .layer(provide(midnight().0));
    let server = Server::start(app).await;
    assert_eq!(server.statuses("/", 3).await, [200, 200, 429]);
    registry()
        .set_rate("rates::handler", Rate::per_minute(4))
        .unwrap();
    let response = server.get("/").await;
    assert_eq!(response.status, 200);
    assert_eq!(response.policies, [QuotaPolicy::new("handler", 4, 60)]);
    assert_eq!(response.limits, [ServiceLimit::new("handler", 1, 60)]);
}

#[test]
fn changes_nothing_for_an_impossible_rate() {
    let backend = midnight().0;
    let builder = DynThrottle::builder("rates::strict").rate(Rate::per_minute(100));
    let builder = builder.strategy(Tiered::new().tier("free", 0.1).default_tier("free"));
    let _throttle = builder.backend(backend).build().unwrap();
    let refused = |rates: Vec<Rate>| {
        let error = registry().set_rate("rates::strict", rates).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert_eq!(
            entry("rates::strict").unwrap().rates,
            [Rate::per_minute(100)]
        );
        error.to_string()
    };
    assert_eq!(
        refused(vec![Rate::per_minute(50), Rate::per_hour(9)]),
        "throttle `rates::strict` cannot work: a tier's limit rounds below 1; use a larger multiplier or limit"
    );
    assert_eq!(
        refused(vec![]),
        "throttle `rates::strict` cannot work: its list of rates is empty; add a rate, or use `disable`"
    );
}

/// A throttle that is dropped and built again starts with its definition.
#[tokio::test]
async fn ends_with_the_throttle() {
    let build = |limit| {
        let builder = DynThrottle::builder("rates::tenant").rate(Rate::per_minute(limit));
        builder.backend(midnight().0).build().unwrap()
    };
    let first = build(3);
    registry()
        .set_rate("rates::tenant", Rate::per_minute(1))
        .unwrap();
    drop(first);
    let second = build(7);
    let user = Identity::new("user");
    assert_eq!(second.hit(&user, 1).await.unwrap().remaining, 6);
    let headers = second.stat(&user).await.unwrap().headers(HeaderStyle::Ietf);
    assert_eq!(headers["ratelimit-policy"], "\"rates::tenant\";q=7;w=60");
}
