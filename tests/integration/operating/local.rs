//! Throttles inside functions: throttles of one name have separate budgets.

use axum::Router;
use axum::body::Body;
use axum::routing::{MethodRouter, get};
use http::{Request, StatusCode};
use tower::ServiceExt as _;
use traffik::{Backend, ErrorKind, Throttle as _, provide, throttled};
use traffik_tests::{head, midnight, peer};

/// Defines a handler of this name with a rate at the call site.
macro_rules! local {
    ($rate:literal) => {{
        #[throttled(rate = $rate)]
        async fn local() {}
        get(local)
    }};
}

#[throttled(rate = "1/minute")]
async fn local() {}

fn function() -> MethodRouter {
    local!("1/minute")
}

fn of_another_rate() -> MethodRouter {
    local!("1/hour")
}

fn generic<T>(_: T) -> MethodRouter {
    local!("1/minute")
}

fn closure() -> MethodRouter {
    let nested = || || local!("1/minute");
    nested()()
}

async fn asynchronous() -> MethodRouter {
    async { local!("1/minute") }.await
}

struct Cart;

impl Cart {
    fn method(&self) -> MethodRouter {
        let Self = self;
        local!("1/minute")
    }
}

trait Routes {
    fn routes() -> MethodRouter;

    fn by_default() -> MethodRouter {
        local!("1/minute")
    }
}

impl Routes for Cart {
    fn routes() -> MethodRouter {
        local!("1/minute")
    }
}

mod nested {
    use super::{MethodRouter, get, throttled};

    pub(super) fn function() -> MethodRouter {
        local!("1/minute")
    }
}

async fn status(backend: &Backend, route: &MethodRouter) -> StatusCode {
    let app = Router::new().route("/", route.clone());
    let mut request = Request::get("/").body(Body::empty()).unwrap();
    request.extensions_mut().insert(peer("192.0.2.1:1"));
    let response = app.layer(provide(backend.clone())).oneshot(request).await;
    response.unwrap().status()
}

#[tokio::test]
async fn separates_the_budgets_of_handlers_of_one_name() {
    let backend = midnight().0;
    let routes = [
        ("module", get(local)),
        ("function", function()),
        ("of_another_rate", of_another_rate()),
        ("generic", generic(0_u8)),
        ("closure", closure()),
        ("asynchronous", asynchronous().await),
        ("method", Cart.method()),
        ("routes", Cart::routes()),
        ("by_default", Cart::by_default()),
        ("nested", nested::function()),
    ];
    for (name, route) in &routes {
        assert_eq!(status(&backend, route).await, StatusCode::OK, "{name}");
    }
    for (name, route) in &routes {
        let status = status(&backend, route).await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{name}");
    }
    // All instances of a generic function are one place.
    let other = status(&backend, &generic(String::new())).await;
    assert_eq!(other, StatusCode::TOO_MANY_REQUESTS);

    let module = module_path!();
    for uid in [
        "local",
        "function::local",
        "of_another_rate::local",
        "generic::local",
        "closure::local",
        "asynchronous::local",
        "Cart::method::local",
        "Routes::by_default::local",
        "nested::function::local",
    ] {
        let uid = format!("{module}::{uid}");
        assert!(super::entry(&uid).is_some(), "{uid}");
    }
}

/// Blocks have no names, so these two throttles have one path.
#[tokio::test]
async fn reports_two_throttles_of_one_path() {
    let parts = head(&midnight().0);
    let first = {
        traffik::throttles! { throttle Local(rate = "5/minute"); }
        Local::hit(&parts).await
    };
    assert!(first.unwrap().admitted);
    let second = {
        traffik::throttles! { throttle Local(rate = "5/minute"); }
        Local::hit(&parts).await
    };
    let error = second.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let message = error.to_string();
    let uid = format!(
        "{}::reports_two_throttles_of_one_path::Local",
        module_path!()
    );
    assert!(message.contains(&uid), "{message}");
    assert!(message.contains("give one of them a `uid` of its own"));
}

#[tokio::test]
async fn prefers_an_explicit_uid() {
    let parts = head(&midnight().0);
    for _ in 0..2 {
        traffik::throttles! { throttle Explicit(rate = "5/minute", uid = "local::explicit"); }
        Explicit::hit(&parts).await.unwrap();
    }
    let again = {
        traffik::throttles! { throttle Explicit(rate = "5/minute", uid = "local::explicit"); }
        Explicit::hit(&parts).await.unwrap()
    };
    assert_eq!(again.remaining, 2);
    assert!(super::entry("local::explicit").is_some());
}
