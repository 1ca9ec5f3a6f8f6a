//! Limits that several processes share, in Memcached:
//! `cargo run -p traffik-examples --example memcached`.
//!
//! Start it twice, with `PORT=3000` and `PORT=3001`: together both admit as much as one would.

use std::net::SocketAddr;
use std::time::Duration;

use axum::{Router, routing::get};
use traffik::{Backend, throttled};

/// Admits twenty requests a minute for each client address, over all processes.
#[throttled(rate = "20/minute")]
async fn hello() -> &'static str {
    "hello\n"
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init();
    let server = std::env::var("MEMCACHED_URL").unwrap_or_else(|_| "127.0.0.1:11211".to_owned());
    // `connect()` fails if the server is down; `lazy()` would start without it.
    let backend = Backend::memcached(server)
        .namespace("example")
        .pool_size(8)
        .timeout(Duration::from_millis(250))
        .connect()
        .await?;
    let port = std::env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let app = Router::new()
        .route("/", get(hello))
        .layer(traffik::provide(backend));
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}, twenty requests a minute; try it:");
    println!("  for i in $(seq 21); do curl -si http://{address}/ | head -1; done");
    axum::serve(
        listener,
        app.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .await?;
    Ok(())
}
