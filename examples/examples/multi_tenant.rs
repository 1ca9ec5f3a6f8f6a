//! Tenants with backends of their own: `cargo run -p traffik-examples --example multi_tenant`.
//!
//! A middleware gives each request the backend of its tenant, and every throttle below that names
//! no backend uses it. Backends are built once a tenant, not once a request: a new one for each
//! request would start all counts at zero and open a connection each time.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::Mutex;
use traffik::{Backend, throttled};

/// Admits five requests a minute for each client of each tenant.
#[throttled(rate = "5/minute")]
async fn hello() -> &'static str {
    "hello\n"
}

/// The configured tenants, and the backend of each.
#[derive(Clone)]
struct Tenants {
    /// By name: the URL of a Redis server, or `None` for this process's memory.
    configured: Arc<HashMap<&'static str, Option<&'static str>>>,
    backends: Arc<Mutex<HashMap<&'static str, Backend>>>,
}

impl Tenants {
    fn new(configured: impl IntoIterator<Item = (&'static str, Option<&'static str>)>) -> Self {
        Self {
            configured: Arc::new(configured.into_iter().collect()),
            backends: Arc::default(),
        }
    }

    /// Returns the backend of a configured tenant, and `None` for other names, so that clients
    /// cannot make the server open connections by inventing names.
    async fn backend(&self, tenant: &str) -> Option<Backend> {
        let (name, url) = self.configured.get_key_value(tenant)?;
        let mut backends = self.backends.lock().await;
        let backend = backends.entry(name).or_insert_with(|| match url {
            // Connects on first use, and follows `on_error` until the server is up.
            Some(url) => Backend::redis(*url).namespace(*name).lazy(),
            None => Backend::memory(),
        });
        Some(backend.clone())
    }
}

/// Gives the request its tenant's backend. The name comes from a header that the proxy in front
/// must set: a client that could set it would choose whose budget it spends.
async fn select_backend(
    State(tenants): State<Tenants>,
    mut request: Request,
    next: Next,
) -> Response {
    let name = request.headers().get("x-tenant");
    let name = name.and_then(|name| name.to_str().ok()).unwrap_or("");
    let Some(backend) = tenants.backend(name).await else {
        return (StatusCode::NOT_FOUND, "no such tenant\n").into_response();
    };
    request.extensions_mut().insert(backend);
    next.run(request).await
}

fn app(tenants: Tenants) -> Router {
    let app = Router::new().route("/", get(hello));
    app.layer(from_fn_with_state(tenants, select_backend))
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let redis = std::env::var("REDIS_URL").ok().map(|url| &*url.leak());
    let app = app(Tenants::new([("acme", None), ("globex", redis)]));
    let http = std::env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{http}")).await?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}, 5 requests a minute for each client of each tenant");
    println!(
        "  for i in 1 2 3 4 5 6; do curl -si -H 'x-tenant: acme' http://{address} | head -1; done"
    );
    println!("the other tenant has a budget of its own:");
    println!("  curl -si -H 'x-tenant: globex' http://{address} | head -1");
    println!("`REDIS_URL=redis://127.0.0.1/` gives globex a server of its own");
    axum::serve(
        listener,
        app.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .await
}
