//! The decision on one message.

use std::sync::Arc;

use crate::engine::detail::{Detail as _, DetailedDecision};
use crate::engine::hit_set::HitRequest;
use crate::engine::{decide_slow, fast_path};
use crate::error::Error;
use crate::flow::Flow;
use crate::http::limiter::BoundHits;
use crate::ws::close::{INTERNAL_ERROR, TRY_AGAIN_LATER};
use crate::ws::policy::{Action, WsPolicy};
use crate::ws::refused_message::Refused;
use crate::{observe, timer};

/// Decides a message of this cost, and waits for the delay of a queue. A pending action owns its
/// parts, so that a caller may stop polling and come back.
pub(super) fn decide(
    bound: &Arc<BoundHits>,
    cost: Option<u64>,
    policy: &WsPolicy,
) -> Flow<'static, Action> {
    let (hits, parts) = (bound.hits(), HitRequest::parts(bound));
    let detailed = match fast_path::decide(hits, cost, parts) {
        Some(fast) if fast.passes_at_once() => return Flow::Ready(Action::Deliver),
        Some(fast) => Ok(DetailedDecision::from_fast(&fast, &hits[0], parts)),
        None => match decide_slow(bound.clone(), cost) {
            Flow::Ready((_, detailed)) => detailed,
            deciding @ Flow::Pending(_) => {
                let policy = policy.clone();
                return Flow::pending(async move {
                    let (bound, detailed) = deciding.await;
                    enforce(&bound, detailed, &policy).await
                });
            }
        },
    };
    enforce(bound, detailed, policy)
}

/// Returns the action on a message that was decided.
fn enforce(
    bound: &Arc<BoundHits>,
    detailed: Result<DetailedDecision, Error>,
    policy: &WsPolicy,
) -> Flow<'static, Action> {
    let detailed = match detailed {
        Ok(detailed) => detailed,
        Err(error) => return Flow::Ready(undecided(&error)),
    };
    let delay = detailed.decision.delay;
    if !detailed.decision.admitted {
        policy.act(&Refused::new(bound.clone(), detailed))
    } else if delay.is_zero() {
        Flow::Ready(Action::Deliver)
    } else {
        Flow::pending(async move {
            match timer::sleep(delay).await {
                Ok(()) => Action::Deliver,
                Err(error) => undecided(&error),
            }
        })
    }
}

/// Closes the connection, because there is no decision. The client may try again if the error is
/// transient; the log has the error.
pub(super) fn undecided(error: &Error) -> Action {
    observe::undecided(error);
    if error.is_transient() {
        Action::close(TRY_AGAIN_LATER, "try again later")
    } else {
        Action::close(INTERNAL_ERROR, "internal error")
    }
}
