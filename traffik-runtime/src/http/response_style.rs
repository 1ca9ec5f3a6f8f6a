//! The form of a handler's responses, where it differs from that of its throttles.

use std::time::Duration;

use crate::callback::on_throttled::Responder;
use crate::definition::Definition;
use crate::engine::report::LimitStatus;
use crate::header_style::HeaderStyle;

/// The options of one handler that replace those of its throttles.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ResponseStyle {
    /// The style of the header fields.
    pub(super) headers: Option<HeaderStyle>,
    /// The response to refused requests.
    pub(super) responder: Option<fn() -> Responder>,
    /// The maximum of the random part of the wait.
    pub(super) spread: Option<Duration>,
}

impl ResponseStyle {
    /// Returns the style of one throttle's header fields.
    pub(super) fn headers(self, limit: &LimitStatus<&'static Definition>) -> HeaderStyle {
        self.headers.unwrap_or(limit.throttle.settings.headers)
    }

    /// Returns the spread of a refusal: the longest of the throttles that would not have admitted
    /// it.
    pub(super) fn spread(self, limits: &[LimitStatus<&'static Definition>]) -> Duration {
        self.spread.unwrap_or_else(|| {
            let violated = limits.iter().filter(|it| !it.fits);
            let spreads = violated.map(|it| it.throttle.settings.spread.unwrap_or_default());
            spreads.max().unwrap_or_default()
        })
    }
}
