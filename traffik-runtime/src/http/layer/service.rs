use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use tower_service::Service;

use super::body::ThrottleBody;
use super::grpc;
use super::rules::Rules;
use crate::http::Rejection;
use crate::http::pass::pass;
use crate::http::rejection::Refusal;
use crate::http::told::{Manner, Told};
use crate::http::trail::Trail;

/// The service that a [`ThrottleLayer`](super::ThrottleLayer) makes.
#[derive(Clone, Debug)]
pub struct ThrottleService<S> {
    rules: Arc<Rules>,
    inner: S,
}

impl<S> ThrottleService<S> {
    pub(super) fn new(rules: Arc<Rules>, inner: S) -> Self {
        Self { rules, inner }
    }
}

impl<S, B, R> Service<Request<B>> for ThrottleService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response<ThrottleBody<R>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The one that was polled is ready; its clone may not be.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let rules = self.rules.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let (told, trail) = match decide(&rules, &mut parts).await {
                Ok(decided) => decided,
                Err(refusal) => return Ok(refusal.map(ThrottleBody::refused)),
            };
            parts.extensions.insert(trail.clone());
            let response = inner.call(Request::from_parts(parts, body)).await?;
            let mut response = response.map(ThrottleBody::passed);
            if response.extensions().get::<Refusal>().is_some() {
                trail.refuse();
            }
            trail.write(told, response.headers_mut());
            Ok(response)
        })
    }
}

/// What to tell a client that was let through, and the trail below; or its refusal.
async fn decide(
    rules: &Rules,
    parts: &mut Parts,
) -> Result<(Option<Told>, Trail), Response<Bytes>> {
    let asking = rules.asking(parts).await;
    let rejected = |rejection: Rejection| grpc::refusal(rejection.into_http(), parts);
    let asking = asking.map_err(|error| rejected(error.into()))?;
    let trail = Trail::below(parts, &asking);
    if asking.is_empty() {
        return Ok((None, trail));
    }
    match pass(&asking, parts, Manner::default()).await {
        Ok((_, told)) => Ok((Some(told), trail)),
        Err(rejection) => Err(rejected(rejection)),
    }
}
