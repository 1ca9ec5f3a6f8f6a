//! Limits that several processes share, in Redis: `cargo run -p traffik-examples --example redis`.
//!
//! Start it more than once, each time on another `PORT`: together the processes admit 20 requests a
//! minute.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use traffik::{Backend, throttled};

traffik::throttles! {
    /// Each client address.
    throttle Client(rate = "20/minute");
    /// All clients together, without twice the limit around the full hour.
    throttle Total(rate = "10000/hour", strategy = sliding_counter, identifier = everyone);
}

/// Limited by both throttles, in one decision and one round trip.
#[throttled(Client, Total)]
async fn index() -> &'static str {
    "hello\n"
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init();
    let port = std::env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let url = std::env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:6379/".to_owned());
    let redis = Backend::redis(&url)
        .namespace("traffik-example")
        .connect()
        .await?;
    let app = Router::new()
        .route("/", get(index))
        .layer(traffik::provide(redis));

    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}, 20 requests a minute, counted in {url}; try it:");
    println!(
        "  for i in $(seq 21); do curl -s -o /dev/null -w '%{{http_code}} ' http://{address}/; done"
    );
    println!("a second process, on another port, shares the budget:");
    println!("  PORT=3001 cargo run -p traffik-examples --example redis");
    axum::serve(
        listener,
        app.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .await?;
    Ok(())
}
