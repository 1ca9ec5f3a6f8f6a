//! Throttles as middleware: a value, a layer, a service.
//!
//! The [`rules`] select the throttles of a request; the [`service`] decides them together.

pub(crate) mod admission;
pub(crate) mod body;
pub(crate) mod future;
pub(crate) mod grpc;
pub(crate) mod request_state;
pub(crate) mod rules;
pub(crate) mod service;

use std::sync::Arc;

use tower_layer::Layer;

use crate::http::filter::Filter;
use crate::http::layer::rules::Rules;
use crate::http::layer::service::ThrottleService;
use crate::throttle::Throttle;

/// A layer that throttles requests before they reach the service below: a router, or any other
/// tower service over `http::Request`, of hyper and tonic too. Responses have the body of axum,
/// whatever body the service below has.
///
/// All throttles whose filters match are decided together, in the order in which they were added:
/// the request passes if all admit it, and is counted on none otherwise. A throttle that matches
/// twice is counted once. Responses have the header fields of all decisions, here and in handlers
/// below, even if an extractor has rejected the request after a handler's throttle has counted it.
///
/// ```
/// use axum::Router;
/// use http::Method;
/// use traffik::{ThrottleLayer, filter, throttles};
///
/// throttles! {
///     throttle Writes(rate = "20/minute");
///     throttle All(rate = "1000/hour");
/// }
///
/// let layer = ThrottleLayer::new()
///     .throttle_when::<Writes>(filter::methods([Method::POST, Method::PUT]))
///     .throttle::<All>()
///     .bypass_if(filter::path("/health"));
/// let app: Router = Router::new().layer(layer);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ThrottleLayer {
    rules: Arc<Rules>,
}

impl ThrottleLayer {
    /// Creates a layer without throttles. It refuses no request, and only completes the header
    /// fields of responses.
    pub fn new() -> Self {
        Self::default()
    }

    /// Throttles every request.
    pub fn throttle<T: Throttle>(self) -> Self {
        self.with(|rules| rules.throttle::<T>(None))
    }

    /// Throttles the requests that match. A request without a path (`OPTIONS *`, `CONNECT`) is
    /// compared as `/`.
    pub fn throttle_when<T: Throttle>(self, filter: Filter) -> Self {
        self.with(|rules| rules.throttle::<T>(Some(filter)))
    }

    /// Restricts all throttles of this layer to requests that match. If it is called again,
    /// requests that match one of the filters are throttled.
    pub fn throttle_if(self, filter: Filter) -> Self {
        self.with(|rules| rules.throttle_if(filter))
    }

    /// Exempts the requests that match from all throttles of this layer, whatever else they match.
    ///
    /// A filter that matches too much is unsafe here, so name exactly the exempt requests. A
    /// request without a path (`OPTIONS *`, `CONNECT`) matches no path filter here, negated or not.
    pub fn bypass_if(self, filter: Filter) -> Self {
        self.with(|rules| rules.bypass_if(filter))
    }

    fn with(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        change(Arc::make_mut(&mut self.rules));
        self
    }
}

impl<S> Layer<S> for ThrottleLayer {
    type Service = ThrottleService<S>;

    fn layer(&self, inner: S) -> ThrottleService<S> {
        ThrottleService::new(self.rules.clone(), inner)
    }
}
