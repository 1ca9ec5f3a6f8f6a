//! The fields of a decision under one limit, as most responses have them.

use std::time::Duration;

use http::header::HeaderMap;

use crate::definition::Definition;
use crate::header_style::HeaderStyle;
use crate::http::headers::names::quotable;
use crate::http::headers::options::HeaderSyntax;
use crate::http::headers::writer::Writer;
use crate::http::headers::{draft11, legacy};
use crate::rate::Rate;

/// The only limit of a decision, as of now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SingleLimit {
    pub(crate) throttle: &'static Definition,
    pub(crate) rate: Rate,
    pub(crate) quota: u64,
    pub(crate) remaining: u64,
    pub(crate) next: Option<Duration>,
}

impl Writer {
    /// Writes the fields of a decision under one limit with the text of its policy that was made
    /// before. Returns `false`, and writes nothing, if the fields have to be written by
    /// [`write`](Self::write).
    pub(crate) fn write_single(
        self,
        headers: &mut HeaderMap,
        limit: &SingleLimit,
        style: HeaderStyle,
    ) -> bool {
        let SingleLimit {
            throttle,
            rate,
            quota,
            remaining,
            next,
        } = *limit;
        let is_draft11 = self.options.syntax == HeaderSyntax::Draft11;
        if style.is_ietf() && (!is_draft11 || draft11::has_fields(headers)) {
            return false;
        }
        let make = || draft11::policy_text(rate, quota, &quotable(throttle.policy()));
        let Some(policy) = throttle.policy_text(rate, quota, make) else {
            return false;
        };
        if style.is_ietf() {
            draft11::write_single(headers, policy, remaining, next);
        }
        if style.is_legacy() {
            let reset = (self.options.legacy_reset, self.now);
            legacy::write_values(headers, policy.digits.clone(), remaining, next, reset);
        }
        true
    }
}
