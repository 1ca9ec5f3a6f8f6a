//! What `#[throttled]` puts in front of a handler's last argument.

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, ready};
use std::marker::PhantomData;

use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::HeaderMap;
use http::request::Parts;

use super::headers::{names, write_policies};
use super::refusal;
use crate::clock::Since;
use crate::error::Error;
use crate::throttle::{Admission, Asking, Few, HeaderStyle, Policy, Reported, Throttle, admit};

/// One use of throttles on one handler, as the macros write it down.
#[doc(hidden)]
pub trait Site: Send + Sync + 'static {
    /// What is decided.
    type Throttle: Throttle;

    /// Header fields on this handler, whatever the members say.
    const HEADERS: Option<HeaderStyle> = None;

    /// What each member takes on this handler, whatever it says.
    fn cost(parts: &Parts) -> impl Future<Output = Result<Option<u64>, Error>> + Send {
        let _ = parts;
        ready(Ok(None))
    }
}

/// An extractor that lets a request pass if its throttles admit it, and remembers what to tell the client.
#[doc(hidden)]
pub struct Gate<S> {
    reported: Few<Reported<'static>>,
    since: Since,
    site: PhantomData<fn() -> S>,
}

impl<S: Site> Gate<S> {
    /// Adds the header fields to the handler's answer.
    pub fn finish(self, answer: impl IntoResponse) -> Response {
        let mut response = answer.into_response();
        write::<S>(response.headers_mut(), &self.reported, &self.since);
        response
    }

    async fn pass(parts: &Parts) -> Result<Self, Response> {
        let mut asking = Asking::default();
        let admission = match decide::<S>(parts, &mut asking).await {
            Ok(admission) => admission,
            Err(error) => return Err(refusal::of_error(&error)),
        };
        let Admission {
            decision,
            reported,
            since,
        } = admission;
        if decision.admitted {
            // A request that goes away while it waits has spent its place.
            if !decision.delay.is_zero() {
                tokio::time::sleep(decision.delay).await;
            }
            return Ok(Self {
                reported,
                since,
                site: PhantomData,
            });
        }
        let mut headers = HeaderMap::new();
        write::<S>(&mut headers, &reported, &since);
        Err(if decision.decided {
            refusal::refused(&decision, &violated(&reported), headers)
        } else {
            refusal::held_off(&decision, headers)
        })
    }
}

impl<S: Site, State: Send + Sync> FromRequestParts<State> for Gate<S> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, Response> {
        Self::pass(parts).await
    }
}

impl<S> fmt::Debug for Gate<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}

async fn decide<S: Site>(parts: &Parts, asking: &mut Asking) -> Result<Admission, Error> {
    let cost = S::cost(parts).await?;
    S::Throttle::ask(parts, cost, asking).await?;
    admit(asking, parts).await
}

fn write<S: Site>(headers: &mut HeaderMap, reported: &[Reported<'static>], since: &Since) {
    let elapsed = since.elapsed();
    let policies = reported.iter().map(|reported| {
        let mut policy = policy(reported);
        // Times count from the moment the answer is made.
        if let Some(next) = policy
            .report
            .as_mut()
            .and_then(|report| report.next.as_mut())
        {
            *next = next.saturating_sub(elapsed);
        }
        (S::HEADERS.unwrap_or(reported.definition.headers), policy)
    });
    write_policies(headers, policies);
}

fn policy(reported: &Reported<'static>) -> Policy<'static> {
    Policy {
        name: Cow::Borrowed(&reported.definition.name),
        rate: reported.rate,
        listed: reported.listed,
        report: reported.report,
    }
}

fn violated(reported: &[Reported<'static>]) -> Few<String> {
    let policies: Few<_> = reported.iter().map(policy).collect();
    let names = names(&policies).into_iter().zip(reported);
    names
        .filter(|(_, reported)| !reported.fits)
        .map(|(name, _)| name)
        .collect()
}
