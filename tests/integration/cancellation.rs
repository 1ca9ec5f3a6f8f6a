//! A future that is dropped at any await loses nothing: charges are used or refunded.

use std::sync::LazyLock;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::routing::get;
use http::Request;
use http::request::Parts;
use tower::ServiceExt as _;
use traffik::{Backend, Limiter, ManualClock, Quota, ThrottleLayer, Throttled, provide, throttled};
use traffik_tests::{ExpiringStore, PEER, YieldingStore, head, midnight, peer, poll_then_drop};

static CLOCK: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

fn memory() -> Backend {
    Backend::memory().clock(CLOCK.clone())
}

fn yielding() -> Backend {
    Backend::custom(YieldingStore::<ExpiringStore>::default()).clock(CLOCK.clone())
}

traffik::throttles! {
    throttle Slowly(rate = "1000/day", identifier = everyone);
    throttle Long(rate = "1000/day", identifier = everyone, strategy = sliding_log);
    throttle Here(rate = "1000/day", identifier = everyone, backend = memory());
    throttle There(rate = "1000/day", identifier = everyone, backend = yielding());
    throttle Settled(rate = "1000/day", identifier = everyone, backend = memory());
    throttle Also(rate = "1000/day", identifier = everyone, backend = memory());
    throttle Queued(rate = "100/second", identifier = everyone, strategy = leaky_bucket_with_queue(queue_size = 50));
}

#[throttled(Also, Slowly)]
async fn handler() {}

async fn limiter<T: traffik::Throttle>(head: &Parts) -> Limiter<T> {
    let mut parts = head.clone();
    Limiter::from_request_parts(&mut parts, &()).await.unwrap()
}

fn head_with_yielding_store() -> Parts {
    head(&yielding())
}

/// Lets background tasks complete.
async fn settle_background() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

async fn used<T: traffik::Throttle>(head: &Parts) -> u64 {
    let limiter = limiter::<T>(head).await;
    for free in (0..=1_000).rev() {
        if limiter.check(free).await.unwrap() {
            return 1_000 - free;
        }
    }
    1_000
}

#[tokio::test]
async fn completes_or_refunds_a_settlement() {
    let head = head_with_yielding_store();
    let limiter = limiter::<Slowly>(&head).await;
    for polls in 0.. {
        let before = used::<Slowly>(&head).await;
        let permit = limiter.reserve(10).await.unwrap();
        let done = poll_then_drop(permit.settle(3), polls).await;
        settle_background().await;
        let charged = used::<Slowly>(&head).await - before;
        // A settlement that has begun is completed; one that was never polled is a dropped
        // reservation.
        assert_eq!(charged, if polls > 0 { 3 } else { 0 }, "{polls}");
        if done {
            break;
        }
    }
}

/// Backends that were not settled yet are settled in the background, with the same amount.
#[tokio::test]
async fn completes_a_settlement_over_several_backends() {
    let head = head_with_yielding_store();
    let set = limiter::<(Slowly, There, Settled)>(&head).await;
    let used = async || {
        let slowly = used::<Slowly>(&head).await;
        (
            slowly,
            used::<There>(&head).await,
            used::<Settled>(&head).await,
        )
    };
    for polls in 1.. {
        let before = used().await;
        let permit = set.reserve(10).await.unwrap();
        let done = poll_then_drop(permit.settle(3), polls).await;
        settle_background().await;
        let after = used().await;
        let slow = [after.0 - before.0, after.1 - before.1];
        assert_eq!(after.2 - before.2, 3, "{polls}: it needs no time");
        assert_eq!(slow, [3, 3], "{polls}");
        if done {
            break;
        }
    }
}

#[tokio::test]
async fn refunds_a_reservation() {
    let head = head_with_yielding_store();
    let limiter = limiter::<Slowly>(&head).await;
    for polls in 0.. {
        let before = used::<Slowly>(&head).await;
        let done = poll_then_drop(limiter.reserve(10), polls).await;
        settle_background().await;
        let charged = used::<Slowly>(&head).await - before;
        assert_eq!(charged, 0, "{polls}");
        if done {
            break;
        }
    }
}

/// The charge of the other backend is refunded, whenever the set is dropped.
#[tokio::test]
async fn refunds_sets_over_several_backends() {
    let head = head_with_yielding_store();
    let set = limiter::<(Here, Slowly)>(&head).await;
    let mut before = used::<Here>(&head).await;
    for polls in 0.. {
        let done = poll_then_drop(set.hit_cost(7), polls).await;
        settle_background().await;
        let after = used::<Here>(&head).await;
        assert_eq!(after - before, if done { 7 } else { 0 }, "{polls}");
        before = after;
        if done {
            break;
        }
    }
    for polls in 0.. {
        let quota = Quota::new(&head).add::<Slowly>(2).add::<Here>(5);
        let done = poll_then_drop(quota.commit(), polls).await;
        settle_background().await;
        let after = used::<Here>(&head).await;
        assert_eq!(after - before, if done { 5 } else { 0 }, "{polls}");
        before = after;
        if done {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn charges_nothing_while_waiting() {
    let (backend, _) = midnight();
    let head = head(&backend);
    let limiter = limiter::<Queued>(&head).await;
    limiter.hit_cost(20).await.unwrap();
    for polls in 0..5 {
        let done = poll_then_drop(limiter.wait(5, Duration::from_secs(1)), polls).await;
        assert!(!done, "it waits for 200 ms");
        assert_eq!(limiter.stat().await.unwrap().hits_remaining, 30);
        let done = poll_then_drop(limiter.reserve(5), polls).await;
        assert!(!done, "it waits for 200 ms");
        assert_eq!(limiter.stat().await.unwrap().hits_remaining, 30);
    }
}

async fn extracted(_: Throttled<Long>) {}

/// A request that is dropped at any moment leaves a service that handles the next one.
#[tokio::test]
async fn serves_the_next_request() {
    let backend = Backend::custom(YieldingStore::<ExpiringStore>::default()).clock(CLOCK.clone());
    let app = Router::new()
        .route("/attribute", get(handler))
        .route("/argument", get(extracted))
        .layer(ThrottleLayer::new().throttle::<Slowly>())
        .layer(provide(backend));
    let request = |path: &str| {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = path.parse().unwrap();
        request.extensions_mut().insert(peer(PEER));
        request
    };
    for path in ["/attribute", "/argument"] {
        for polls in 0.. {
            let done = poll_then_drop(app.clone().oneshot(request(path)), polls).await;
            let next = app.clone().oneshot(request(path)).await.unwrap();
            assert_eq!(next.status(), 200, "{path} {polls}");
            if done {
                break;
            }
        }
    }
}
