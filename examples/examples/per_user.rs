//! A function of the application's says who is asking: `cargo run -p traffik-examples --example per_user`.

use std::net::SocketAddr;

use axum::Router;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::routing::get;
use traffik::{Identity, throttled};

/// What a session, a signed token or a database would tell.
struct User {
    name: &'static str,
    plan: &'static str,
    admin: bool,
}

const USERS: [(&str, User); 3] = [
    (
        "token-of-anna",
        User {
            name: "anna",
            plan: "free",
            admin: false,
        },
    ),
    (
        "token-of-bert",
        User {
            name: "bert",
            plan: "premium",
            admin: false,
        },
    ),
    (
        "token-of-root",
        User {
            name: "root",
            plan: "premium",
            admin: true,
        },
    ),
];

fn user(parts: &Parts) -> Option<&'static User> {
    let authorization = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let token = authorization.strip_prefix("Bearer ")?;
    USERS
        .iter()
        .find(|(known, _)| *known == token)
        .map(|(_, user)| user)
}

/// Who a request is counted for. It could be async as well, and it could fail: then the client gets 500.
///
/// Only what was proven may name a client. Were a token counted by its text alone, every invented one would bring a
/// budget of its own; here whoever has none that is known shares the budget of the address.
fn caller(parts: &Parts) -> Identity {
    match user(parts) {
        Some(user) if user.admin => Identity::Exempt,
        // The tier is for strategies that know tiers; this one treats all alike.
        Some(user) => Identity::new(format!("user:{}", user.name)).tier(user.plan),
        None => Identity::ip(),
    }
}

/// Three requests in ten seconds, for each user.
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
    for (token, user) in &USERS {
        let limited = if user.admin {
            "is exempt"
        } else {
            "has a budget"
        };
        println!(
            "  curl -i -H 'Authorization: Bearer {token}' http://{address}/    # {} {limited}",
            user.name
        );
    }
    println!("  curl -i http://{address}/    # whoever has no token shares the address's budget");
    axum::serve(
        listener,
        app.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .await
}
