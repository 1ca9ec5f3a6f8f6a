//! The decision on one message.

use std::sync::Arc;

use crate::error::Error;
use crate::flow::BoxFuture;
use crate::http::limiter::BoundHits;
use crate::ws::close::{INTERNAL_ERROR, TRY_AGAIN_LATER};
use crate::ws::policy::{Action, WsPolicy};
use crate::ws::refused_message::Refused;
use crate::{observe, timer};

/// The future of a decision. It owns its parts, so that a caller may stop polling and come back.
pub(super) type ActionFuture = BoxFuture<'static, Action>;

/// Decides a message of this cost, and waits for the delay of a queue.
pub(super) fn decide(
    bound: &Arc<BoundHits>,
    cost: Result<Option<u64>, Error>,
    policy: &WsPolicy,
) -> ActionFuture {
    let (bound, policy) = (bound.clone(), policy.clone());
    Box::pin(async move {
        let decided = match cost {
            Ok(cost) => bound.hit(cost).await,
            Err(error) => Err(error),
        };
        match decided {
            Err(error) => undecided(&error),
            Ok((decision, fields)) if !decision.admitted => {
                policy.act(Refused::new(bound, decision, fields)).await
            }
            Ok((decision, _)) if decision.delay.is_zero() => Action::Deliver,
            Ok((decision, _)) => match timer::sleep(decision.delay).await {
                Ok(()) => Action::Deliver,
                Err(error) => undecided(&error),
            },
        }
    })
}

/// Closes the connection, because there is no decision. The client may try again if the error is
/// transient; the log has the error.
fn undecided(error: &Error) -> Action {
    observe::undecided(error);
    if error.is_transient() {
        Action::close(TRY_AGAIN_LATER, "try again later")
    } else {
        Action::close(INTERNAL_ERROR, "internal error")
    }
}
