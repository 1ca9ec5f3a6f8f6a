//! An app behind a real socket.

use std::net::SocketAddr;

use axum::Router;
use http::Method;
use reqwest::{Client, RequestBuilder};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::Answer;

/// An app that is served on a free port of 127.0.0.1 until this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    client: Client,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves the app, which is told the addresses of its clients.
    ///
    /// # Panics
    ///
    /// Where there is no free port.
    pub async fn start(app: Router) -> Self {
        let listener = listener().await;
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        Self::of(
            address,
            tokio::spawn(async move { axum::serve(listener, app).await.unwrap() }),
        )
    }

    /// Serves the app, which is not told where its clients are.
    ///
    /// # Panics
    ///
    /// Where there is no free port.
    pub async fn start_without_addresses(app: Router) -> Self {
        let listener = listener().await;
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        Self::of(
            address,
            tokio::spawn(async move { axum::serve(listener, app).await.unwrap() }),
        )
    }

    fn of(address: SocketAddr, task: JoinHandle<()>) -> Self {
        Self {
            address,
            client: Client::new(),
            task,
        }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A request that is still to be sent.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("http://{}{path}", self.address))
    }

    /// What a GET of this path gives.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    /// What a GET of this path with a header field gives.
    pub async fn get_with(&self, path: &str, name: &str, value: &str) -> Answer {
        Answer::to(self.request(Method::GET, path).header(name, value)).await
    }

    /// What a POST of this body gives.
    pub async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        Answer::to(self.request(Method::POST, path).body(body)).await
    }

    /// The statuses of so many GETs, one after the other.
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

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free")
}
