//! Throttles as middleware: a value, a layer, a service.
//!
//! The [`rules`] select the throttles of a request; the [`service`] decides them together.

pub(crate) mod request_state;

pub(crate) mod future;
pub(crate) mod grpc;
pub(crate) mod rules;
pub(crate) mod service;

use std::sync::Arc;

use tower_layer::Layer;

use crate::http::filter::Filter;
use crate::http::layer::rules::Rules;
use crate::http::layer::service::ThrottleService;
use crate::throttle::Throttle;

/// A layer that throttles requests before they reach what is below: a router, or any other tower service over
/// `http::Request`, of hyper and tonic too. Responses have the body of axum, whatever body there is below.
///
/// All throttles whose filters match are decided together, in the order they were added: the request passes if all admit
/// it, and else takes from none. A throttle that matches twice is counted once. Responses carry the header fields of what
/// was decided, here and in handlers below, also where an extractor refused the request after a handler's throttle had
/// counted it.
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
    /// Without throttles it refuses nothing, and only completes the header fields of responses.
    pub fn new() -> Self {
        Self::default()
    }

    /// Throttles every request.
    pub fn throttle<T: Throttle>(self) -> Self {
        self.with(|rules| rules.throttle::<T>(None))
    }

    /// Throttles the requests that match. One without a path (`OPTIONS *`, `CONNECT`) counts as `/`.
    pub fn throttle_when<T: Throttle>(self, filter: Filter) -> Self {
        self.with(|rules| rules.throttle::<T>(Some(filter)))
    }

    /// Lets all throttles of this layer see only requests that match; called again, those that match one of the filters.
    pub fn throttle_if(self, filter: Filter) -> Self {
        self.with(|rules| rules.throttle_if(filter))
    }

    /// Exempts the requests that match from all throttles of this layer, whatever else they match.
    ///
    /// Matching more is the safe side for throttling, and the unsafe side here: name exactly what is exempt. A request without
    /// a path (`OPTIONS *`, `CONNECT`) matches no path filter here, negated or not.
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
