//! A message that a throttle has refused.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;

use crate::decision::Decision;
use crate::engine::detail::DetailedDecision;
use crate::http::fields::Fields;
use crate::http::limiter::BoundHits;
use crate::http::response_style::ResponseStyle;
use crate::ws::close::notice;

/// A refused message, for [`WsPolicy::custom`](crate::ws::policy::WsPolicy::custom).
#[derive(Clone)]
pub struct Refused {
    bound: Arc<BoundHits>,
    decision: Decision,
    fields: Fields,
}

impl Refused {
    pub(super) fn new(bound: Arc<BoundHits>, detailed: DetailedDecision) -> Self {
        Self {
            bound,
            decision: detailed.decision,
            fields: Fields::new(detailed, ResponseStyle::default()),
        }
    }

    /// Returns the decision. If `decided` is false, no law has refused the message: the backend
    /// failed, and `on_error` throttles.
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }

    /// Returns the uid of the throttle that refused the message; of a set, the one with the longest
    /// wait.
    pub fn uid(&self) -> &str {
        self.fields
            .refused_by()
            .map_or("", |throttle| throttle.uid())
    }

    /// Returns the names of the policies that would not have admitted the message, as header fields
    /// have them.
    pub fn violated(&self) -> Vec<String> {
        let names = self.fields.violated().into_iter();
        names.map(Cow::into_owned).collect()
    }

    /// Returns the wait that the client is told; `None` if the message can never be admitted.
    pub fn wait(&self) -> Option<Duration> {
        let wait = self.decision.wait?;
        Some(self.fields.wait(wait))
    }

    /// Returns the default text for the client, as JSON: `{"type":"rate_limit","error":"Too many
    /// messages","retry_after":3,"retry_after_ms":2417}`, in whole seconds and milliseconds,
    /// rounded up; without both fields if the message can never be admitted.
    pub fn notice(&self) -> String {
        notice(self.wait())
    }

    /// Returns the head of the request that has opened the connection.
    pub fn parts(&self) -> &Parts {
        self.bound.parts()
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("uid", &self.uid())
            .field("decision", &self.decision)
            .finish_non_exhaustive()
    }
}
