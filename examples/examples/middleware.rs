//! Throttles as a layer, selected by path, method and predicate:
//! `cargo run -p traffik-examples --example middleware`.

use std::net::SocketAddr;

use axum::Router;
use axum::http::Method;
use axum::http::request::Parts;
use axum::routing::get;
use traffik::{ThrottleLayer, filter};

traffik::throttles! {
    /// All requests together.
    throttle Global(rate = "20/minute");
    /// Requests that change data.
    throttle Writes(rate = "5/minute");
    /// The pages of administrators.
    throttle Admin(rate = "2/minute");
}

/// Stands in for the check of a session.
async fn is_operator(parts: &Parts) -> bool {
    parts
        .headers
        .get("x-operator")
        .is_some_and(|token| token == "let-me-in")
}

/// Builds the layer. A request that several throttles match is decided once, by all of them.
///
/// `/administrator` does not match the first filter, and `/%61dmin` does. The bypass is exact,
/// because a bypass that matches more is a hole.
fn throttles() -> ThrottleLayer {
    ThrottleLayer::new()
        .throttle_when::<Admin>(filter::path("/admin/**"))
        .throttle_when::<Writes>(filter::methods([Method::POST, Method::PUT, Method::DELETE]))
        .throttle::<Global>()
        .bypass_if(filter::path("/health").and(filter::methods([Method::GET])))
        .bypass_if(filter::when(is_operator))
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    tracing_subscriber::fmt::init();
    let port = std::env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let app = Router::new()
        .route("/", get(async || "hello\n").post(async || "written\n"))
        .route("/admin/users", get(async || "users\n"))
        .route("/health", get(async || "healthy\n"))
        .layer(throttles());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}; try it:");
    println!("  curl -i http://{address}/admin/users      # 2 a minute, of 20 in all");
    println!("  curl -i -X POST http://{address}/         # 5 a minute, of 20 in all");
    println!("  curl -i http://{address}/health           # not counted");
    println!("  curl -i -H 'x-operator: let-me-in' http://{address}/");
    axum::serve(
        listener,
        app.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .await
}
