//! The limit of an application's row: a layer that makes the decision of [`Floor`] and writes as
//! many header fields as the others, by hand and without a choice.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::floor::Floor;

/// A layer without features; it counts by the client's address.
#[derive(Clone, Debug)]
pub struct FloorLayer {
    floor: Arc<Floor>,
    limit: u32,
    fields: &'static [HeaderName],
}

impl FloorLayer {
    /// Creates a layer with this limit, which writes these header fields.
    pub fn new(limit: u32, fields: &'static [HeaderName]) -> Self {
        let floor = Arc::new(Floor::new(1_000, limit));
        Self {
            floor,
            limit,
            fields,
        }
    }
}

impl<S> Layer<S> for FloorLayer {
    type Service = FloorService<S>;

    fn layer(&self, inner: S) -> FloorService<S> {
        let layer = self.clone();
        FloorService { layer, inner }
    }
}

/// The service of a [`FloorLayer`].
#[derive(Clone, Debug)]
pub struct FloorService<S> {
    layer: FloorLayer,
    inner: S,
}

impl<S> Service<Request> for FloorService<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = FloorFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> FloorFuture<S::Future> {
        let ConnectInfo(address) = request.extensions().get().copied().unwrap_or(UNKNOWN);
        let address: SocketAddr = address;
        let remaining = self.layer.floor.hit(address.ip());
        FloorFuture {
            inner: remaining.map(|_| self.inner.call(request)),
            remaining: remaining.unwrap_or(0),
            limit: self.layer.limit,
            fields: self.layer.fields,
        }
    }
}

const UNKNOWN: ConnectInfo<SocketAddr> = ConnectInfo(SocketAddr::new(
    std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
    0,
));

pin_project! {
    /// The response of a [`FloorService`].
    #[derive(Debug)]
    pub struct FloorFuture<F> {
        #[pin]
        inner: Option<F>,
        remaining: u32,
        limit: u32,
        fields: &'static [HeaderName],
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for FloorFuture<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = if let Some(inner) = this.inner.as_pin_mut() {
            ready!(inner.poll(cx))?
        } else {
            let mut response = Response::new(Body::from("too many requests"));
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            response
        };
        let values = [*this.limit, *this.remaining, 1, 1].into_iter().cycle();
        for (name, value) in this.fields.iter().zip(values) {
            let value = HeaderValue::from(value);
            response.headers_mut().insert(name.clone(), value);
        }
        Poll::Ready(Ok(response))
    }
}
