//! An application that defines its limits in one module and uses them in others.

#![allow(
    unreachable_pub,
    reason = "applications write `pub` in their modules, whoever may reach those"
)]

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::MockConnectInfo;
use axum::http::Request;
use tower::ServiceExt as _;
use traffik::{Backend, ManualClock, Throttle as _, provide};

/// The limits of the application.
mod limits {
    traffik::throttles! {
        defaults(identifier = everyone);
        /// Visible in the whole application.
        pub(crate) throttle Burst(rate = "2/minute");
        pub(super) throttle Steady(rate = "100/hour");
        /// Visible everywhere.
        pub throttle Public(rate = "2/minute");
    }
}

/// Public handlers, some with limits that are private to this module.
pub(crate) mod handlers {
    use axum::extract::Path;
    use axum::http::StatusCode;
    use traffik::{Error, Limiter, Throttled, throttled};

    use super::limits::{Burst, Public, Steady};

    traffik::throttles! {
        throttle Hidden(rate = "1/minute", identifier = everyone);
    }

    /// A set with a member that is less visible than the handler.
    type Both = (Burst, Hidden);

    #[throttled(Public)]
    pub async fn public() -> &'static str {
        "public"
    }

    #[throttled(rate = "1/minute", identifier = everyone)]
    pub async fn own() -> &'static str {
        "own"
    }

    #[throttled(Burst, Steady)]
    pub(crate) async fn crate_wide() -> &'static str {
        "crate_wide"
    }

    #[throttled(Burst)]
    pub async fn with_crate_wide_throttle() -> &'static str {
        "with_crate_wide_throttle"
    }

    #[throttled(Hidden)]
    pub async fn with_private_throttle(Path(id): Path<u64>) -> String {
        id.to_string()
    }

    #[throttled(Both)]
    pub async fn with_private_set() -> &'static str {
        "with_private_set"
    }

    #[throttled(Hidden, cost = |text| text.len())]
    pub async fn with_private_throttle_and_closure(text: String) -> String {
        text
    }

    pub(crate) async fn by_extractor(_: Throttled<Public>) -> &'static str {
        "by_extractor"
    }

    pub(crate) async fn by_hand(limiter: Limiter<Public>) -> Result<StatusCode, Error> {
        let decision = limiter.hit().await?;
        Ok(if decision.admitted {
            StatusCode::OK
        } else {
            StatusCode::TOO_MANY_REQUESTS
        })
    }

    pub(super) mod deeper {
        use super::super::limits;
        use traffik::throttled;

        #[throttled(limits::Burst, super::Hidden)]
        pub async fn nested() -> &'static str {
            "nested"
        }
    }
}

mod routes {
    use axum::Router;
    use axum::routing::{get, post};

    use super::handlers::{self, deeper};

    pub(super) fn router() -> Router {
        Router::new()
            .route("/public", get(handlers::public))
            .route("/own", get(handlers::own))
            .route("/crate_wide", get(handlers::crate_wide))
            .route(
                "/with_crate_wide_throttle",
                get(handlers::with_crate_wide_throttle),
            )
            .route(
                "/with_private_throttle/{id}",
                get(handlers::with_private_throttle),
            )
            .route("/with_private_set", get(handlers::with_private_set))
            .route(
                "/with_private_closure",
                post(handlers::with_private_throttle_and_closure),
            )
            .route("/by_extractor", get(handlers::by_extractor))
            .route("/by_hand", get(handlers::by_hand))
            .route("/nested", get(deeper::nested))
    }
}

fn app() -> Router {
    routes::router()
        .layer(provide(Backend::memory().clock(ManualClock::new())))
        .layer(MockConnectInfo(SocketAddr::from(([192, 0, 2, 1], 1))))
}

#[tokio::test]
async fn limits_every_handler_by_the_throttles_it_names() {
    for (method, path, admitted) in [
        ("GET", "/public", 2),
        ("GET", "/own", 1),
        ("GET", "/crate_wide", 2),
        ("GET", "/with_crate_wide_throttle", 2),
        ("GET", "/with_private_throttle/7", 1),
        ("GET", "/with_private_set", 1),
        ("POST", "/with_private_closure", 1),
        ("GET", "/by_extractor", 2),
        ("GET", "/by_hand", 2),
        ("GET", "/nested", 1),
    ] {
        let app = app();
        for hit in 0..3 {
            let body = if method == "POST" { "x" } else { "" };
            let request = Request::builder().method(method).uri(path);
            let request = request.body(Body::from(body)).unwrap();
            let status = app.clone().oneshot(request).await.unwrap().status();
            assert_eq!(status == 200, hit < admitted, "{path}, hit {hit}: {status}");
        }
    }
}

#[tokio::test]
async fn hits_the_throttle_of_a_handler_from_another_module() {
    let (mut parts, ()) = Request::new(()).into_parts();
    parts
        .extensions
        .insert(Backend::memory().clock(ManualClock::new()));
    assert!(handlers::own::hit(&parts).await.unwrap().admitted);
    assert_eq!(handlers::own::stat(&parts).await.unwrap().hits_remaining, 0);
    assert_eq!(
        limits::Public::stat(&parts).await.unwrap().hits_remaining,
        2
    );
}
