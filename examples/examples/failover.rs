//! Limits in Redis, with a fallback to memory while Redis is down:
//! `cargo run -p traffik-examples --example failover`.
//!
//! `REDIS_PORT` is the server's port, 6390 if it is not set. The server may be started later.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};
use traffik::{Backend, CircuitBreaker, SystemClock, throttled};

/// Shared by all throttles on this Redis: a failure of one counts for all.
static BREAKER: CircuitBreaker = CircuitBreaker::new()
    .failures(3)
    .recovery(Duration::from_secs(5))
    .successes(2);

fn port() -> String {
    std::env::var("REDIS_PORT").unwrap_or_else(|_| "6390".to_owned())
}

/// Connects on first use, and again when the connection breaks.
fn redis() -> Backend {
    Backend::redis(format!("redis://127.0.0.1:{}/", port())).lazy()
}

#[throttled(
    rate = "10/minute",
    identifier = everyone,
    backend = redis(),
    timeout = "100ms",
    on_error = failover(backend = Backend::memory(), breaker = BREAKER),
)]
async fn hello() -> &'static str {
    "hello\n"
}

/// Returns the breaker's state, for operators.
async fn breaker() -> Json<Value> {
    Json(json!({ "breaker": format!("{:?}", BREAKER.state(&SystemClock::new())) }))
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    tracing_subscriber::fmt::init();
    let http = std::env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let app = Router::new()
        .route("/", get(hello))
        .route("/breaker", get(breaker));
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{http}")).await?;
    let address = listener.local_addr()?;
    let port = port();
    println!(
        "listening on http://{address}, 10 requests a minute for all clients together, in Redis on port {port}"
    );
    println!("1. Start Redis in another terminal:");
    println!("     redis-server --port {port} --save ''");
    println!("   and watch a client's responses, twice a second:");
    println!(
        "     while sleep 0.5; do curl -si http://{address} | grep -iE '^(HTTP|ratelimit:|retry)'; done"
    );
    println!("   `r=` counts down to 0, then the status is 429 until the minute is over.");
    println!(
        "2. Stop it (Ctrl-C there, or `redis-cli -p {port} shutdown nosave`). No request fails or hangs: the"
    );
    println!(
        "   memory of this process decides, with its own budget, so `r=` starts again at 9. After three failures"
    );
    println!("   the log shows `breaker open`, and for five seconds Redis is not called:");
    println!("     curl -s http://{address}/breaker");
    println!(
        "3. Start it again. Within five seconds the log shows `breaker half-open`, and after two successful hits"
    );
    println!(
        "   `breaker closed`. Redis, which has lost its data, decides again. Units that were taken from memory still"
    );
    println!(
        "   count here until the minute is over, so no client gets more than twice the limit in it."
    );
    axum::serve(
        listener,
        app.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .await
}
