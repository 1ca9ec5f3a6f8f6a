//! `Limiter` and `Throttled` as arguments of handlers.

use std::error::Error as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::Multipart;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use http::request::Parts;
use serde_json::{Value, json};
use tokio::time::Instant;
use traffik::{
    Error, Identity, Limiter, Quota, Rejection, Throttle as _, ThrottleLayer, Throttled, provide,
    throttled,
};
use traffik_tests::{QuotaPolicy, Server, ServiceLimit, head, midnight};

static IDENTIFIED: AtomicUsize = AtomicUsize::new(0);

async fn counted_identity(_: &Parts) -> Identity {
    IDENTIFIED.fetch_add(1, Ordering::SeqCst);
    Identity::new("client")
}

traffik::throttles! {
    throttle Uploads(rate = "2000/minute", identifier = everyone);
    throttle Counted(rate = "10/minute", identifier = counted_identity, cost = 2);
    throttle Burst(rate = "3/10s", identifier = everyone);
    throttle Sustained(rate = "100/hour", identifier = everyone, headers = both);
    throttle Queued(rate = "100/second", identifier = everyone, strategy = leaky_bucket_with_queue(queue_size = 3));
    throttle Single(rate = "1/10s", identifier = everyone, headers = legacy);
    throttle Broken(rate = "3/10s", identifier = broken);
}

type Api = (Burst, Sustained);

fn broken(_: &Parts) -> Result<Identity, &'static str> {
    Err("no database")
}

async fn store(body: &mut Multipart) -> Result<u64, Error> {
    let mut used = 0;
    while let Ok(Some(field)) = body.next_field().await {
        used += field.bytes().await.map_or(0, |bytes| bytes.len() as u64);
    }
    Ok(used)
}

async fn upload(limiter: Limiter<Uploads>, mut body: Multipart) -> Result<StatusCode, Rejection> {
    let permit = limiter.reserve(1_000).await?; // take an upper bound …
    let used = store(&mut body).await?;
    permit.settle(used).await?; // … pay what it was; dropping the permit pays nothing
    Ok(StatusCode::CREATED)
}

#[tokio::test]
async fn charges_an_upload_by_its_size() {
    let (backend, _) = midnight();
    let app = Router::new().route("/", post(upload));
    let server = Server::start(app.layer(provide(backend.clone()))).await;
    let upload = |bytes: usize| {
        let body = format!(
            "--x\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\n{}\r\n--x--\r\n",
            "a".repeat(bytes)
        );
        server
            .request(http::Method::POST, "/")
            .header("content-type", "multipart/form-data; boundary=x")
            .body(body)
            .send()
    };
    for (bytes, left) in [(100, 1_900), (0, 1_900), (800, 1_100), (900, 200)] {
        assert_eq!(upload(bytes).await.unwrap().status(), 201);
        let stat = Uploads::stat(&head(&backend)).await.unwrap();
        assert_eq!(stat.hits_remaining, left);
    }
    let refused = upload(10).await.unwrap();
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "60");
    assert_eq!(
        refused.headers()["content-type"],
        "application/problem+json"
    );
    // A request that is not an upload is not charged: the reservation was dropped with the
    // handler's other arguments.
    let nothing = server.post("/", "").await;
    assert_eq!(nothing.status, 400);
    let stat = Uploads::stat(&head(&backend)).await.unwrap();
    assert_eq!(stat.hits_remaining, 200);
}

async fn all(limiter: Limiter<Counted>, again: Limiter<Counted>) -> Result<Json<Value>, Rejection> {
    let hit = limiter.hit().await?;
    let more = again.hit_cost(3).await?;
    let (fits, no) = (limiter.check(5).await?, limiter.check(6).await?);
    let stat = limiter.stat().await?;
    let waited = limiter.wait(6, Duration::from_millis(1)).await?;
    Ok(Json(json!({
        "hit": hit.remaining, "more": more.remaining, "fits": [fits, no], "stat": stat.hits_remaining,
        "waited": waited.admitted,
    })))
}

#[tokio::test]
async fn identifies_the_client_once() {
    let (backend, _) = midnight();
    let app = Router::new().route("/", get(all)).layer(provide(backend));
    let server = Server::start(app).await;
    let body = server.get("/").await.json();
    let expected =
        json!({ "hit": 8, "more": 5, "fits": [true, false], "stat": 5, "waited": false });
    assert_eq!(body, expected);
    assert_eq!(IDENTIFIED.load(Ordering::SeqCst), 1);
}

async fn extracted(throttled: Throttled<Api>) -> impl IntoResponse {
    let left = throttled.decision().remaining;
    (throttled, left.to_string())
}

async fn silent(_: Throttled<Api>) -> &'static str {
    "silent"
}

#[tokio::test]
async fn extracts_and_hits() {
    let (backend, _) = midnight();
    let app = Router::new().route("/", get(extracted));
    let server = Server::start(app.layer(provide(backend))).await;
    let first = server.get("/").await;
    assert_eq!((first.status, &*first.body), (200, "2"));
    let policies = [
        QuotaPolicy::new("Burst", 3, 10),
        QuotaPolicy::new("Sustained", 100, 3600),
    ];
    assert_eq!(first.policies, policies);
    assert_eq!(
        first.limits,
        [
            ServiceLimit::new("Burst", 2, 10),
            ServiceLimit::new("Sustained", 99, 3600)
        ]
    );
    assert_eq!(first.field("x-ratelimit-limit"), Some("100"));
    assert_eq!(server.statuses("/", 3).await, [200, 200, 429]);
    let refused = server.get("/").await;
    assert_eq!(refused.policies, policies);
    assert_eq!(refused.field("retry-after"), Some("10"));
    assert_eq!(refused.json()["violated-policies"], json!(["Burst"]));
}

#[tokio::test]
async fn writes_fields_by_a_layer_above() {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/", get(silent))
        .layer(ThrottleLayer::new());
    let server = Server::start(app.layer(provide(backend))).await;
    let first = server.get("/").await;
    assert_eq!((first.status, &*first.body), (200, "silent"));
    assert_eq!(first.policies.len(), 2);
}

async fn unlucky(_: Throttled<Burst>, _: Json<Value>) {}

/// The limit was charged, but the body is malformed: the client still gets the fields.
#[tokio::test]
async fn keeps_the_fields_if_another_argument_rejects() {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/", post(unlucky))
        .layer(ThrottleLayer::new());
    let server = Server::start(app.layer(provide(backend))).await;
    let response = server.post("/", "no json").await;
    assert_eq!(response.status, 415);
    assert_eq!(response.limits, [ServiceLimit::new("Burst", 2, 10)]);
}

async fn never_hits(_: Limiter<Burst>) -> &'static str {
    "ok"
}

#[tokio::test]
async fn does_not_hit_on_extraction() {
    let (backend, _) = midnight();
    let app = Router::new().route("/", get(never_hits));
    let server = Server::start(app.layer(provide(backend.clone()))).await;
    assert_eq!(server.statuses("/", 10).await, [200; 10]);
    let stat = Burst::stat(&head(&backend)).await.unwrap();
    assert_eq!(stat.hits_remaining, 3);
}

async fn fails(limiter: Limiter<Broken>) -> Response {
    limiter.hit().await.map_or_else(
        |error| Rejection::from(error).into_response(),
        |_| ().into_response(),
    )
}

#[tokio::test]
async fn reports_an_identifier_that_fails() {
    let server = Server::start(Router::new().route("/", get(fails))).await;
    assert_eq!(server.get("/").await.status, 500);
}

#[tokio::test]
async fn implements_error_for_rejections() {
    let (backend, _) = midnight();
    let mut parts = head(&backend);
    let limiter = <Limiter<Burst> as axum::extract::FromRequestParts<()>>::from_request_parts(
        &mut parts,
        &(),
    );
    let limiter = limiter.await.unwrap();
    limiter.reserve(3).await.unwrap().keep();
    let rejection = limiter.reserve(1).await.unwrap_err();
    assert_eq!(rejection.status(), 429);
    assert_eq!(rejection.wait(), Some(Duration::from_secs(10)));
    assert!(rejection.uid().unwrap().ends_with("limiters::Burst"));
    assert_eq!(rejection.violated(), ["Burst"]);
    let text = "too many requests; try again in 10 seconds";
    assert_eq!(rejection.to_string(), text);
    let never: Box<dyn std::error::Error + Send + Sync> =
        Box::new(limiter.reserve(4).await.unwrap_err());
    assert_eq!(
        never.to_string(),
        "this request costs more than is ever admitted at once"
    );
}

/// A handler may write a rejection into a body; details for operators are in `Debug` and the
/// source.
#[tokio::test]
async fn hides_paths_of_the_program_in_the_text_of_a_rejection() {
    let uid = || "app::billing::inserts".to_owned();
    let errors = [
        Error::NoClientAddress { uid: uid() },
        Error::Configuration {
            uid: uid(),
            message: "it has no rate".to_owned(),
        },
        Error::Connection {
            source: "redis://10.0.0.7:6379 refused".into(),
        },
        Error::Timeout {
            after: Duration::from_millis(250),
        },
    ];
    for error in errors {
        let full = error.to_string();
        let rejection = Rejection::from(error);
        let text = rejection.to_string();
        assert!(text.starts_with("the rate limiter "), "{text}");
        assert!(!text.contains("::") && !text.contains("redis"), "{text}");
        assert_eq!(rejection.source().unwrap().to_string(), full);
    }
}

#[tokio::test]
async fn commits_several_hits_as_one() {
    let (backend, _) = midnight();
    let head = head(&backend);
    let quota = || Quota::new(&head).add::<Burst>(2).add::<Uploads>(900);
    let decision = quota().commit().await.unwrap();
    assert!(decision.admitted && decision.remaining == 1);
    let decision = quota().commit().await.unwrap();
    assert!(!decision.admitted && decision.wait == Some(Duration::from_secs(10)));
    let stat = Uploads::stat(&head).await.unwrap();
    assert_eq!(stat.hits_remaining, 1_100);
    // One throttle twice, and a set: all or nothing.
    let decision = Quota::new(&head)
        .add::<Sustained>(60)
        .add::<Sustained>(41)
        .commit()
        .await
        .unwrap();
    assert!(!decision.admitted);
    let decision = Quota::new(&head)
        .add::<Sustained>(59)
        .add::<Api>(1)
        .commit()
        .await
        .unwrap();
    assert!(decision.admitted);
    assert_eq!(Sustained::stat(&head).await.unwrap().hits_remaining, 40);
}

/// The backend's clock is stopped; the runtime's advances when all tasks wait.
#[tokio::test(start_paused = true)]
async fn waits_until_a_deadline() {
    let (backend, clock) = midnight();
    let mut parts = head(&backend);
    let limiter = <Limiter<Burst> as axum::extract::FromRequestParts<()>>::from_request_parts(
        &mut parts,
        &(),
    );
    let limiter = limiter.await.unwrap();
    assert!(limiter.wait(3, Duration::ZERO).await.unwrap().admitted);
    // The wait fails at once, because the deadline is too early.
    let started = Instant::now();
    let late = limiter.wait(1, Duration::from_millis(9_999)).await.unwrap();
    assert!(!late.admitted && late.wait == Some(Duration::from_secs(10)));
    assert!(!limiter.wait(4, Duration::MAX).await.unwrap().admitted);
    assert_eq!(started.elapsed(), Duration::ZERO);
    let waiting = limiter.wait(1, started + Duration::from_secs(11));
    let moving = async {
        tokio::time::sleep(Duration::from_secs(9)).await;
        clock.advance(Duration::from_secs(10));
    };
    let (decision, ()) = tokio::join!(waiting, moving);
    assert!(decision.unwrap().admitted);
    assert_eq!(limiter.stat().await.unwrap().hits_remaining, 2);
}

/// The delay of a queue is part of the wait: if it is too long, or the caller is dropped, the place
/// is refunded.
#[tokio::test(start_paused = true)]
async fn waits_in_a_queue() {
    let (backend, _) = midnight();
    let mut parts = head(&backend);
    let limiter = <Limiter<Queued> as axum::extract::FromRequestParts<()>>::from_request_parts(
        &mut parts,
        &(),
    );
    let limiter = limiter.await.unwrap();
    assert!(limiter.hit().await.unwrap().admitted);
    let left = async || limiter.stat().await.unwrap().hits_remaining;
    assert_eq!(left().await, 2);
    let late = limiter.wait(1, Duration::from_millis(9)).await.unwrap();
    assert!(!late.admitted && late.wait == Some(Duration::from_millis(10)));
    assert_eq!(left().await, 2);
    {
        let cancelled = limiter.wait(1, Duration::from_secs(1));
        let cancelled = tokio::time::timeout(Duration::from_millis(5), cancelled).await;
        assert!(cancelled.is_err());
    }
    assert_eq!(left().await, 2);
    assert!(
        limiter
            .wait(1, Duration::from_millis(10))
            .await
            .unwrap()
            .admitted
    );
    assert_eq!(left().await, 1);
}

#[throttled(Burst)]
async fn both(limiter: Limiter<Uploads>) -> Result<(), Rejection> {
    limiter.reserve(1).await?.keep();
    Ok(())
}

#[tokio::test]
async fn works_beside_the_attribute() {
    let (backend, _) = midnight();
    let app = Router::new().route("/", get(both)).layer(provide(backend));
    let server = Server::start(app).await;
    assert_eq!(server.statuses("/", 4).await, [200, 200, 200, 429]);
}

/// Each hit would fit, but both together have to wait for room, or would wait for ever (L6).
#[tokio::test]
async fn waits_for_a_throttle_twice_in_one_quota() {
    let (backend, _) = midnight();
    let head = head(&backend);
    let both = async |one, other| {
        let quota = Quota::new(&head).add::<Burst>(one).add::<Burst>(other);
        quota.commit().await.unwrap()
    };
    let never = both(2, 2).await;
    assert_eq!((never.admitted, never.wait), (false, None));
    assert!(both(1, 1).await.admitted);
    let later = both(1, 1).await;
    assert_eq!(later.wait, Some(Duration::from_secs(10)));
    assert_eq!((later.admitted, later.remaining), (false, 1));
}

async fn reserves(limiter: Limiter<Single>) -> Result<(), Rejection> {
    limiter.reserve(1).await?.keep();
    Ok(())
}

#[throttled(Sustained)]
async fn reserves_within(limiter: Limiter<Single>) -> Result<(), Rejection> {
    reserves(limiter).await
}

/// Fields with room for one policy describe the one that refused, also if a handler passes the
/// refusal on.
#[tokio::test]
async fn keeps_the_fields_of_a_refusal_that_is_passed_on() {
    let app = Router::new()
        .route("/", get(reserves))
        .layer(ThrottleLayer::new().throttle::<Sustained>())
        .route("/within", get(reserves_within));
    for path in ["/", "/within"] {
        let (backend, _) = midnight();
        let server = Server::start(app.clone().layer(provide(backend))).await;
        let admitted = server.get(path).await;
        assert_eq!(admitted.legacy(), [Some("100"), Some("99"), Some("3600")]);
        let refused = server.get(path).await;
        assert_eq!(refused.status, 429);
        assert_eq!(refused.legacy(), [Some("1"), Some("0"), Some("10")]);
    }
}
