use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;

use crate::decision::Decision;
use crate::http::limiter::Bound;
use crate::http::response_fields::Told;
use crate::ws::close::notice;

/// A message that was refused, for [`WsPolicy::custom`](crate::ws::policy::WsPolicy::custom).
#[derive(Clone)]
pub struct Refused {
    bound: Arc<Bound>,
    decision: Decision,
    told: Told,
}

impl Refused {
    pub(super) const fn new(bound: Arc<Bound>, decision: Decision, told: Told) -> Self {
        Self {
            bound,
            decision,
            told,
        }
    }

    /// The decision. Where `decided` is false no law has refused it: the backend failed, and `on_error` is to throttle.
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The throttle that refused; of a set, the one with the longest wait.
    pub fn uid(&self) -> &str {
        self.told.speaker().map_or("", |speaker| speaker.uid())
    }

    /// The names of the policies that would not have admitted it, as header fields have them.
    pub fn violated(&self) -> Vec<String> {
        self.told.violated().into_vec()
    }

    /// How long the client is told to wait; `None` if the message can never be admitted.
    pub fn wait(&self) -> Option<Duration> {
        let wait = self.decision.wait?;
        Some(self.told.wait(wait))
    }

    /// What the client is told by default, as JSON:
    /// `{"type":"rate_limit","error":"Too many messages","retry_after":3,"retry_after_ms":2417}`, in whole seconds and
    /// milliseconds, rounded up; without both fields if the message can never be admitted.
    pub fn notice(&self) -> String {
        notice(self.wait())
    }

    /// The head of the request by which the connection was made.
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
