//! What becomes of one message.

use std::pin::Pin;
use std::sync::Arc;

use crate::error::Error;
use crate::http::limiter::Bound;
use crate::ws::close::{INTERNAL_ERROR, TRY_AGAIN_LATER};
use crate::ws::policy::{Action, WsPolicy};
use crate::ws::refused_message::Refused;
use crate::{observe, timer};

/// The answer to come. It lives on its own, so that whoever waits for it may go away and return.
pub(super) type Judging = Pin<Box<dyn Future<Output = Action> + Send>>;

/// Has a message of this cost decided on. It is held back as long as a queue says.
pub(super) fn judge(
    bound: &Arc<Bound>,
    cost: Result<Option<u64>, Error>,
    policy: &WsPolicy,
) -> Judging {
    let (bound, policy) = (bound.clone(), policy.clone());
    Box::pin(async move {
        let decided = match cost {
            Ok(cost) => bound.hit(cost).await,
            Err(error) => Err(error),
        };
        match decided {
            Err(error) => undecided(&error),
            Ok((decision, told)) if !decision.admitted => {
                policy.act(Refused::new(bound, decision, told)).await
            }
            Ok((decision, _)) if decision.delay.is_zero() => Action::Deliver,
            Ok((decision, _)) => match timer::sleep(decision.delay).await {
                Ok(()) => Action::Deliver,
                Err(error) => undecided(&error),
            },
        }
    })
}

/// Nobody can say whether there is room: the client may try again if that can pass. What is wrong, the log says.
fn undecided(error: &Error) -> Action {
    observe::undecided(error);
    if error.is_transient() {
        Action::close(TRY_AGAIN_LATER, "try again later")
    } else {
        Action::close(INTERNAL_ERROR, "internal error")
    }
}
