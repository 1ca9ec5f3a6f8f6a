//! Letting a request pass, or rejecting it.

use http::request::Parts;

use crate::decision::Decision;
use crate::definition::Definition;
use crate::engine::hit::Asking;
use crate::engine::{Admission, admit};
use crate::http::layer::request_state::Trail;
use crate::http::response_fields::{Manner, Told};
use crate::rejection::Rejection;
use crate::timer;

/// Decides what is asked. If it is admitted, and its delay over, what to tell the client.
pub(super) async fn pass(
    asking: &Asking,
    parts: &Parts,
    manner: Manner,
) -> Result<(Decision, Told), Rejection> {
    let admission = admit(asking, parts).await?;
    heed(admission, asking, parts, manner).await
}

/// Waits as long as was decided, or rejects.
pub(super) async fn heed(
    admission: Admission,
    asking: &Asking,
    parts: &Parts,
    manner: Manner,
) -> Result<(Decision, Told), Rejection> {
    let decision = admission.decision;
    let told = told(admission, asking, Trail::of(parts), manner);
    if decision.admitted {
        // A request that goes away while it waits has spent its place.
        if !decision.delay.is_zero() {
            // In a place of its own: most have none, and a small future is a quick one.
            Box::pin(timer::sleep(decision.delay)).await?;
        }
        return Ok((decision, told));
    }
    let source = |definition: &Definition| asking.cost_source(definition);
    Err(Rejection::of_refusal(&decision, &told, parts, source).await)
}

/// What to tell the client of a decision.
pub(super) fn told(
    admission: Admission,
    asking: &Asking,
    trail: Option<&Trail>,
    manner: Manner,
) -> Told {
    if let Some(trail) = trail {
        trail.warn_of_repeated(asking);
    }
    Told::new(admission, manner)
}
