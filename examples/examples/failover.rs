//! Redis, and this process's memory while Redis is away: `cargo run -p traffik-examples --example failover`.
//!
//! `REDIS_PORT` says where the server is, 6390 if it is not set; nobody needs to be there yet.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};
use traffik::{Backend, CircuitBreaker, SystemClock, throttled};

/// Shared by all throttles on this Redis: what one of them finds out, all know.
static BREAKER: CircuitBreaker = CircuitBreaker::new()
    .failures(3)
    .recovery(Duration::from_secs(5))
    .successes(2);

fn port() -> String {
    std::env::var("REDIS_PORT").unwrap_or_else(|_| "6390".to_owned())
}

/// Connects when first used, and again whenever it has to.
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

/// The breaker's state, for whoever watches.
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
        "listening on http://{address}, 10 a minute for everyone together, in Redis on port {port}"
    );
    println!("1. Start Redis in another terminal:");
    println!("     redis-server --port {port} --save ''");
    println!("   and watch what a client sees, twice a second:");
    println!(
        "     while sleep 0.5; do curl -si http://{address} | grep -iE '^(HTTP|ratelimit:|retry)'; done"
    );
    println!("   `r=` counts down to 0, then it is 429 until the minute is over.");
    println!(
        "2. Kill it (Ctrl-C there, or `redis-cli -p {port} shutdown nosave`). No request fails or hangs: this"
    );
    println!(
        "   process's memory decides, with a budget of its own, so `r=` starts again at 9. After three failures"
    );
    println!("   the log says `breaker open`, and for five seconds Redis is not even tried:");
    println!("     curl -s http://{address}/breaker");
    println!(
        "3. Start it again. Within five seconds the log says `breaker half-open`, after two hits that went well"
    );
    println!(
        "   `breaker closed`. Redis, which kept nothing, decides again; what was taken from memory meanwhile still"
    );
    println!(
        "   counts here until the minute is over, so nobody gets more than twice the limit in it."
    );
    axum::serve(
        listener,
        app.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .await
}
