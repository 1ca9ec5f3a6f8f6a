//! An app behind a real socket.

use std::net::SocketAddr;

use axum::Router;
use http::Method;
use reqwest::{Client, RequestBuilder};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::TestResponse;

/// An app that is served on a free port of 127.0.0.1 until this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    client: Client,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves an app with `ConnectInfo`, which holds the addresses of clients.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub async fn start(app: Router) -> Self {
        let (listener, address) = listen().await;
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        Self::new(
            address,
            tokio::spawn(async move { axum::serve(listener, app).await.unwrap() }),
        )
    }

    /// Serves an app without `ConnectInfo`.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub async fn start_without_connect_info(app: Router) -> Self {
        let (listener, address) = listen().await;
        Self::new(
            address,
            tokio::spawn(async move { axum::serve(listener, app).await.unwrap() }),
        )
    }

    fn new(address: SocketAddr, task: JoinHandle<()>) -> Self {
        Self {
            address,
            client: Client::new(),
            task,
        }
    }

    /// Returns the address on which the server listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Prepares a request to be sent.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("http://{}{path}", self.address))
    }

    /// Sends a GET request.
    pub async fn get(&self, path: &str) -> TestResponse {
        TestResponse::of_request(self.request(Method::GET, path)).await
    }

    /// Sends a GET request with a header field.
    pub async fn get_with(&self, path: &str, name: &str, value: &str) -> TestResponse {
        TestResponse::of_request(self.request(Method::GET, path).header(name, value)).await
    }

    /// Sends a POST request with a body.
    pub async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> TestResponse {
        TestResponse::of_request(self.request(Method::POST, path).body(body)).await
    }

    /// Sends several GET requests, one after the other, and returns their statuses.
    pub async fn statuses(&self, path: &str, times: usize) -> Vec<u16> {
        let mut statuses = Vec::with_capacity(times);
        for _ in 0..times {
            statuses.push(self.get(path).await.status);
        }
        statuses
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port is free");
    let address = listener.local_addr();
    (listener, address.expect("a bound socket has an address"))
}
