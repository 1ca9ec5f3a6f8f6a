//! A future dropped at any of its awaits leaks nothing: what was taken is used, or given back.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::routing::get;
use http::Request;
use http::request::Parts;
use tower::ServiceExt as _;
use traffik::{Backend, Limiter, ManualClock, Quota, ThrottleLayer, Throttled, provide, throttled};
use traffik_tests::{ExpiringStore, PEER, YieldingStore, head, midnight, peer};

static CLOCK: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

fn here() -> Backend {
    Backend::memory().clock(CLOCK.clone())
}

fn there() -> Backend {
    Backend::custom(YieldingStore::<ExpiringStore>::default()).clock(CLOCK.clone())
}

traffik::throttles! {
    throttle Slowly(rate = "1000/day", identifier = everyone);
    throttle Long(rate = "1000/day", identifier = everyone, strategy = sliding_log);
    throttle Here(rate = "1000/day", identifier = everyone, backend = here());
    throttle There(rate = "1000/day", identifier = everyone, backend = there());
    throttle Settled(rate = "1000/day", identifier = everyone, backend = here());
    throttle Also(rate = "1000/day", identifier = everyone, backend = here());
    throttle Queued(rate = "100/second", identifier = everyone, strategy = leaky_bucket_with_queue(queue_size = 50));
}

#[throttled(Also, Slowly)]
async fn handler() {}

async fn limiter<T: traffik::Throttle>(head: &Parts) -> Limiter<T> {
    let mut parts = head.clone();
    Limiter::from_request_parts(&mut parts, &()).await.unwrap()
}

fn slow() -> Parts {
    head(&there())
}

/// Polls it so many times, then drops it; whether it came to an end before.
async fn cut_off<F: Future>(future: F, polls: usize) -> bool {
    let mut future = pin!(future);
    for _ in 0..polls {
        let polled = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
        if polled.is_ready() {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

/// Lets what was left to the background come to its end.
async fn settled() {
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
async fn settling_and_giving_back() {
    let head = slow();
    let limiter = limiter::<Slowly>(&head).await;
    for polls in 0.. {
        let before = used::<Slowly>(&head).await;
        let permit = limiter.reserve(10).await.unwrap();
        let done = cut_off(permit.settle(3), polls).await;
        settled().await;
        let taken = used::<Slowly>(&head).await - before;
        // What has begun is finished; what has not is a reservation that was dropped.
        assert_eq!(taken, if polls > 0 { 3 } else { 0 }, "{polls}");
        if done {
            break;
        }
    }
}

/// Backends that were not told yet are told in the background, what the first ones were told.
#[tokio::test]
async fn settling_over_several_backends() {
    let head = slow();
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
        let done = cut_off(permit.settle(3), polls).await;
        settled().await;
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
async fn reserving() {
    let head = slow();
    let limiter = limiter::<Slowly>(&head).await;
    for polls in 0.. {
        let before = used::<Slowly>(&head).await;
        let done = cut_off(limiter.reserve(10), polls).await;
        settled().await;
        let taken = used::<Slowly>(&head).await - before;
        assert_eq!(taken, 0, "{polls}");
        if done {
            break;
        }
    }
}

/// What a set took from the other backend is given back, whenever it is dropped.
#[tokio::test]
async fn sets_over_several_backends() {
    let head = slow();
    let set = limiter::<(Here, Slowly)>(&head).await;
    let mut before = used::<Here>(&head).await;
    for polls in 0.. {
        let done = cut_off(set.hit_cost(7), polls).await;
        settled().await;
        let after = used::<Here>(&head).await;
        assert_eq!(after - before, if done { 7 } else { 0 }, "{polls}");
        before = after;
        if done {
            break;
        }
    }
    for polls in 0.. {
        let quota = Quota::new(&head).add::<Slowly>(2).add::<Here>(5);
        let done = cut_off(quota.commit(), polls).await;
        settled().await;
        let after = used::<Here>(&head).await;
        assert_eq!(after - before, if done { 5 } else { 0 }, "{polls}");
        before = after;
        if done {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_takes_nothing() {
    let (backend, _) = midnight();
    let head = head(&backend);
    let limiter = limiter::<Queued>(&head).await;
    limiter.hit_cost(20).await.unwrap();
    for polls in 0..5 {
        let done = cut_off(limiter.wait(5, Duration::from_secs(1)), polls).await;
        assert!(!done, "it waits for 200 ms");
        assert_eq!(limiter.stat().await.unwrap().hits_remaining, 30);
        let done = cut_off(limiter.reserve(5), polls).await;
        assert!(!done, "it waits for 200 ms");
        assert_eq!(limiter.stat().await.unwrap().hits_remaining, 30);
    }
}

async fn extracted(_: Throttled<Long>) {}

/// A request that goes away at any moment leaves a service that answers the next one.
#[tokio::test]
async fn requests() {
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
            let done = cut_off(app.clone().oneshot(request(path)), polls).await;
            let next = app.clone().oneshot(request(path)).await.unwrap();
            assert_eq!(next.status(), 200, "{path} {polls}");
            if done {
                break;
            }
        }
    }
}
