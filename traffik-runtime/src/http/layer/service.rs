use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_core::body::Body;
use axum_core::response::Response;
use bytes::Bytes;
use http::Request;
use http::request::Parts;
use http_body::Body as HttpBody;
use tower_service::Service;

use crate::engine::hit::Asking;
use crate::engine::{Admission, admit_at_once};
use crate::error::Error;
use crate::http::enforce::{heed, pass, told};
use crate::http::layer::future::{ThrottleFuture, told_of};
use crate::http::layer::grpc;
use crate::http::layer::request_state::Trail;
use crate::http::layer::rules::Rules;
use crate::http::response_fields::{Manner, Told};
use crate::rejection::Rejection;

/// The error of a body below, of whatever type it is.
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The service that a [`ThrottleLayer`](crate::http::layer::ThrottleLayer) makes. Its responses have the body of axum, whatever body
/// the service below has.
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
    S: Service<Request<B>, Response = http::Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = ThrottleFuture<S::Future, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let begun = match begin(&self.rules, &parts) {
            Begun::Passed(told, trail) => {
                parts.extensions.insert(trail.share());
                let response = self.inner.call(Request::from_parts(parts, body));
                return ThrottleFuture::passed(response, told, trail);
            }
            begun => begun,
        };
        // The one that was polled is ready; its clone may not be.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let rules = self.rules.clone();
        ThrottleFuture::later(Box::pin(async move {
            let (told, trail) = match decide(begun, &rules, &mut parts).await {
                Ok(decided) => decided,
                Err(refusal) => return Ok(refusal.map(Body::from)),
            };
            parts.extensions.insert(trail.share());
            let response = inner.call(Request::from_parts(parts, body)).await?;
            Ok(told_of(response, told, &trail))
        }))
    }
}

/// How far a request has come without waiting for anything.
enum Begun {
    /// It was let through: what to tell the client, and the trail below.
    Passed(Option<Told>, Trail),
    /// It was decided, and is refused or held back.
    Decided(Box<(Asking, Result<Admission, Error>)>),
    /// It is known what is asked.
    Asking(Asking),
    Nothing,
}

fn begin(rules: &Rules, parts: &Parts) -> Begun {
    let Some(asking) = rules.asking_at_once(parts) else {
        return Begun::Nothing;
    };
    if asking.is_empty() {
        return Begun::Passed(None, Trail::below(parts, &asking));
    }
    match admit_at_once(&asking, None, parts) {
        Some(Ok(admission)) if admission.is_over() => {
            let told = told(admission, &asking, Trail::of(parts), Manner::default());
            Begun::Passed(Some(told), Trail::below(parts, &asking))
        }
        Some(admission) => Begun::Decided(Box::new((asking, admission))),
        None => Begun::Asking(asking),
    }
}

/// What to tell a client that was let through, and the trail below; or its refusal.
async fn decide(
    begun: Begun,
    rules: &Rules,
    parts: &mut Parts,
) -> Result<(Option<Told>, Trail), http::Response<Bytes>> {
    let decided = decided(begun, rules, parts).await;
    decided.map_err(|rejection| {
        let rejection = rejection.after(Trail::of(parts));
        let is_answered = rejection.is_answered();
        let response = rejection.into_http();
        if is_answered {
            return response;
        }
        grpc::refusal(response, parts)
    })
}

async fn decided(
    begun: Begun,
    rules: &Rules,
    parts: &mut Parts,
) -> Result<(Option<Told>, Trail), Rejection> {
    let manner = Manner::default();
    let (asking, admission) = match begun {
        Begun::Passed(told, trail) => return Ok((told, trail)),
        Begun::Decided(decided) => (decided.0, Some(decided.1?)),
        Begun::Asking(asking) => (asking, None),
        Begun::Nothing => match rules.asking(parts).await {
            Ok(asking) => (asking, None),
            Err(error) => return Err(Rejection::of_error(error).await),
        },
    };
    let trail = Trail::below(parts, &asking);
    if asking.is_empty() {
        return Ok((None, trail));
    }
    let (_, told) = match admission {
        Some(admission) => heed(admission, &asking, parts, manner).await?,
        None => pass(&asking, parts, manner).await?,
    };
    Ok((Some(told), trail))
}
