//! A throttled handler without any set-up:
//! `cargo run -p traffik-examples --example quickstart`.

use std::net::SocketAddr;

use axum::{Router, routing::get};
use traffik::throttled;

/// Admits five requests in ten seconds for each client address.
#[throttled(rate = "5/10s")]
async fn hello() -> &'static str {
    "hello\n"
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    tracing_subscriber::fmt::init();
    let port = std::env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let app = Router::new().route("/", get(hello));
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}, five requests in ten seconds; try it:");
    println!("  for i in 1 2 3 4 5 6; do curl -i http://{address}/; done");
    axum::serve(
        listener,
        app.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .await
}
