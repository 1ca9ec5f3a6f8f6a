//! Throttled messages, with a page to try them in a browser:
//! `cargo run -p traffik-examples --example websocket`.

mod chat;

use std::net::SocketAddr;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    tracing_subscriber::fmt::init();
    let port = std::env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}, ten messages a minute; try it:");
    println!("  open http://{address}/ in a browser, and send more than ten");
    println!("  websocat ws://{address}/chat     # excess messages are answered with a notice");
    println!("  websocat ws://{address}/strict   # the first excess message closes the connection");
    axum::serve(
        listener,
        chat::app().into_make_service_with_connect_info::<SocketAddr>(),
    )
    .await
}
