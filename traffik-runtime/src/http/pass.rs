//! Letting a request pass, or rejecting it.

use http::request::Parts;

use super::Rejection;
use super::told::{Manner, Told};
use super::trail::Trail;
use crate::decision::Decision;
use crate::throttle::{Asking, admit};

/// Decides what is asked. If it is admitted, and its delay over, what to tell the client.
pub(super) async fn pass(
    asking: &Asking,
    parts: &Parts,
    manner: Manner,
) -> Result<(Decision, Told), Rejection> {
    let admission = admit(asking, parts).await?;
    let decision = admission.decision;
    let told = Told::new(admission, manner);
    let trail = Trail::of(parts);
    if let Some(trail) = trail {
        trail.warn_of_repeated(asking);
    }
    if decision.admitted {
        // A request that goes away while it waits has spent its place.
        if !decision.delay.is_zero() {
            // In a place of its own: most have none, and a small future is a quick one.
            Box::pin(tokio::time::sleep(decision.delay)).await;
        }
        return Ok((decision, told));
    }
    if let Some(trail) = trail {
        trail.refuse();
    }
    Err(Rejection::of_refusal(&decision, &told, parts).await)
}
