//! `provide`: a backend for all throttles below a layer.

use std::task::{Context, Poll};

use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use crate::backend::Backend;
use crate::backend::backend_ref::default_is_embedded;
use crate::http::layer::request_state::RequestState;

/// Provides a backend to requests, for every throttle below without a backend of its own.
///
/// If several are provided, the innermost is used. In axum, the layer that is added last is the
/// outermost, so add this one after every [`ThrottleLayer`](crate::http::layer::ThrottleLayer):
/// `.layer(throttles).layer(provide(backend))`. In the other order, the throttles decide in process
/// memory before the backend is provided, and `T005` is logged once.
pub fn provide(backend: impl Into<Backend>) -> ProvideLayer {
    ProvideLayer {
        backend: backend.into(),
    }
}

/// The layer that [`provide`] makes.
#[derive(Clone, Debug)]
pub struct ProvideLayer {
    backend: Backend,
}

impl<S> Layer<S> for ProvideLayer {
    type Service = Provide<S>;

    fn layer(&self, inner: S) -> Provide<S> {
        Provide {
            backend: self.backend.clone(),
            inner,
        }
    }
}

/// The service that [`provide`] makes.
#[derive(Clone, Debug)]
pub struct Provide<S> {
    backend: Backend,
    inner: S,
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for Provide<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        let extensions = request.extensions_mut();
        let outer = extensions.insert(self.backend.clone());
        if outer.is_none() && default_is_embedded() {
            RequestState::warn_of_late_backend(extensions);
        }
        self.inner.call(request)
    }
}
