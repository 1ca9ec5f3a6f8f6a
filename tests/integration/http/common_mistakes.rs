//! Mistakes of other rate limiters that traffik avoids: in keys, paths, proxies, rules, waits and
//! quotas, over HTTP.

use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::{any, get, post};
use http::Method;
use http::request::Parts;
use tokio::task::JoinSet;
use traffik::{
    Backend, HeaderStyle, Identity, Quota, Throttle as _, ThrottleLayer, filter, provide, throttled,
};
use traffik_tests::{Server, head, midnight};

/// Each id in a path must not get a budget of its own.
#[tokio::test]
async fn keeps_paths_out_of_budgets() {
    #[throttled(rate = "5/minute")]
    async fn item(Path(id): Path<String>) -> String {
        id
    }
    #[throttled(rate = "5/minute", scope = route, name = Routed)]
    async fn routed(Path(id): Path<String>) -> String {
        id
    }
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/items/{id}", get(item))
        .route("/routed/{id}", get(routed).post(routed));
    let server = Server::start(app.layer(provide(backend))).await;
    for (path, method) in [
        ("items", Method::GET),
        ("routed", Method::GET),
        ("routed", Method::POST),
    ] {
        let mut admitted = 0;
        for id in 0..20 {
            let request = server.request(method.clone(), &format!("/{path}/{id}"));
            admitted += u32::from(request.send().await.unwrap().status() == 200);
        }
        assert_eq!(admitted, 5, "{method} {path}");
    }
}

/// A least wait must not throttle every request.
#[tokio::test]
async fn applies_min_wait_to_refused_requests_only() {
    #[throttled(rate = "3/second", min_wait = "5s")]
    async fn patient() {}
    let (backend, clock) = midnight();
    let server = Server::start(
        Router::new()
            .route("/", get(patient))
            .layer(provide(backend)),
    )
    .await;
    assert_eq!(server.statuses("/", 3).await, [200; 3]);
    let refused = server.get("/").await;
    assert_eq!(
        (refused.status, refused.field("retry-after")),
        (429, Some("5"))
    );
    clock.advance(Duration::from_secs(1));
    assert_eq!(server.get("/").await.status, 200);
}

/// A chain must not charge the first throttle for a request that the second refuses, and a quota is
/// atomic.
#[tokio::test]
async fn charges_no_throttle_for_a_refusal_by_another() {
    traffik::throttles! {
        throttle First(rate = "10/minute", identifier = everyone);
        throttle Second(rate = "2/minute", identifier = everyone);
    }
    #[throttled(First, Second)]
    async fn chained() {}
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/", get(chained))
        .layer(provide(backend.clone()));
    let server = Server::start(app).await;
    assert_eq!(
        server.statuses("/", 8).await,
        [200, 200, 429, 429, 429, 429, 429, 429]
    );
    let head = head(&backend);
    assert_eq!(First::stat(&head).await.unwrap().hits_remaining, 8);
    let quota = Quota::new(&head)
        .add::<First>(2)
        .add::<First>(3)
        .add::<Second>(1);
    assert!(!quota.commit().await.unwrap().admitted);
    let quota = Quota::new(&head)
        .add::<First>(2)
        .add::<First>(3)
        .add::<Second>(0);
    assert!(quota.commit().await.unwrap().admitted);
    assert_eq!(First::stat(&head).await.unwrap().hits_remaining, 3);
}

/// `check` and `stat` must be current, exact for GCRA, and work with functions.
#[tokio::test]
async fn agrees_on_check_stat_and_hit() {
    fn of_plan(parts: &Parts) -> traffik::Rate {
        let paid = parts.headers.contains_key("x-paid");
        traffik::Rate::per_minute(if paid { 20 } else { 2 })
    }
    traffik::throttles! {
        throttle Spaced(rate = "60/minute", strategy = gcra, identifier = everyone);
        throttle Planned(rate = of_plan, identifier = header("x-paid"));
    }
    let (backend, clock) = midnight();
    let mut head = head(&backend);
    for _ in 0..3 {
        assert!(Spaced::check(&head, 1).await.unwrap());
        assert!(Spaced::hit(&head).await.unwrap().admitted);
        assert!(!Spaced::check(&head, 1).await.unwrap());
        let (stat, hit) = (
            Spaced::stat(&head).await.unwrap(),
            Spaced::hit(&head).await.unwrap(),
        );
        assert_eq!((stat.wait, stat.hits_remaining), (hit.wait, 0));
        clock.advance(hit.wait.unwrap());
    }
    assert_eq!(Planned::stat(&head).await.unwrap().hits_remaining, 2);
    head.headers.insert("x-paid", "ada".parse().unwrap());
    assert_eq!(Planned::stat(&head).await.unwrap().hits_remaining, 20);
    assert!(Planned::check(&head, 20).await.unwrap() && !Planned::check(&head, 21).await.unwrap());
}

/// A header that the client sends must not choose the budget.
#[tokio::test]
async fn ignores_forged_header_lines() {
    #[throttled(rate = "2/minute")]
    async fn hello() {}
    let backend = Backend::memory().trusted_proxies(["127.0.0.1"]);
    let app = Router::new().route("/", get(hello)).layer(provide(backend));
    let server = Server::start(app).await;
    let mut statuses = Vec::new();
    for forged in ["1.1.1.1", "2.2.2.2, 9.9.9.9", "unknown", "203.0.113.7:80"] {
        let request = server.request(Method::GET, "/");
        let request = request.header("x-forwarded-for", forged);
        // The line that the proxy adds.
        let response = request
            .header("x-forwarded-for", "203.0.113.99:4711")
            .send()
            .await;
        statuses.push(response.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 429, 429]);
}

/// Tiers and priorities must not come from the key, and so from the path.
#[tokio::test]
async fn grants_nothing_by_the_key() {
    fn named(parts: &Parts) -> Identity {
        Identity::new(parts.uri.path())
    }
    traffik::throttles! {
        throttle Tiers(rate = "1/minute", strategy = tiered(free = 1.0, premium = 50.0, default = free), identifier = named);
        throttle Reserve(rate = "10/minute", strategy = priority, identifier = named);
    }
    let (backend, _) = midnight();
    let mut head = head(&backend);
    for path in ["/tier:premium", "/premium", "/priority:critical/critical"] {
        head.uri = path.parse().unwrap();
        assert_eq!(
            Tiers::stat(&head).await.unwrap().hits_remaining,
            1,
            "{path}"
        );
        assert_eq!(
            Reserve::stat(&head).await.unwrap().hits_remaining,
            8,
            "{path}"
        );
    }
}

/// A bypass must not be inverted.
#[tokio::test]
async fn exempts_requests_that_match_a_bypass() {
    traffik::throttles! {
        throttle All(rate = "2/minute");
    }
    let (backend, _) = midnight();
    let users = filter::methods([Method::GET]).and(filter::path("/api/users"));
    let layer = ThrottleLayer::new().throttle::<All>().bypass_if(users);
    let app = Router::new().route("/{*path}", any(async || ()));
    let server = Server::start(app.layer(layer).layer(provide(backend))).await;
    assert_eq!(server.statuses("/api/users", 5).await, [200; 5]);
    assert_eq!(server.statuses("/api/other", 3).await, [200, 200, 429]);
    assert_eq!(server.post("/api/users", "").await.status, 429);
}

/// A path with a blank in it must be limited under every policy.
#[tokio::test]
async fn limits_keys_with_blanks_and_other_bytes() {
    fn raw(parts: &Parts) -> Identity {
        Identity::new(parts.uri.path())
    }
    #[throttled(rate = "1/minute", identifier = raw, on_error = allow)]
    async fn file() {}
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/{*path}", get(file))
        .layer(provide(backend));
    let server = Server::start(app).await;
    for path in [
        "/a%20b",
        "/a%0ab",
        "/%F0%9F%A6%80",
        "/a:b{c}",
        &format!("/{}", "x".repeat(5_000)),
    ] {
        assert_eq!(server.statuses(path, 2).await, [200, 429], "{path:.40}");
    }
}

/// Times are exact to the second for every window, and many concurrent requests get exactly the
/// limit.
#[tokio::test]
async fn admits_exactly_the_limit_of_many_concurrent_requests() {
    #[throttled(rate = "3/3500ms", strategy = token_bucket)]
    async fn few() {}
    let (backend, _) = midnight();
    let app = Router::new().route("/", get(few)).layer(provide(backend));
    let server = Server::start(app).await;
    let mut requests = JoinSet::new();
    for _ in 0..10 {
        requests.spawn(server.request(Method::GET, "/").send());
    }
    let responses = requests.join_all().await;
    let statuses = responses
        .into_iter()
        .map(|response| response.unwrap().status().as_u16());
    let mut statuses: Vec<_> = statuses.collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 429, 429, 429, 429, 429, 429, 429]);
    // A token is refilled every 1166.7 ms.
    assert_eq!(server.get("/").await.field("retry-after"), Some("2"));
}

/// Exempt clients get no fields, and each hit has its own cost.
#[tokio::test]
async fn exempts_clients_and_charges_each_cost() {
    fn exempt_or_named(parts: &Parts) -> Identity {
        match parts.headers.get("x-who").map(http::HeaderValue::as_bytes) {
            Some(b"root") => Identity::Exempt,
            _ => Identity::everyone(),
        }
    }
    #[throttled(rate = "10/minute", cost = 2, identifier = exempt_or_named, headers = both)]
    async fn dear() {}
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/", get(dear))
        .layer(provide(backend.clone()));
    let server = Server::start(app).await;
    assert_eq!(
        server.statuses("/", 6).await,
        [200, 200, 200, 200, 200, 429]
    );
    let exempt = server.get_with("/", "x-who", "root").await;
    assert_eq!(exempt.status, 200);
    assert!(
        exempt
            .headers
            .keys()
            .all(|name| !name.as_str().contains("ratelimit"))
    );
    let stat = dear::stat(&head(&backend)).await.unwrap();
    assert_eq!(
        stat.headers(HeaderStyle::Legacy)["x-ratelimit-remaining"],
        "0"
    );
}

/// The most restrictive of several limits applies; a refusal is a whole response with whole
/// numbers.
#[tokio::test]
async fn applies_the_most_restrictive_of_overlapping_layers() {
    traffik::throttles! {
        throttle Wide(rate = "100/minute", headers = both);
        throttle Narrow(rate = "2/100ms", headers = both);
    }
    let (backend, _) = midnight();
    let search = filter::path_regex("/api/search").unwrap();
    let layer = ThrottleLayer::new()
        .throttle::<Wide>()
        .throttle_when::<Narrow>(search);
    let app = Router::new().route("/{*path}", post(async || "chunk").get(async || "chunk"));
    let server = Server::start(app.layer(layer).layer(provide(backend))).await;
    assert_eq!(server.statuses("/api/search?q=1", 2).await, [200, 200]);
    let refused = server.get("/api/search?q=2").await;
    assert_eq!(
        (refused.status, refused.field("retry-after")),
        (429, Some("1"))
    );
    assert!(refused.body.contains("Too many requests") && !refused.body.contains("chunk"));
    assert_eq!(refused.field("x-ratelimit-reset"), Some("1"));
    assert_eq!(
        server
            .get("/api/other")
            .await
            .field("x-ratelimit-remaining"),
        Some("97")
    );
}
