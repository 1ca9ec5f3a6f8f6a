//! `ThrottleLayer` over axum, over bare hyper, and over a service that speaks gRPC.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Json, Path};
use axum::http::request::Parts;
use axum::routing::{get, post};
use axum::{Router, middleware};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tower::{Service as _, ServiceBuilder, ServiceExt as _, service_fn};
use traffik::{Backend, Identity, Throttle as _, ThrottleLayer, filter, provide, throttled};
use traffik_tests::{QuotaPolicy, Server, ServiceLimit, head, midnight, peer};

traffik::throttles! {
    throttle Global(rate = "4/minute", headers = both);
    throttle Writes(rate = "2/minute", headers = both);
    throttle Admin(rate = "1/minute");
    throttle Broken(rate = "1/minute", identifier = fail_to_identify);
}

fn fail_to_identify(_: &Parts) -> Result<Identity, &'static str> {
    Err("the session store is unreachable")
}

async fn ok() -> &'static str {
    "ok"
}

fn layered(layer: ThrottleLayer) -> (Router, Backend) {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/", get(ok).post(ok))
        .route("/free", get(ok))
        .fallback(ok);
    (app.layer(layer).layer(provide(backend.clone())), backend)
}

fn all_throttles() -> ThrottleLayer {
    ThrottleLayer::new()
        .throttle_when::<Admin>(filter::path("/admin/**"))
        .throttle_when::<Writes>(filter::methods([Method::POST, Method::PUT]))
        .throttle::<Global>()
}

async fn remaining(backend: &Backend) -> [u64; 3] {
    let mut parts = head(backend);
    parts.extensions.insert(peer("127.0.0.1:1"));
    let (global, writes, admin) = <(Global, Writes, Admin)>::stat(&parts).await.unwrap();
    [
        global.hits_remaining,
        writes.hits_remaining,
        admin.hits_remaining,
    ]
}

#[tokio::test]
async fn decides_all_matching_throttles_together() {
    let (app, backend) = layered(all_throttles());
    let server = Server::start(app).await;
    let response = server.get("/").await;
    assert_eq!((response.status, &*response.body), (200, "ok"));
    assert_eq!(response.policies, [QuotaPolicy::new("Global", 4, 60)]);
    assert_eq!(remaining(&backend).await, [3, 2, 1]);

    let response = server.post("/admin/users", "").await;
    assert_eq!(response.status, 200);
    let limits = [
        ServiceLimit::new("Admin", 0, 60),
        ServiceLimit::new("Writes", 1, 60),
        ServiceLimit::new("Global", 2, 60),
    ];
    assert_eq!(response.limits, limits);
    assert_eq!(response.legacy(), [Some("2"), Some("1"), Some("60")]);

    // If one refuses, none is charged.
    let response = server.post("/admin/users", "").await;
    assert_eq!(response.status, 429);
    assert_eq!(response.field("retry-after"), Some("60"));
    assert_eq!(
        response.json()["violated-policies"],
        serde_json::json!(["Admin"])
    );
    assert_eq!(
        response.field("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(remaining(&backend).await, [2, 1, 0]);
    assert_eq!(server.get("/administrator").await.status, 200);
}

#[tokio::test]
async fn counts_a_throttle_that_matches_twice_once() {
    let layer = all_throttles().throttle_when::<Writes>(filter::path("/"));
    let (app, backend) = layered(layer.throttle::<(Global, Writes)>());
    let server = Server::start(app).await;
    let response = server.post("/", "").await;
    assert_eq!(response.limits.len(), 2);
    assert_eq!(remaining(&backend).await, [3, 1, 1]);
}

#[tokio::test]
async fn passes_a_request_that_matches_nothing() {
    let layer = ThrottleLayer::new().throttle_when::<Admin>(filter::path("/admin"));
    let (app, backend) = layered(layer);
    let server = Server::start_without_connect_info(app).await;
    // The identifier is not evaluated.
    let response = server.get("/free").await;
    assert!(response.status == 200 && response.has_no_limit_fields());
    assert_eq!(remaining(&backend).await, [4, 2, 1]);
    assert_eq!(server.get("/admin").await.status, 500);
}

#[tokio::test]
async fn exempts_by_a_bypass_and_narrows_by_a_rule() {
    let internal = |parts: &Parts| parts.headers.contains_key("x-internal");
    let layer =
        all_throttles().bypass_if(filter::path("/free").and(filter::methods([Method::GET])));
    let (app, backend) = layered(layer.bypass_if(filter::when(internal)));
    let server = Server::start(app).await;
    assert_eq!(server.statuses("/free", 9).await, [200; 9]);
    assert_eq!(server.get_with("/", "x-internal", "1").await.status, 200);
    assert_eq!(remaining(&backend).await, [4, 2, 1]);
    assert_eq!(server.statuses("/", 5).await, [200, 200, 200, 200, 429]);
    assert_eq!(server.post("/free", "").await.status, 429);
    assert_eq!(server.get("/free").await.status, 200);

    // `POST` leaves `GET` unlimited; a bypass overrides a rule.
    let layer = ThrottleLayer::new()
        .throttle::<Global>()
        .throttle_if(filter::methods([Method::POST]))
        .throttle_if(filter::path("/admin"))
        .bypass_if(filter::path("/free"));
    let (app, backend) = layered(layer);
    let server = Server::start(app).await;
    server.get("/").await;
    server.post("/free", "").await;
    assert_eq!(remaining(&backend).await[0], 4);
    server.post("/", "").await;
    server.get("/admin").await;
    assert_eq!(remaining(&backend).await[0], 2);
}

#[tokio::test]
async fn does_not_evaluate_predicates_if_other_filters_decide() {
    static EVALUATED: AtomicUsize = AtomicUsize::new(0);
    async fn counted(_: &Parts) -> bool {
        EVALUATED.fetch_add(1, Relaxed);
        true
    }
    let layer = ThrottleLayer::new()
        .throttle_when::<Writes>(filter::when(counted).and(filter::methods([Method::POST])))
        .throttle_when::<Admin>(filter::when(counted).and(filter::path("/admin")))
        .bypass_if(filter::when(counted).and(filter::path("/free")));
    let (app, _) = layered(layer);
    let server = Server::start(app).await;
    for (path, expected) in [("/", 0), ("/free", 0), ("/admin", 1)] {
        server.get(path).await;
        assert_eq!(EVALUATED.swap(0, Relaxed), expected, "{path}");
    }
    // A bypass is evaluated before everything else.
    server.post("/free", "").await;
    assert_eq!(EVALUATED.load(Relaxed), 1);
}

#[tokio::test]
async fn responds_500_to_a_failure_without_charging() {
    let failing = |_: &Parts| Err::<bool, _>("the session store is unreachable");
    let layer = ThrottleLayer::new()
        .throttle::<Global>()
        .throttle_when::<Broken>(filter::path("/broken"))
        .throttle_when::<Writes>(filter::path("/failing").and(filter::when(failing)));
    let (app, backend) = layered(layer);
    let server = Server::start(app).await;
    for path in ["/broken", "/failing"] {
        let response = server.get(path).await;
        assert!(
            response.status == 500 && response.has_no_limit_fields(),
            "{path}"
        );
    }
    assert_eq!(remaining(&backend).await, [4, 2, 1]);
}

#[throttled(rate = "9/minute", headers = both)]
async fn typed(Path(_): Path<u64>, Json(_): Json<u64>) {}

#[throttled(rate = "1/minute", headers = both)]
async fn strict() {}

fn handlers(layer: ThrottleLayer) -> Router {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/typed/{number}", post(typed))
        .route("/strict", get(strict));
    app.layer(layer).layer(provide(backend))
}

#[tokio::test]
async fn writes_the_decision_of_a_gate_before_a_rejected_extractor() {
    let bare = Server::start(handlers(ThrottleLayer::new())).await;
    // The body is extracted after the gate, and it is not JSON.
    let response = bare.post("/typed/7", "x").await;
    assert_eq!(response.status, 415);
    assert_eq!(response.limits, [ServiceLimit::new("typed", 8, 60)]);
    assert_eq!(response.legacy(), [Some("9"), Some("8"), Some("60")]);
    // The handler ran: its fields are present once.
    let request = bare.request(Method::POST, "/typed/7").json(&7);
    let response = traffik_tests::TestResponse::of_request(request).await;
    assert_eq!(response.limits, [ServiceLimit::new("typed", 7, 60)]);

    let server = Server::start(handlers(ThrottleLayer::new().throttle::<Global>())).await;
    let response = server.post("/typed/7", "x").await;
    let limits = [
        ServiceLimit::new("Global", 3, 60),
        ServiceLimit::new("typed", 8, 60),
    ];
    assert_eq!((response.status, response.limits), (415, limits.to_vec()));
}

#[tokio::test]
async fn keeps_the_fields_of_an_inner_refusal() {
    let server = Server::start(handlers(ThrottleLayer::new().throttle::<Global>())).await;
    let response = server.get("/strict").await;
    assert_eq!(response.status, 200);
    // The smallest remainder of all.
    assert_eq!(response.legacy(), [Some("1"), Some("0"), Some("60")]);
    let response = server.get("/strict").await;
    assert_eq!(response.status, 429);
    assert_eq!(response.field("retry-after"), Some("60"));
    let limits = [
        ServiceLimit::new("Global", 2, 60),
        ServiceLimit::new("strict", 0, 60),
    ];
    assert_eq!(response.limits, limits);
    // These fields have room for one policy: the one that refused.
    assert_eq!(response.legacy(), [Some("1"), Some("0"), Some("60")]);
}

#[tokio::test]
async fn nests_among_other_layers() {
    let (backend, _) = midnight();
    let stack = ServiceBuilder::new()
        .layer(provide(backend.clone()))
        .layer(ThrottleLayer::new().throttle::<Global>())
        .layer(middleware::from_fn(
            async |request: axum::extract::Request, next: middleware::Next| next.run(request).await,
        ))
        .layer(ThrottleLayer::new().throttle::<Admin>());
    let nested = Router::new().route("/users", get(ok));
    let inside = ThrottleLayer::new().throttle_when::<Writes>(filter::path("/admin/**"));
    let app = Router::new()
        .nest("/admin", nested.layer(inside))
        .layer(stack);
    let server = Server::start(app).await;
    let response = server.get("/admin/users").await;
    assert_eq!(response.status, 200);
    let names: Vec<_> = response.limits.iter().map(|limit| &*limit.name).collect();
    assert_eq!(names, ["Global", "Admin", "Writes"]);
    let response = server.get("/admin/users").await;
    assert_eq!(response.status, 429);
    assert_eq!(response.limits[0], ServiceLimit::new("Global", 2, 60));
    assert_eq!(response.legacy(), [None, None, None]);
    assert_eq!(remaining(&backend).await, [2, 1, 0]);
}

#[tokio::test]
async fn throttles_bare_hyper() {
    let (backend, _) = midnight();
    let service = ServiceBuilder::new()
        .layer(provide(backend))
        .layer(ThrottleLayer::new().throttle::<Admin>())
        .service_fn(async |_: Request<hyper::body::Incoming>| {
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hyper"))))
        });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        loop {
            let (stream, peer) = listener.accept().await.unwrap();
            let service = service.clone();
            // The code that accepts the connection knows the peer.
            let with_peer = service_fn(move |mut request: Request<hyper::body::Incoming>| {
                request
                    .extensions_mut()
                    .insert(ConnectInfo::<SocketAddr>(peer));
                service.clone().oneshot(request)
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(with_peer));
            tokio::spawn(connection);
        }
    });
    let client = reqwest::Client::new();
    let send = || traffik_tests::TestResponse::of_request(client.get(format!("http://{address}/")));
    let response = send().await;
    assert_eq!((response.status, &*response.body), (200, "hyper"));
    assert_eq!(response.limits, [ServiceLimit::new("Admin", 0, 60)]);
    let response = send().await;
    assert_eq!(response.status, 429);
    assert_eq!(
        response.json()["violated-policies"],
        serde_json::json!(["Admin"])
    );
    let length = response.body.len().to_string();
    assert_eq!(response.field("content-length"), Some(&*length));
    serving.abort();
}

/// Boxed bodies with an error type of their own; tonic itself is in `grpc`.
#[tokio::test]
async fn refuses_a_grpc_call_with_a_grpc_status() {
    type GrpcBody = http_body_util::combinators::UnsyncBoxBody<Bytes, std::io::Error>;
    let (backend, _) = midnight();
    let mut service = ServiceBuilder::new()
        .layer(provide(backend))
        .layer(ThrottleLayer::new().throttle::<Admin>())
        .service_fn(async |_: Request<Empty<Bytes>>| {
            let body = Full::new(Bytes::from_static(b"\0\0\0\0\0")).map_err(|never| match never {});
            Ok::<_, std::io::Error>(Response::new(GrpcBody::new(body)))
        });
    let mut call = async |content: &'static str| {
        let mut request = Request::post("/greeter.Greeter/SayHello")
            .body(Empty::new())
            .unwrap();
        request
            .headers_mut()
            .insert("content-type", content.parse().unwrap());
        request.extensions_mut().insert(peer("127.0.0.1:1"));
        service.ready().await.unwrap().call(request).await.unwrap()
    };
    let response = call("application/grpc").await;
    assert_eq!(response.status(), 200);
    assert!(!response.headers().contains_key("grpc-status"));
    let body: Bytes = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&body[..], b"\0\0\0\0\0");
    let response = call("application/grpc+proto").await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["grpc-status"], "8");
    assert_eq!(response.headers()["retry-after"], "60");
    let response = call("application/json").await;
    assert_eq!(response.status(), 429);
    assert!(!response.headers().contains_key("grpc-status"));
}

#[tokio::test]
async fn delays_requests_in_a_queue() {
    traffik::throttles! {
        throttle Queue(rate = "10/s", strategy = leaky_bucket_with_queue(queue_size = 5));
    }
    tokio::time::pause();
    let (backend, _) = midnight();
    let app = Router::new().route("/", get(ok));
    let app = app
        .layer(ThrottleLayer::new().throttle::<Queue>())
        .layer(provide(backend));
    let before = tokio::time::Instant::now();
    let mut delays = Vec::new();
    for _ in 0..3 {
        let mut request = Request::get("/").body(Body::empty()).unwrap();
        request.extensions_mut().insert(peer("127.0.0.1:1"));
        assert_eq!(app.clone().oneshot(request).await.unwrap().status(), 200);
        delays.push(before.elapsed().as_millis());
    }
    assert!(delays[0] < delays[1] && delays[1] < delays[2], "{delays:?}");
}
