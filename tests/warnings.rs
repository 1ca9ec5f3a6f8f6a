//! The warnings `T001` to `T003` and `T005` to `T007`, each logged once per process: in a process
//! of their own.

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

async fn send(backend: &Backend, layer: ThrottleLayer, fields: &[(&'static str, &str)]) {
    let app = Router::new().route("/", get(hello)).layer(layer);
    let mut request = Request::get("/").body(Body::empty()).unwrap();
    request.extensions_mut().insert(peer("192.0.2.1:1"));
    for (name, value) in fields {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let response = app.layer(provide(backend.clone())).oneshot(request).await;
    assert_eq!(response.unwrap().status(), 200);
}

fn assert_warning(log: &str, parts: &[&str]) {
    assert_eq!(log.lines().count(), 1, "{log}");
    for part in parts {
        assert!(log.contains(part), "{part}: {log}");
    }
}

#[tokio::test]
async fn logs_each_warning_once_with_advice() {
    let (log, _guard) = Log::capture();
    let none = ThrottleLayer::new;
    let backend_without_proxies = Backend::memory();
    let forwarded = [("forwarded", "for=203.0.113.7")];

    // No request is forwarded, or the backend is configured for none.
    let closed = ClientIp::new().header(ForwardingHeader::None);
    send(&backend_without_proxies, none(), &[("via", "x")]).await;
    send(
        &backend_without_proxies.clone().client_ip(closed),
        none(),
        &forwarded,
    )
    .await;
    assert_eq!(log.drain(), "");

    send(&backend_without_proxies, none(), &forwarded).await;
    let parts = ["WARN", "traffik", "T001", "`forwarded`", "trusted_proxies"];
    assert_warning(&log.drain(), &parts);
    send(
        &backend_without_proxies,
        none(),
        &[("x-forwarded-for", "203.0.113.7")],
    )
    .await;
    assert_eq!(log.drain(), "");

    let proxied = backend_without_proxies
        .clone()
        .trusted_proxies(["192.0.2.0/24"]);
    send(&proxied, none(), &[("x-forwarded-for", "unknown")]).await;
    assert_eq!(log.drain(), "");
    for expected in [1, 0] {
        send(&proxied, none(), &forwarded).await;
        let log_lines = log.drain();
        assert_eq!(log_lines.lines().count(), expected, "{log_lines}");
        if expected == 1 {
            assert_warning(&log_lines, &["WARN", "T002", "`x-forwarded-for`"]);
        }
    }

    send(&proxied, none().throttle::<Other>(), &[]).await;
    assert_eq!(log.drain(), "");
    send(&proxied, none().throttle::<(Other, hello)>(), &[]).await;
    assert_warning(&log.drain(), &["WARN", "T003", "::hello`"]);
    send(&proxied, none().throttle::<hello>(), &[]).await;
    assert_eq!(log.drain(), "");

    let everyone = backend_without_proxies
        .clone()
        .trusted_proxies(["10.0.0.0/8", "::/0"]);
    assert_warning(&log.drain(), &["WARN", "`::/0` trusts everyone"]);
    drop(everyone.trusted_proxies(["0.0.0.0/0"]));
    assert_eq!(log.drain(), "");

    for (policy, is_warned) in [
        ("noeviction", false),
        ("volatile-ttl", false),
        ("volatile-lru", true),
        ("allkeys-lru", false),
    ] {
        let server = RedisServer::start_with(&["--maxmemory-policy", policy]);
        let backend = Backend::redis(server.url()).connect().await;
        let log_lines = log.drain();
        if is_warned {
            assert_warning(
                &log_lines,
                &["WARN", "traffik", "T006", "`maxmemory-policy volatile-lru`"],
            );
        } else {
            assert_eq!(log_lines, "", "{policy}");
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

/// A backend is provided below the layers that have decided. Each case runs in a process of its
/// own, because it is logged once.
#[test]
fn names_the_throttles_that_decided_before_a_backend_was_provided() {
    const CASE: &str = "TRAFFIK_CASE";
    let name = "names_the_throttles_that_decided_before_a_backend_was_provided";
    if let Ok(case) = env::var(CASE) {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        return runtime.unwrap().block_on(provides_late(&case));
    }
    for case in ["layer", "layers", "extractor"] {
        let mut test = Command::new(env::current_exe().unwrap());
        let test = test.args(["--exact", name]).env(CASE, case).output();
        let test = test.unwrap();
        let (out, error) = (test.stdout, test.stderr);
        let log_lines = [out, error].map(|log_lines| String::from_utf8(log_lines).unwrap());
        assert!(
            test.status.success() && log_lines[0].contains("1 passed"),
            "{case}: {log_lines:?}"
        );
    }
}

async fn provides_late(case: &str) {
    let (log, _guard) = Log::capture();
    let app = || Router::new().route("/", get(async || "hello"));
    let backend = || provide(Backend::memory());
    let layer = ThrottleLayer::new().throttle::<(Other, Named)>();

    // The right order; a backend of the throttle; an outer provided backend; no decision.
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
    let log_lines = log.drain();
    assert_warning(&log_lines, &parts);
    assert!(!log_lines.contains("Named"), "{log_lines}");
    request(&wrong).await;
    assert_eq!(log.drain(), "");
}

#[tokio::test]
async fn logs_a_route_that_is_compared_outside_routing() {
    let (log, _guard) = Log::capture();
    let layer = || ThrottleLayer::new().throttle_when::<Named>(filter::route("/{id}"));
    let app = || Router::new().route("/", get(async || "hello"));
    // Inside routing, neither another route nor a missing route is a mistake.
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
        let log_lines = log.drain();
        assert_eq!(log_lines.lines().count(), expected, "{log_lines}");
        if expected == 1 {
            assert_warning(
                &log_lines,
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
