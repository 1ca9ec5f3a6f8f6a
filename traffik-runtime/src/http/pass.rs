//! Letting a request pass, or answering it.

use http::request::Parts;
use http::{HeaderMap, Response};

use super::refusal;
use super::told::Told;
use super::trail::Trail;
use crate::error::Error;
use crate::throttle::{Admission, Asking, HeaderStyle, admit};

/// Decides what is asked. If it is admitted, and its delay over, what to tell the client; else the response.
pub(super) async fn pass(
    asking: Result<Asking, Error>,
    parts: &Parts,
    style: Option<HeaderStyle>,
) -> Result<Told, Response<String>> {
    let admission = match &asking {
        Ok(asking) => admit(asking, parts).await,
        Err(error) => return Err(refusal::of_error(error)),
    };
    let Admission {
        decision,
        reported,
        since,
    } = admission.map_err(|error| refusal::of_error(&error))?;
    let told = Told {
        reported,
        since,
        style,
    };
    if let (Some(trail), Ok(asking)) = (Trail::of(parts), &asking) {
        trail.warn_of_repeated(asking);
    }
    if decision.admitted {
        // A request that goes away while it waits has spent its place.
        if !decision.delay.is_zero() {
            tokio::time::sleep(decision.delay).await;
        }
        return Ok(told);
    }
    if let Some(trail) = Trail::of(parts) {
        trail.refuse();
    }
    let mut headers = HeaderMap::new();
    told.write(&mut headers);
    // What a law said stays exact; what a client is told of it need not be.
    let wait = decision.wait.map(|wait| wait.max(told.min_wait()));
    Err(if decision.decided {
        refusal::refused(wait, &told.violated(), headers)
    } else {
        refusal::held_off(wait.unwrap_or_default(), headers)
    })
}
