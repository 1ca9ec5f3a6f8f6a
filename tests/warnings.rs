//! `T001` to `T003` and `T006`, each told once in the life of a process. One test, in a process of its own.

use std::io;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use tower::ServiceExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use traffik::{Backend, ClientIp, ForwardingHeader, ThrottleLayer, provide, throttled};
use traffik_tests::{RedisServer, peer};

/// A log that can be read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// What was logged since this was last asked.
    fn taken(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

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
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone());
    let _guard = subscriber.finish().set_default();
    let none = ThrottleLayer::new;
    let plain = Backend::memory();
    let forwarded = [("forwarded", "for=203.0.113.7")];

    // Nothing is wrong where nobody forwards, or where it is said that nobody does.
    let closed = ClientIp::new().header(ForwardingHeader::None);
    ask(&plain, none(), &[("via", "x")]).await;
    ask(&plain.clone().client_ip(closed), none(), &forwarded).await;
    assert_eq!(log.taken(), "");

    ask(&plain, none(), &forwarded).await;
    let parts = ["WARN", "traffik", "T001", "`forwarded`", "trusted_proxies"];
    assert_told(&log.taken(), &parts);
    ask(&plain, none(), &[("x-forwarded-for", "203.0.113.7")]).await;
    assert_eq!(log.taken(), "");

    let proxied = plain.clone().trusted_proxies(["192.0.2.0/24"]);
    ask(&proxied, none(), &[("x-forwarded-for", "unknown")]).await;
    assert_eq!(log.taken(), "");
    for expected in [1, 0] {
        ask(&proxied, none(), &forwarded).await;
        let said = log.taken();
        assert_eq!(said.lines().count(), expected, "{said}");
        if expected == 1 {
            assert_told(&said, &["WARN", "T002", "`x-forwarded-for`"]);
        }
    }

    ask(&proxied, none().throttle::<Other>(), &[]).await;
    assert_eq!(log.taken(), "");
    ask(&proxied, none().throttle::<(Other, hello)>(), &[]).await;
    assert_told(&log.taken(), &["WARN", "T003", "::hello`"]);
    ask(&proxied, none().throttle::<hello>(), &[]).await;
    assert_eq!(log.taken(), "");

    let everyone = plain.clone().trusted_proxies(["10.0.0.0/8", "::/0"]);
    assert_told(&log.taken(), &["WARN", "`::/0` trusts everyone"]);
    drop(everyone.trusted_proxies(["0.0.0.0/0"]));
    assert_eq!(log.taken(), "");

    for (policy, told) in [
        ("noeviction", false),
        ("volatile-ttl", false),
        ("volatile-lru", true),
        ("allkeys-lru", false),
    ] {
        let server = RedisServer::start_with(&["--maxmemory-policy", policy]);
        let backend = Backend::redis(server.url()).connect().await;
        let said = log.taken();
        if told {
            assert_told(
                &said,
                &["WARN", "traffik", "T006", "`maxmemory-policy volatile-lru`"],
            );
        } else {
            assert_eq!(said, "", "{policy}");
        }
        backend.unwrap().close().await.unwrap();
        assert_eq!(log.taken(), "");
    }
}
