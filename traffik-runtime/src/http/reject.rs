//! The rejection of a request whose hits were refused.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};

use crate::callback::on_throttled::Responder;
use crate::decision::Decision;
use crate::definition::Definition;
use crate::engine::cost_source::CostSource;
use crate::http::fields::Fields;
use crate::http::response_style::ResponseStyle;
use crate::rejection::problem::Never;
use crate::rejection::text::whole_seconds;
use crate::rejection::{Refusal, RefusedRequest, Rejection, problem};

/// Makes the rejection of a refused request. Its response is that of the handler's throttle, the
/// throttle that refused, its backend, or else a problem.
pub(super) async fn reject(
    decision: &Decision,
    fields: &Fields,
    parts: &Parts,
    cost_source: impl Fn(&Definition) -> CostSource,
) -> Rejection {
    let refused_by = fields.refused_by();
    let never = never(decision, refused_by, cost_source);
    let violated = fields.violated();
    let response = problem(decision, fields, never, &violated);
    let refused = RefusedRequest {
        decision: *decision,
        // The decision's own wait stays exact; the client is told a longer one, if settings say so.
        wait: decision.wait.map(|wait| fields.wait(wait)),
        never,
        uid: refused_by.map_or("", |throttle| throttle.uid()),
        violated: violated.into_iter().map(Cow::into_owned).collect(),
    };
    let rejection = Rejection::refused(refused, response);
    match responder(refused_by, fields.style, parts) {
        Some(responder) => {
            Box::pin(with_response(rejection, responder, decision, fields, parts)).await
        }
        None => rejection,
    }
}

/// Returns the response to a refused request, where no function of the application makes it.
pub(super) fn refuse(
    decision: &Decision,
    fields: &Fields,
    refused_by: Option<&Definition>,
    cost_source: impl Fn(&Definition) -> CostSource,
) -> Response<Bytes> {
    let never = never(decision, refused_by, cost_source);
    let mut response = problem(decision, fields, never, &fields.violated());
    response.extensions_mut().insert(Refusal);
    response
}

/// Returns the function that makes the response to a request that this throttle refused.
pub(super) fn responder(
    refused_by: Option<&Definition>,
    style: ResponseStyle,
    parts: &Parts,
) -> Option<Responder> {
    let refused_by = refused_by?;
    let own = style.responder.map(|responder| responder());
    let own = own.or_else(|| refused_by.settings.on_throttled.get().cloned());
    own.or_else(|| {
        let backend = refused_by.chosen_backend(Some(parts));
        backend.responder().cloned()
    })
}

/// Returns the reason why a request is never admitted.
fn never(
    decision: &Decision,
    refused_by: Option<&Definition>,
    cost_source: impl Fn(&Definition) -> CostSource,
) -> Option<Never> {
    if !decision.never() {
        return None;
    }
    let cost_source = refused_by.map(cost_source).unwrap_or_default();
    let has_other_rates = refused_by.is_some_and(Definition::has_other_rates);
    Some(match cost_source {
        // Only a closed throttle has a limit of 0.
        _ if decision.limit == 0 => Never::ForNow,
        CostSource::Constant if has_other_rates => Never::ForNow,
        CostSource::Constant | CostSource::Head => Never::TooExpensive,
        CostSource::Body => Never::TooLarge,
    })
}

fn problem(
    decision: &Decision,
    fields: &Fields,
    never: Option<Never>,
    violated: &[Cow<'static, str>],
) -> Response<Bytes> {
    let mut headers = HeaderMap::new();
    let elapsed = fields.write(&mut headers);
    let wait = wait_left(decision, fields, elapsed).unwrap_or_default();
    match never {
        _ if !decision.decided => problem::throttled(wait, headers),
        Some(never) => problem::refused_for_ever(never, violated, headers),
        None => problem::refused(wait, violated, headers),
    }
}

/// Replaces the problem by a response of the application's.
async fn with_response(
    mut rejection: Rejection,
    responder: Responder,
    decision: &Decision,
    fields: &Fields,
    parts: &Parts,
) -> Rejection {
    rejection.set_parts(parts.clone());
    let response = responder.respond(&rejection).await;
    let (mut head, body) = response.into_parts();
    // The rejection keeps the body, which may be sent where bodies have another type. A body that
    // fails is empty.
    let body = axum::body::to_bytes(body, usize::MAX).await;
    if head.status == StatusCode::OK {
        head.status = rejection.status();
    }
    for (name, value) in &refusal_fields(decision, fields) {
        if !head.headers.contains_key(name) {
            head.headers.append(name, value.clone());
        }
    }
    let response = http::Response::from_parts(head, body.unwrap_or_default());
    rejection.set_response(response);
    rejection
}

/// Returns the header fields of a refusal, as of now.
fn refusal_fields(decision: &Decision, fields: &Fields) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let elapsed = fields.write(&mut headers);
    if let Some(wait) = wait_left(decision, fields, elapsed) {
        headers.insert(RETRY_AFTER, whole_seconds(wait).max(1).into());
    }
    headers.insert(CACHE_CONTROL, problem::NO_STORE);
    headers
}

/// Returns the wait that a client is told so long after the decision. A wait of no law begins with
/// the response.
fn wait_left(decision: &Decision, fields: &Fields, elapsed: Duration) -> Option<Duration> {
    decision.wait.map(|wait| {
        if decision.decided {
            fields.wait(wait.saturating_sub(elapsed))
        } else {
            fields.wait(wait)
        }
    })
}
