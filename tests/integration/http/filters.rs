//! Filters on raw request lines that a client sends through a socket.

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::routing::get;
use http::{Method, Request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower::ServiceExt as _;
use traffik::{ThrottleLayer, filter, provide};
use traffik_tests::{Server, midnight};

traffik::throttles! {
    /// Admits one request in a long period.
    throttle Matched(rate = "1/10w", cost = 1, identifier = everyone);
}

async fn ok() {}

/// Serves an app that admits one request that a filter matches, and refuses the next.
async fn serve(filter: filter::Filter) -> Server {
    let (backend, _) = midnight();
    let layer = ThrottleLayer::new().throttle_when::<Matched>(filter);
    let app = Router::new().fallback(ok).layer(layer);
    Server::start(app.layer(provide(backend))).await
}

async fn status(server: &Server, line: &str) -> u16 {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let request = format!("{line} HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await.unwrap();
    let response = String::from_utf8_lossy(&response);
    response.split(' ').nth(1).unwrap().parse().unwrap()
}

async fn check(filter: filter::Filter, matching: &[&str], other: &[&str]) {
    let server = serve(filter).await;
    assert_eq!(status(&server, matching[0]).await, 200);
    for line in matching {
        assert_eq!(status(&server, line).await, 429, "{line}");
    }
    for line in other {
        assert_eq!(status(&server, line).await, 200, "{line}");
    }
}

#[tokio::test]
async fn matches_raw_paths() {
    check(
        filter::path("/admin/**"),
        &[
            "GET /admin",
            "GET /admin/",
            "GET /admin/users?page=2",
            "GET /%61dmin/users",
            "GET /admin//x",
            "GET /admin/../public",
            "POST /admin/%2F",
            "HEAD /admin",
            "OPTIONS /admin",
            "GET http://b.example/admin/x",
        ],
        &[
            "GET /administrator",
            "GET /Admin",
            "GET //admin",
            "GET /admin%2Fusers",
            "GET /public/../admin",
            "GET /?/admin/",
            "OPTIONS *",
            "GET foo",
        ],
    )
    .await;
}

#[tokio::test]
async fn matches_raw_methods() {
    check(
        filter::methods([Method::GET]),
        &["GET /", "HEAD /", "GET /%2a"],
        &["POST /", "get /", "OPTIONS *", "DELETE /"],
    )
    .await;
}

#[tokio::test]
async fn matches_expressions_on_normalized_paths() {
    check(
        filter::path_regex(r"/api/v\d+/.*").unwrap(),
        &[
            "GET /api/v1/",
            "GET /api/v22/users?x",
            "GET /%61pi/v1/",
            "GET /api/v%31/",
        ],
        &["GET /api/v/x", "GET /x/api/v1/", "OPTIONS *"],
    )
    .await;
}

#[tokio::test]
async fn resists_escapes_and_signs_in_a_path_parameter() {
    async fn user(Path(_): Path<u64>) {}
    let (backend, _) = midnight();
    let users = filter::path_regex("/api/users/[^/]+").unwrap();
    let layer = ThrottleLayer::new().throttle_when::<Matched>(users);
    let app = Router::new()
        .route("/api/users/{id}", get(user))
        .layer(layer);
    let server = Server::start(app.layer(provide(backend))).await;
    assert_eq!(status(&server, "GET /api/users/1").await, 200);
    for target in ["1", "%31", "+1", "%2B1", "01", "%301"] {
        let line = format!("GET /api/users/{target}");
        assert_eq!(status(&server, &line).await, 429, "{line}");
    }
}

#[tokio::test]
async fn treats_requests_without_a_path_as_the_root() {
    for pattern in ["/**", "/"] {
        check(
            filter::path(pattern),
            &[
                "GET /",
                "OPTIONS *",
                "GET *",
                "GET foo",
                "CONNECT a.example:443",
            ],
            &[],
        )
        .await;
    }
}

#[tokio::test]
async fn does_not_bypass_requests_without_a_path() {
    for exempt in [
        filter::path("/**"),
        filter::path("/admin/**").not(),
        filter::path_regex(".*").unwrap(),
    ] {
        let (backend, _) = midnight();
        let layer = ThrottleLayer::new().throttle::<Matched>().bypass_if(exempt);
        let app = Router::new().fallback(ok).layer(layer);
        let server = Server::start(app.layer(provide(backend))).await;
        assert_eq!(status(&server, "OPTIONS *").await, 200);
        for line in ["OPTIONS *", "GET *", "GET foo", "CONNECT a.example:443"] {
            assert_eq!(status(&server, line).await, 429, "{line}");
        }
        assert_eq!(status(&server, "GET /").await, 200);
        assert_eq!(status(&server, "GET /").await, 200);
    }
}

/// Returns all paths of up to `max` segments, each of these.
fn paths(segments: &[&str], max: usize) -> Vec<String> {
    let mut all = Vec::new();
    let mut longest = vec![String::new()];
    for _ in 0..max {
        let longer = longest.iter().flat_map(|start| {
            let next = segments.iter();
            next.map(move |segment| format!("{start}/{segment}"))
        });
        longest = longer.collect();
        all.extend_from_slice(&longest);
    }
    all
}

#[tokio::test]
async fn matches_a_star_like_a_parameter_of_the_router() {
    let (mut matched, mut empty) = (0, 0);
    for pattern in paths(&["a", "*"], 3) {
        for pattern in [pattern.clone(), pattern + "/"] {
            let segments = pattern.split('/').enumerate();
            let route = segments.map(|(place, segment)| match segment {
                "*" => format!("{{p{place}}}"),
                segment => segment.to_owned(),
            });
            let route = route.collect::<Vec<_>>().join("/");
            let app: Router = Router::new().route(&route, get(ok));
            let filter = filter::path(&pattern);
            for path in paths(&["", "a", "b"], 4) {
                let request = || Request::get(&path).body(Body::empty()).unwrap();
                let response = app.clone().oneshot(request()).await.unwrap();
                let is_routed = response.status() == 200;
                let (parts, _) = request().into_parts();
                let matches = filter.matches(&parts).await.unwrap();
                assert_eq!(matches, is_routed, "{pattern} or {route}, {path}");
                matched += usize::from(matches);
                empty += usize::from(matches && path.contains("//"));
            }
        }
    }
    assert!(matched > 50 && empty > 5, "{matched}, {empty}");
}

async fn check_routed(app: Router, expected: &[(&str, u16)]) {
    let (backend, _) = midnight();
    let server = Server::start(app.layer(provide(backend))).await;
    for (place, (line, expected)) in expected.iter().enumerate() {
        assert_eq!(status(&server, line).await, *expected, "{place}: {line}");
    }
}

#[tokio::test]
async fn matches_a_route_for_every_path() {
    let layer = || ThrottleLayer::new().throttle_when::<Matched>(filter::route("/users/{id}"));
    let app = Router::new()
        .route("/users/{id}", get(ok))
        .route("/users/me", get(ok))
        .route("/{a}/{b}", get(ok))
        .layer(layer());
    let expected = [
        ("GET /users/me", 200),
        ("GET /users/", 404),
        ("GET /users/7/", 404),
        ("GET /u/7", 200),
        ("GET /users/7", 200),
        ("GET /users/8?a", 429),
        ("GET /users/m%65", 429),
        ("POST /users/9", 429),
        ("GET /users/me", 200),
        ("GET /u/7", 200),
        ("GET /unknown", 404),
        ("OPTIONS *", 404),
    ];
    check_routed(app, &expected).await;
    let one = Router::new().route("/users/{id}", get(ok).layer(layer()));
    check_routed(one, &[("GET /users/7", 200), ("GET /users/8", 429)]).await;
}

#[tokio::test]
async fn matches_a_nested_route_with_its_prefix() {
    let nested = |route, is_inside| {
        let layer = ThrottleLayer::new().throttle_when::<Matched>(filter::route(route));
        let users = Router::new().route("/{id}", get(ok)).route("/", get(ok));
        if is_inside {
            Router::new().nest("/users", users.layer(layer))
        } else {
            Router::new().nest("/users", users).layer(layer)
        }
    };
    for is_inside in [true, false] {
        let expected = [
            ("GET /users/7", 200),
            ("GET /users/8", 429),
            ("GET /users", 200),
        ];
        check_routed(nested("/users/{id}", is_inside), &expected).await;
        let expected = [("GET /users/7", 200), ("GET /users/8", 200)];
        check_routed(nested("/{id}", is_inside), &expected).await;
        let expected = [("GET /users", 200), ("GET /users", 429)];
        check_routed(nested("/users", is_inside), &expected).await;
    }
}

#[tokio::test]
async fn selects_all_other_routes_by_a_negation() {
    let layer = ThrottleLayer::new().throttle_when::<Matched>(filter::route("/health").not());
    let app = Router::new().route("/health", get(ok)).route("/", get(ok));
    let expected = [
        ("GET /health", 200),
        ("GET /unknown", 404),
        ("GET /", 429),
        ("GET /health", 200),
    ];
    check_routed(app.layer(layer), &expected).await;
}

/// Outside a router no request has a route.
#[tokio::test]
async fn selects_nothing_by_routes_outside_routing() {
    let (backend, _) = midnight();
    for route in [filter::route("/{id}"), filter::route("/{id}").not()] {
        let layer = ThrottleLayer::new().throttle_when::<Matched>(route);
        let app = Router::new().route("/{id}", get(ok));
        let service = tower::ServiceBuilder::new()
            .layer(provide(backend.clone()))
            .layer(layer)
            .service(app);
        for _ in 0..3 {
            let request = Request::get("/7").body(Body::empty()).unwrap();
            let response = service.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), 200);
        }
    }
}
