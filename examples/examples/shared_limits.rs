//! Two throttles that several handlers share, decided together, and a route that returns a client's
//! state: `cargo run -p traffik-examples --example shared_limits`.

use std::net::SocketAddr;

use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use traffik::{Throttle, throttled};

traffik::throttles! {
    /// Short bursts of each address. An invented key does not bypass it.
    throttle Burst(rate = "5/10s");
    /// Steady use of each key in the header `x-api-key`, from all its addresses together.
    throttle Sustained(rate = "8/minute", strategy = sliding_counter, identifier = header("x-api-key"));
}

/// Both throttles as one set.
type Api = (Burst, Sustained);

/// Limited by both throttles: a hit that one refuses does not count against the other.
#[throttled(Api)]
async fn data() -> &'static str {
    "data\n"
}

/// Limited by the same two budgets, at a higher cost.
#[throttled(Api, cost = 3)]
async fn export() -> &'static str {
    "all of the data\n"
}

/// Returns the client's state and takes nothing. The `stat` of a set has one entry for each
/// throttle.
async fn usage(parts: Parts) -> impl IntoResponse {
    match Api::stat(&parts).await {
        Ok(stats) => Json(stats).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    tracing_subscriber::fmt::init();
    let port = std::env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let app = Router::new()
        .route("/data", get(data))
        .route("/export", get(export))
        .route("/usage", get(usage));
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let address = listener.local_addr()?;
    println!(
        "listening on http://{address}, 5 requests in ten seconds, 8 a minute for each key; try it:"
    );
    println!("  curl -i -H 'x-api-key: anna' http://{address}/data");
    println!("  curl -i -H 'x-api-key: anna' http://{address}/export   # takes 3; again: refused");
    println!("  curl -s -H 'x-api-key: anna' http://{address}/usage    # takes nothing");
    println!("  curl -s -H 'x-api-key: bert' http://{address}/usage    # a key of its own");
    axum::serve(
        listener,
        app.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .await
}
