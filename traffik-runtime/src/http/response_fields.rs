//! The header fields of one decision.

use std::borrow::Cow;

use http::HeaderMap;
use http::request::Parts;

use crate::engine::detail::{Detail as _, DetailedDecision};
use crate::engine::fast_path::FastDecision;
use crate::engine::hit::ThrottleHit;
use crate::header_style::HeaderStyle;
use crate::http::admitted_limit::AdmittedLimit;
use crate::http::fields::Fields;
use crate::http::headers::options::HeaderOptions;
use crate::http::headers::writer::Writer;
use crate::http::response_style::ResponseStyle;
use crate::inline_vec::InlineVec1;

/// The header fields of a decision; none if the request is admitted and no throttle sends any.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResponseFields(Kind);

#[derive(Debug, Clone, Default)]
enum Kind {
    #[default]
    None,
    /// Those of a single limit that has admitted the request.
    Admitted(AdmittedLimit),
    /// Any others.
    General(Box<Fields>),
}

impl ResponseFields {
    /// Creates the fields of a decision.
    pub(crate) fn new(detailed: DetailedDecision, style: ResponseStyle) -> Self {
        let mut styles = detailed.limits.iter().map(|limit| style.headers(limit));
        if detailed.decision.admitted && styles.all(|style| style == HeaderStyle::None) {
            return Self(Kind::None);
        }
        let admitted = detailed.decision.admitted;
        let limit = || AdmittedLimit::of_decision(&detailed, style);
        match admitted.then(limit).flatten() {
            Some(limit) => Self::of_limit(limit),
            None => Self(Kind::General(Box::new(Fields::new(detailed, style)))),
        }
    }

    /// Creates the fields of a decision that lets a request pass.
    #[inline(always)]
    pub(super) fn of_admitted(
        fast: &FastDecision<'static>,
        hit: &ThrottleHit<'static>,
        parts: &Parts,
        style: ResponseStyle,
    ) -> Self {
        let headers = style.headers.unwrap_or(hit.throttle.settings.headers);
        if headers == HeaderStyle::None {
            return Self(Kind::None);
        }
        match AdmittedLimit::new(hit.throttle, fast, headers) {
            Some(limit) => Self::of_limit(limit),
            None => Self::new(DetailedDecision::from_fast(fast, hit, Some(parts)), style),
        }
    }

    pub(super) const fn of_limit(limit: AdmittedLimit) -> Self {
        Self(Kind::Admitted(limit))
    }

    pub(super) const fn of_fields(fields: Box<Fields>) -> Self {
        Self(Kind::General(fields))
    }

    /// Returns the only limit, or else all fields, if there are any.
    pub(super) fn into_inner(self) -> Option<Result<AdmittedLimit, Box<Fields>>> {
        match self.0 {
            Kind::None => None,
            Kind::Admitted(limit) => Some(Ok(limit)),
            Kind::General(fields) => Some(Err(fields)),
        }
    }

    /// Returns `true` if there are no fields to write.
    pub(super) const fn is_empty(&self) -> bool {
        matches!(self.0, Kind::None)
    }

    /// Returns `true` if there are fields that have room for one policy.
    pub(crate) fn has_singles(&self) -> bool {
        let is_single = |style| HeaderOptions::chosen().sends_singles(style);
        match &self.0 {
            Kind::None => false,
            Kind::Admitted(limit) => is_single(limit.style),
            Kind::General(fields) => fields.styles().any(is_single),
        }
    }

    /// Writes all header fields.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        match &self.0 {
            Kind::None => {}
            Kind::Admitted(limit) => {
                let (single, now) = limit.now();
                if !Writer::new(now).write_single(headers, &single, limit.style) {
                    Fields::from(*limit).write(headers);
                }
            }
            Kind::General(fields) => {
                fields.write(headers);
            }
        }
    }

    /// Writes the header fields that are lists.
    pub(crate) fn write_lists(&self, headers: &mut HeaderMap) {
        if let Some(fields) = self.fields() {
            let (writer, limits) = fields.writer();
            writer.write_lists(headers, &limits);
        }
    }

    /// Writes the header fields that have room for one policy, for several decisions on one
    /// request.
    pub(crate) fn write_singles(decisions: &[Self], headers: &mut HeaderMap) {
        let decisions = decisions.iter().filter_map(Self::fields);
        let decisions: InlineVec1<_> = decisions.map(|fields| fields.writer()).collect();
        Writer::write_singles_of_all(&decisions, headers);
    }

    fn fields(&self) -> Option<Cow<'_, Fields>> {
        match &self.0 {
            Kind::None => None,
            Kind::Admitted(limit) => Some(Cow::Owned(Fields::from(*limit))),
            Kind::General(fields) => Some(Cow::Borrowed(fields)),
        }
    }
}
