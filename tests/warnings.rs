//! `T001` to `T003` and `T005` to `T007`, each logged once in the life of a process. In a process
//! of its own.

use std::env;
use std::process::Command;

use axum::Router;
use axum::body::Body;
use axum::middleware::from_extractor;
use axum::routing::get;
use http::Request;
use tower::{Layer as _, ServiceExt as _};
use traffik::{
    Backend, ClientIp, ForwardingHeader, ThrottleLayer, Throttled, filter, provide, throttled,
};
use traffik_tests::{Log, RedisServer, peer};

#[throttled(rate = "100/10w")]
async fn hello() {}

traffik::throttles! {
    throttle Other(rate = "100/10w");
}

async fn ask(backend: &Backend, layer: ThrottleLayer, fields: &[(&'static str, &str)]) {
    let app = Router::new().route("/", get(hello)).layer(layer);
    let mut request = Request::get("/").body(Body::empty()).unwrap();
    request.extensions_mut().insert(peer("192.0.2.1:1"));
    for (name, value) in fields {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let response = app.layer(provide(backend.clone())).oneshot(request).await;
    assert_eq!(response.unwrap().status(), 200);
}

fn assert_told(log: &str, parts: &[&str]) {
    assert_eq!(log.lines().count(), 1, "{log}");
    for part in parts {
        assert!(log.contains(part), "{part}: {log}");
    }
}

#[tokio::test]
async fn each_is_told_once_with_what_to_do() {
    let (log, _guard) = Log::capture();
    let none = ThrottleLayer::new;
    let plain = Backend::memory();
    let forwarded = [("forwarded", "for=203.0.113.7")];

    // Nothing is wrong where nobody forwards, or where it is said that nobody does.
    let closed = ClientIp::new().header(ForwardingHeader::None);
    ask(&plain, none(), &[("via", "x")]).await;
    ask(&plain.clone().client_ip(closed), none(), &forwarded).await;
    assert_eq!(log.drain(), "");

    ask(&plain, none(), &forwarded).await;
    let parts = ["WARN", "traffik", "T001", "`forwarded`", "trusted_proxies"];
    assert_told(&log.drain(), &parts);
    ask(&plain, none(), &[("x-forwarded-for", "203.0.113.7")]).await;
    assert_eq!(log.drain(), "");

    let proxied = plain.clone().trusted_proxies(["192.0.2.0/24"]);
    ask(&proxied, none(), &[("x-forwarded-for", "unknown")]).await;
    assert_eq!(log.drain(), "");
    for expected in [1, 0] {
        ask(&proxied, none(), &forwarded).await;
        let said = log.drain();
        assert_eq!(said.lines().count(), expected, "{said}");
        if expected == 1 {
            assert_told(&said, &["WARN", "T002", "`x-forwarded-for`"]);
        }
    }

    ask(&proxied, none().throttle::<Other>(), &[]).await;
    assert_eq!(log.drain(), "");
    ask(&proxied, none().throttle::<(Other, hello)>(), &[]).await;
    assert_told(&log.drain(), &["WARN", "T003", "::hello`"]);
    ask(&proxied, none().throttle::<hello>(), &[]).await;
    assert_eq!(log.drain(), "");

    let everyone = plain.clone().trusted_proxies(["10.0.0.0/8", "::/0"]);
    assert_told(&log.drain(), &["WARN", "`::/0` trusts everyone"]);
    drop(everyone.trusted_proxies(["0.0.0.0/0"]));
    assert_eq!(log.drain(), "");

    for (policy, told) in [
        ("noeviction", false),
        ("volatile-ttl", false),
        ("volatile-lru", true),
        ("allkeys-lru", false),
    ] {
        let server = RedisServer::start_with(&["--maxmemory-policy", policy]);
        let backend = Backend::redis(server.url()).connect().await;
        let said = log.drain();
        if told {
            assert_told(
                &said,
                &["WARN", "traffik", "T006", "`maxmemory-policy volatile-lru`"],
            );
        } else {
            assert_eq!(said, "", "{policy}");
        }
        backend.unwrap().close().await.unwrap();
        assert_eq!(log.drain(), "");
    }
}

traffik::throttles! {
    throttle Inner(rate = "100/10w");
    throttle Named(rate = "100/10w", backend = Backend::memory());
}

async fn request(app: &Router) {
    let mut request = Request::get("/").body(Body::empty()).unwrap();
    request.extensions_mut().insert(peer("192.0.2.1:1"));
    let response = app.clone().oneshot(request).await;
    assert_eq!(response.unwrap().status(), 200);
}

/// A backend is provided below what has decided: each case in a process of its own, since each is
/// logged once.
#[test]
fn t005_names_the_throttles_that_decided_before_a_backend_was_provided() {
    const CASE: &str = "TRAFFIK_CASE";
    let name = "t005_names_the_throttles_that_decided_before_a_backend_was_provided";
    if let Ok(case) = env::var(CASE) {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        return runtime.unwrap().block_on(provides_late(&case));
    }
    for case in ["layer", "layers", "extractor"] {
        let mut test = Command::new(env::current_exe().unwrap());
        let test = test.args(["--exact", name]).env(CASE, case).output();
        let test = test.unwrap();
        let (out, error) = (test.stdout, test.stderr);
        let said = [out, error].map(|said| String::from_utf8(said).unwrap());
        assert!(
            test.status.success() && said[0].contains("1 passed"),
            "{case}: {said:?}"
        );
    }
}

async fn provides_late(case: &str) {
    let (log, _guard) = Log::capture();
    let app = || Router::new().route("/", get(async || "hello"));
    let backend = || provide(Backend::memory());
    let layer = ThrottleLayer::new().throttle::<(Other, Named)>();

    // The right way round; a backend of its own; one that was provided further out; nothing
    // decided.
    for right in [
        app().layer(layer.clone()).layer(backend()),
        app()
            .layer(backend())
            .layer(ThrottleLayer::new().throttle::<Named>()),
        app().layer(backend()).layer(layer.clone()).layer(backend()),
        app().layer(backend()).layer(ThrottleLayer::new()),
        app()
            .layer(from_extractor::<Throttled<Other>>())
            .layer(backend()),
    ] {
        request(&right).await;
        assert_eq!(log.drain(), "");
    }

    let (wrong, throttles) = match case {
        "layer" => (app().layer(backend()).layer(layer), "`warnings::Other`"),
        "layers" => {
            let inner = ThrottleLayer::new().throttle::<Inner>();
            let app = app().layer(backend()).layer(inner).layer(layer);
            (app, "`warnings::Other`, `warnings::Inner`")
        }
        _ => {
            let extractor = from_extractor::<Throttled<Other>>();
            (app().layer(backend()).layer(extractor), "`warnings::Other`")
        }
    };
    request(&wrong).await;
    let parts = [
        "WARN",
        "traffik",
        "T005",
        throttles,
        ".layer(throttles).layer(provide(backend))",
    ];
    let said = log.drain();
    assert_told(&said, &parts);
    assert!(!said.contains("Named"), "{said}");
    request(&wrong).await;
    assert_eq!(log.drain(), "");
}

#[tokio::test]
async fn t007_is_logged_where_a_route_is_compared_outside_routing() {
    let (log, _guard) = Log::capture();
    let layer = || ThrottleLayer::new().throttle_when::<Named>(filter::route("/{id}"));
    let app = || Router::new().route("/", get(async || "hello"));
    // Inside, neither a request of another route nor one of none is a mistake.
    let inside = app().layer(layer());
    for path in ["/", "/unknown"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        inside.clone().oneshot(request).await.unwrap();
        assert_eq!(log.drain(), "", "{path}");
    }
    let around = layer().layer(app());
    for expected in [1, 0] {
        let request = Request::get("/7").body(Body::empty()).unwrap();
        let _ = around.clone().oneshot(request).await.unwrap();
        let said = log.drain();
        assert_eq!(said.lines().count(), expected, "{said}");
        if expected == 1 {
            assert_told(
                &said,
                &[
                    "WARN",
                    "traffik",
                    "T007",
                    "route(\"/{id}\")",
                    "`Router::layer`",
                ],
            );
        }
    }
}
