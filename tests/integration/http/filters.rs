//! Filters as a client's bytes meet them: raw request lines through a socket.

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use http::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use traffik::{ThrottleLayer, filter, provide};
use traffik_tests::{Server, midnight};

traffik::throttles! {
    /// One request in a long time.
    throttle Matched(rate = "1/10w", cost = 1, identifier = everyone);
}

async fn ok() {}

/// The server for requests that a filter matches; after one of them, the next is refused.
async fn served(filter: filter::Filter) -> Server {
    let (backend, _) = midnight();
    let layer = ThrottleLayer::new().throttle_when::<Matched>(filter);
    let app = Router::new().fallback(ok).layer(layer);
    Server::start(app.layer(provide(backend))).await
}

async fn status(server: &Server, line: &str) -> u16 {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let request = format!("{line} HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

async fn check(filter: filter::Filter, matching: &[&str], other: &[&str]) {
    let server = served(filter).await;
    assert_eq!(status(&server, matching[0]).await, 200);
    for line in matching {
        assert_eq!(status(&server, line).await, 429, "{line}");
    }
    for line in other {
        assert_eq!(status(&server, line).await, 200, "{line}");
    }
}

#[tokio::test]
async fn paths_as_they_were_sent() {
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
async fn methods_as_they_were_sent() {
    check(
        filter::methods([Method::GET]),
        &["GET /", "HEAD /", "GET /%2a"],
        &["POST /", "get /", "OPTIONS *", "DELETE /"],
    )
    .await;
}

#[tokio::test]
async fn expressions_see_paths_in_their_normal_form() {
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
async fn escapes_and_signs_do_not_walk_around_a_path_parameter() {
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
async fn requests_without_a_path_are_throttled_as_the_root() {
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
async fn requests_without_a_path_are_not_let_by() {
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
