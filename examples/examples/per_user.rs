//! An identifier of the application's own: `cargo run -p traffik-examples --example per_user`.

use std::net::SocketAddr;

use axum::Router;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::routing::get;
use traffik::{Identity, throttled};

struct User {
    name: &'static str,
    plan: &'static str,
    admin: bool,
}

/// Stands in for a session, a signed token or a database.
fn user(parts: &Parts) -> Option<User> {
    let authorization = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (name, plan, admin) = match authorization.strip_prefix("Bearer ")? {
        "token-of-anna" => ("anna", "free", false),
        "token-of-bert" => ("bert", "premium", false),
        "token-of-root" => ("root", "premium", true),
        _ => return None,
    };
    Some(User { name, plan, admin })
}

/// Returns the identity that a request counts for. The function could also be async or fallible; an
/// error would be a 500.
///
/// Only a verified name may identify a client. If tokens were counted by their text alone, every
/// invented token would have a budget of its own. Here a client without a valid token shares the
/// budget of its address.
fn caller(parts: &Parts) -> Identity {
    match user(parts) {
        Some(user) if user.admin => Identity::Exempt,
        // The tier is for strategies with tiers; this one treats all users alike.
        Some(user) => Identity::new(format!("user:{}", user.name)).tier(user.plan),
        None => Identity::ip(),
    }
}

/// Admits three requests in ten seconds for each user.
#[throttled(rate = "3/10s", identifier = caller)]
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
    println!("listening on http://{address}, three requests in ten seconds for each user; try it:");
    println!("  curl -i http://{address}/   # counted for the address");
    for name in ["anna", "bert", "root"] {
        println!("  curl -i -H 'Authorization: Bearer token-of-{name}' http://{address}/");
    }
    axum::serve(
        listener,
        app.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .await
}
