//! `stat`: a client's state, read without charging.

use std::time::Duration;

use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use traffik::{HeaderStyle, Rate, Throttle as _, provide, throttled};
use traffik_tests::{QuotaPolicy, Server, ServiceLimit, head, midnight};

traffik::throttles! {
    throttle Burst(rate = "3/10s", uid = "stats/burst");
    throttle Bucket(rate = "6/minute", strategy = token_bucket(burst = 8, debt = 2));
    throttle Listed(rate = ["2/s", "3/minute"]);
    throttle Unlimited(rate = "0/0");
}

#[throttled(Burst, Bucket)]
async fn data() {}

async fn usage(parts: Parts) -> Result<Response, StatusCode> {
    let failed = |_| StatusCode::INTERNAL_SERVER_ERROR;
    let burst = Burst::stat(&parts).await.map_err(failed)?;
    let headers = burst.headers(HeaderStyle::Both);
    Ok((headers, Json(burst)).into_response())
}

#[tokio::test]
async fn agrees_with_the_next_hit_without_charging() {
    let (backend, clock) = midnight();
    clock.advance(Duration::from_secs(4));
    let parts = head(&backend);
    for remaining in [3, 2, 1] {
        for _ in 0..3 {
            let stat = Burst::stat(&parts).await.unwrap();
            assert_eq!(
                (stat.hits_remaining, stat.wait),
                (remaining, Some(Duration::ZERO))
            );
        }
        assert!(Burst::hit(&parts).await.unwrap().admitted);
    }
    let stat = Burst::stat(&parts).await.unwrap();
    assert_eq!(
        (stat.hits_remaining, stat.wait),
        (0, Some(Duration::from_secs(6)))
    );
    assert_eq!(
        (&*stat.uid, stat.rate),
        ("stats/burst", Rate::of(3).seconds(10))
    );
    assert_eq!(stat.reset, Duration::from_secs(6));
    assert!(!Burst::hit(&parts).await.unwrap().admitted);
}

#[tokio::test]
async fn contains_the_metadata_of_the_strategy() {
    let (backend, clock) = midnight();
    let parts = head(&backend);
    Burst::hit_cost(&parts, 2).await.unwrap();
    Bucket::hit_cost(&parts, 9).await.unwrap();
    let (burst, bucket) = <(Burst, Bucket)>::stat(&parts).await.unwrap();
    let start = u64::try_from(clock.now().as_millis()).unwrap();
    assert_eq!(burst.metadata.window_start_ms, start);
    assert_eq!(burst.metadata.window_end_ms, start + 10_000);
    assert_eq!(burst.metadata.current_count, 2);
    let near = |one: f64, other: f64| (one - other).abs() < 1e-9;
    assert!(near(bucket.metadata.tokens, -1.0) && near(bucket.metadata.current_debt, 1.0));
    assert_eq!((bucket.metadata.capacity, bucket.metadata.max_debt), (8, 2));
    assert!(near(bucket.metadata.refill_rate_per_ms, 0.0001));
    assert_eq!(
        (bucket.hits_remaining, bucket.reset),
        (1, Duration::from_secs(90))
    );
}

#[tokio::test]
async fn serializes() {
    let (backend, clock) = midnight();
    let parts = head(&backend);
    Burst::hit_cost(&parts, 3).await.unwrap();
    clock.advance(Duration::from_millis(2_500));
    let start = clock.now().as_millis() - 2_500;
    let expected = json!({
        "uid": "stats/burst",
        "rate": "3/10s",
        "hits_remaining": 0,
        "wait": 7.5,
        "reset": 7.5,
        "metadata": {
            "window_start_ms": u64::try_from(start).unwrap(),
            "window_end_ms": u64::try_from(start + 10_000).unwrap(),
            "current_count": 3,
        },
    });
    assert_eq!(
        serde_json::to_value(Burst::stat(&parts).await.unwrap()).unwrap(),
        expected
    );
    let set = <(Burst, Unlimited)>::stat(&parts).await.unwrap();
    let set = serde_json::to_value(set).unwrap();
    assert_eq!(set[0], expected);
    assert_eq!(
        (&set[1]["rate"], &set[1]["wait"]),
        (&json!("0/0"), &json!(0.0))
    );
}

#[tokio::test]
async fn reports_the_binding_rate_and_all_members_of_a_list() {
    let (backend, clock) = midnight();
    let parts = head(&backend);
    Listed::hit_cost(&parts, 2).await.unwrap();
    let stat = Listed::stat(&parts).await.unwrap();
    assert_eq!((stat.rate, stat.hits_remaining), (Rate::per_second(2), 0));
    clock.advance(Duration::from_secs(1));
    let stat = Listed::stat(&parts).await.unwrap();
    assert_eq!((stat.rate, stat.hits_remaining), (Rate::per_minute(3), 1));
    let members: Vec<_> = stat
        .members
        .iter()
        .map(|member| (member.rate, member.hits_remaining))
        .collect();
    assert_eq!(
        members,
        [(Rate::per_second(2), 2), (Rate::per_minute(3), 1)]
    );
    let text = serde_json::to_value(&stat).unwrap();
    assert_eq!(text["members"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn converts_into_header_fields() {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/data", get(data))
        .route("/usage", get(usage));
    let server = Server::start(app.layer(provide(backend))).await;
    for remaining in [3, 2] {
        let response = server.get("/usage").await;
        assert_eq!(response.policies, [QuotaPolicy::new("Burst", 3, 10)]);
        assert_eq!(response.limits.len(), 1);
        assert_eq!(response.limits[0].remaining, remaining);
        assert_eq!(response.legacy()[1], Some(remaining.to_string().as_str()));
        assert_eq!(response.json()["hits_remaining"], Value::from(remaining));
        assert_eq!(server.get("/data").await.status, 200);
    }
    let response = server.get("/usage").await;
    assert_eq!(response.limits, [ServiceLimit::new("Burst", 1, 10)]);
}

#[tokio::test]
async fn has_no_fields_without_a_limit() {
    let (backend, _) = midnight();
    let stat = Unlimited::stat(&head(&backend)).await.unwrap();
    assert!(stat.headers(HeaderStyle::Both).is_empty());
    assert_eq!(
        (stat.rate, stat.hits_remaining),
        (Rate::UNLIMITED, u64::MAX)
    );
    let (backend, _) = midnight();
    let stat = Burst::stat(&head(&backend)).await.unwrap();
    assert!(stat.headers(HeaderStyle::None).is_empty());
    assert!(!stat.headers(HeaderStyle::Legacy).contains_key("ratelimit"));
    assert!(
        !stat
            .headers(HeaderStyle::Ietf)
            .contains_key("x-ratelimit-limit")
    );
}
