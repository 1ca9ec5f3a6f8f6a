//! Scopes: the segments of a throttle's budget.

use axum::Router;
use axum::http::request::Parts;
use axum::routing::{any, get};
use http::{HeaderValue, Method};
use traffik::{provide, throttled};
use traffik_tests::{Server, TestResponse, midnight};

const SEARCH: &str = "search";

fn tenant(parts: &Parts) -> String {
    let tenant = parts.headers.get("x-tenant").map(HeaderValue::as_bytes);
    String::from_utf8_lossy(tenant.unwrap_or_default()).into_owned()
}

traffik::throttles! {
    throttle Anywhere(rate = "2/minute");
    throttle EachRoute(rate = "2/minute", scope = route);
    throttle Named(rate = "2/minute", scope = "search");
    throttle OfConst(rate = "2/minute", scope = SEARCH);
    throttle EachTenant(rate = "2/minute", scope = tenant);
}

#[throttled(Anywhere)]
async fn anywhere() {}

#[throttled(EachRoute)]
async fn each_route() {}

#[throttled(EachTenant)]
async fn each_tenant() {}

#[throttled(Named)]
async fn named() {}

#[throttled(OfConst)]
async fn of_const() {}

async fn serve() -> Server {
    let (backend, _) = midnight();
    let nested = Router::new().route("/{id}", get(each_route));
    let app = Router::new()
        .route("/any/{id}", get(anywhere).post(anywhere))
        .route("/any", get(anywhere))
        .route("/items/{id}", get(each_route).post(each_route))
        .route("/others/{id}", get(each_route))
        .route("/any-method", any(each_route))
        .nest("/nested", nested)
        .route("/tenant", get(each_tenant))
        .route("/named", get(named).post(named))
        .route("/const", get(of_const).post(of_const))
        .fallback(each_route);
    Server::start(app.layer(provide(backend))).await
}

async fn send(server: &Server, method: Method, path: &str) -> u16 {
    TestResponse::of_request(server.request(method, path))
        .await
        .status
}

async fn post(server: &Server, path: &str) -> u16 {
    send(server, Method::POST, path).await
}

#[tokio::test]
async fn shares_one_budget_by_default() {
    let server = serve().await;
    assert_eq!(server.get("/any/1").await.status, 200);
    assert_eq!(post(&server, "/any/2").await, 200);
    assert_eq!(server.get("/any").await.status, 429);
}

#[tokio::test]
async fn separates_routes_by_their_template() {
    let server = serve().await;
    assert_eq!(server.get("/items/1").await.status, 200);
    assert_eq!(server.get("/items/2?page=3").await.status, 200);
    assert_eq!(server.get("/items/3").await.status, 429);
    assert_eq!(server.get("/items/%34").await.status, 429);
}

#[tokio::test]
async fn separates_methods_and_routes() {
    let server = serve().await;
    assert_eq!(server.statuses("/items/1", 3).await, [200, 200, 429]);
    assert_eq!(post(&server, "/items/1").await, 200);
    assert_eq!(server.statuses("/others/1", 3).await, [200, 200, 429]);
    assert_eq!(server.statuses("/nested/1", 3).await, [200, 200, 429]);
}

#[tokio::test]
async fn counts_unmatched_paths_as_one_route_per_method() {
    let server = serve().await;
    assert_eq!(server.get("/nowhere").await.status, 200);
    assert_eq!(server.get("/elsewhere").await.status, 200);
    assert_eq!(server.get("/far/away").await.status, 429);
    assert_eq!(post(&server, "/nowhere").await, 200);
}

#[tokio::test]
async fn separates_segments_by_a_function() {
    let server = serve().await;
    for tenant in ["a", "b", ""] {
        for status in [200, 200, 429] {
            assert_eq!(
                server.get_with("/tenant", "x-tenant", tenant).await.status,
                status
            );
        }
    }
}

#[tokio::test]
async fn accepts_a_constant_segment() {
    let server = serve().await;
    for path in ["/named", "/const"] {
        assert_eq!(server.get(path).await.status, 200);
        assert_eq!(post(&server, path).await, 200);
        assert_eq!(server.get(path).await.status, 429);
    }
}

#[tokio::test]
async fn shares_one_budget_among_unregistered_methods() {
    let server = serve().await;
    for path in ["/any-method", "/nowhere"] {
        let mut admitted = 0;
        for number in 0..50 {
            let method = Method::from_bytes(format!("M{number}").as_bytes()).unwrap();
            admitted += usize::from(send(&server, method, path).await == 200);
        }
        assert_eq!(admitted, 2, "{path}");
    }
}

#[tokio::test]
async fn treats_methods_in_another_case_as_unregistered() {
    let server = serve().await;
    for (method, status) in [("get", 200), ("Post", 200), ("pUT", 429), ("other", 429)] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(send(&server, method, "/any-method").await, status);
    }
    assert_eq!(server.get("/any-method").await.status, 200);
}

#[tokio::test]
async fn separates_registered_methods_and_counts_head_as_get() {
    let server = serve().await;
    for method in [
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS,
        Method::TRACE,
    ] {
        for status in [200, 200, 429] {
            assert_eq!(
                send(&server, method.clone(), "/any-method").await,
                status,
                "{method}"
            );
        }
    }
    assert_eq!(server.get("/any-method").await.status, 200);
    assert_eq!(send(&server, Method::HEAD, "/any-method").await, 200);
    assert_eq!(server.get("/any-method").await.status, 429);
    assert_eq!(send(&server, Method::HEAD, "/any-method").await, 429);
}
