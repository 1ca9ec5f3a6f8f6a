//! The way of every handler's request: resolve its hits, decide them, enforce the decision.

use http::request::Parts;

use crate::engine::decide;
use crate::engine::hit_set::{HitSet, RequestHits};
use crate::error::Error;
use crate::flow::Flow;
use crate::http::enforce::{Enforced, conclude, enforce};
use crate::http::layer::request_state::RequestState;
use crate::http::pending_fields::PendingFields;
use crate::http::response_fields::ResponseStyle;
use crate::rejection::Rejection;

/// Lets a request pass if its hits are admitted, and returns the header fields for its response.
pub(super) fn pass<'a>(
    hits: Flow<'a, Result<HitSet, Error>>,
    parts: &'a Parts,
    state: Option<RequestState>,
    style: ResponseStyle,
) -> Flow<'a, Result<PendingFields, Rejection>> {
    let pending = match hits {
        Flow::Ready(Ok(hits)) => {
            let finish = move |_, enforced| pending_fields(enforced, state.as_ref());
            return enforce(RequestHits { hits, parts }, style, finish);
        }
        pending => pending,
    };
    Flow::pending(async move {
        let enforced = match pending.await {
            Ok(hits) => {
                let (request, detailed) = decide(RequestHits { hits, parts }, None).await;
                conclude(detailed, &request, style).await
            }
            Err(error) => Err(Rejection::of_error(error).await),
        };
        pending_fields(enforced, state.as_ref())
    })
}

/// Adds the fields to those of the request's state, or those of its state to a rejection.
fn pending_fields(
    enforced: Enforced,
    state: Option<&RequestState>,
) -> Result<PendingFields, Rejection> {
    match enforced {
        Ok((_, fields)) => Ok(PendingFields::new(fields, state)),
        Err(rejection) => Err(rejection.with_earlier(state.map(RequestState::earlier))),
    }
}
