//! An application of nested routers, each with limits of its own.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::MockConnectInfo;
use axum::extract::{Path, Request, State};
use axum::handler::Handler as _;
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{any, get};
use tower::ServiceExt as _;
use traffik::{Backend, ManualClock, ThrottleLayer, filter, provide, throttled, throttles};

throttles! {
    defaults(identifier = everyone);
    /// Limits the whole API.
    throttle Api(rate = "100/minute");
    /// Selects the methods that modify data.
    throttle Writes(rate = "2/minute");
    /// Limits one user's page.
    throttle Profiles(rate = "2/minute");
    throttle Admin(rate = "1/minute");
}

mod users {
    use super::{Path, Router, State, get, throttled};

    #[throttled(rate = "3/minute", scope = route, identifier = everyone)]
    async fn one(State(name): State<&'static str>, Path(id): Path<u64>) -> String {
        format!("{name} {id}")
    }

    #[throttled(rate = "3/minute", identifier = everyone, name = Listed)]
    async fn all() -> &'static str {
        "users"
    }

    pub(super) fn router() -> Router<&'static str> {
        Router::new()
            .route("/", get(all).post(all))
            .route("/{id}", get(one))
    }
}

async fn missing() -> &'static str {
    "missing"
}

async fn pass(request: Request, next: Next) -> Response {
    next.run(request).await
}

fn app() -> Router {
    let layer = ThrottleLayer::new()
        .throttle::<Api>()
        .throttle_when::<Writes>(filter::methods([Method::POST]))
        .throttle_when::<Profiles>(filter::route("/api/users/{id}"))
        .bypass_if(filter::route("/api/health"));
    let api = Router::new()
        .nest("/users", users::router())
        .route("/health", get(async || "well"))
        .layer(layer)
        .layer(middleware::from_fn(pass));
    let admin = Router::new()
        .fallback(any(async || "admin"))
        .layer(ThrottleLayer::new().throttle::<Admin>());
    Router::new()
        .nest("/api", api)
        .nest_service("/admin", admin)
        .with_state("user")
        .fallback_service(missing.layer(ThrottleLayer::new()).with_state(()))
        .layer(provide(Backend::memory().clock(ManualClock::new())))
        .layer(MockConnectInfo(SocketAddr::from(([192, 0, 2, 1], 1))))
}

async fn check(requests: &[(&str, &str, u16, &[&str])]) {
    let app = app();
    for (method, path, status, policies) in requests {
        let request = Request::builder().method(*method).uri(*path);
        let request = request.body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), *status, "{method} {path}");
        let fields = response.headers().get_all("ratelimit-policy");
        let fields = fields.iter().map(|field| field.to_str().unwrap());
        let fields = fields.collect::<Vec<_>>().join(", ");
        let names: Vec<_> = fields.split('"').skip(1).step_by(2).collect();
        assert_eq!(names, *policies, "{method} {path}");
    }
}

#[tokio::test]
async fn applies_the_limits_of_a_router_and_of_those_around_it() {
    check(&[
        ("GET", "/api/users/7", 200, &["Api", "Profiles", "one"]),
        ("GET", "/api/users/8", 200, &["Api", "Profiles", "one"]),
        ("GET", "/api/users/9", 429, &["Api", "Profiles"]),
        ("GET", "/api/users", 200, &["Api", "Listed"]),
        ("POST", "/api/users", 200, &["Api", "Writes", "Listed"]),
        ("POST", "/api/users", 200, &["Api", "Writes", "Listed"]),
        ("GET", "/api/users", 429, &["Api", "Listed"]),
        ("POST", "/api/users", 429, &["Api", "Writes"]),
        ("GET", "/api/health", 200, &[]),
        ("GET", "/unknown", 200, &[]),
        ("GET", "/admin/users", 200, &["Admin"]),
        ("GET", "/admin/", 429, &["Admin"]),
    ])
    .await;
}
