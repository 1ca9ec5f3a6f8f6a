//! Tenants with backends of their own: `cargo run -p traffik-examples --example multi_tenant`.
//!
//! A middleware gives each request the backend of its tenant, and every throttle below that names none uses it. Backends
//! are made once a tenant, not once a request: a new one each time would count everybody from nothing, and connect anew.

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

/// Five a minute, for each client of each tenant.
#[throttled(rate = "5/minute")]
async fn hello() -> &'static str {
    "hello\n"
}

/// The tenants there are, and where the limits of each are counted.
#[derive(Clone)]
struct Tenants {
    /// By name; a URL of Redis, or nothing for this process's memory.
    known: Arc<HashMap<&'static str, Option<&'static str>>>,
    backends: Arc<Mutex<HashMap<&'static str, Backend>>>,
}

impl Tenants {
    fn new(known: impl IntoIterator<Item = (&'static str, Option<&'static str>)>) -> Self {
        Self {
            known: Arc::new(known.into_iter().collect()),
            backends: Arc::default(),
        }
    }

    /// The backend of a tenant that exists: only those are made, so that nobody can make the server open connections by
    /// inventing names.
    async fn backend(&self, tenant: &str) -> Option<Backend> {
        let (name, url) = self.known.get_key_value(tenant)?;
        let mut backends = self.backends.lock().await;
        let backend = backends.entry(name).or_insert_with(|| match url {
            // Connects when it is first used, and obeys `on_error` until the server is there.
            Some(url) => Backend::redis(*url).namespace(*name).lazy(),
            None => Backend::memory(),
        });
        Some(backend.clone())
    }
}

/// Gives the request its tenant's backend. The name comes from a header that the proxy in front sets; where clients could
/// set it themselves, they would choose whose budget they take.
async fn of_tenant(State(tenants): State<Tenants>, mut request: Request, next: Next) -> Response {
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
    app.layer(from_fn_with_state(tenants, of_tenant))
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let redis = std::env::var("REDIS_URL").ok().map(|url| &*url.leak());
    let app = app(Tenants::new([("acme", None), ("globex", redis)]));
    let http = std::env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{http}")).await?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}, 5 a minute for each client of each tenant");
    println!(
        "  for i in 1 2 3 4 5 6; do curl -si -H 'x-tenant: acme' http://{address} | head -1; done"
    );
    println!("the other tenant has not noticed:");
    println!("  curl -si -H 'x-tenant: globex' http://{address} | head -1");
    println!("`REDIS_URL=redis://127.0.0.1/` gives globex a server of its own");
    axum::serve(
        listener,
        app.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .await
}
