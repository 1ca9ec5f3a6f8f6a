//! Writes the header fields of limits, each in its style.

use http::header::HeaderMap;

use crate::engine::report::binding;
use crate::header_style::HeaderStyle;
use crate::http::headers::named_limit::NamedLimit;
use crate::http::headers::names::names;
use crate::http::headers::options::{HeaderOptions, HeaderSyntax};
use crate::http::headers::{draft6, draft11, legacy};
use crate::inline_vec::InlineVec1;

/// The form of the fields of one decision.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writer {
    pub(crate) options: HeaderOptions,
    /// The moment from which times count, in microseconds of Unix time.
    pub(crate) now: u64,
}

/// Limits, each with the style of its fields.
type Styled<'a> = [(HeaderStyle, NamedLimit<'a>)];

/// Returns the limits whose style is one of these.
fn with_style<'l>(
    limits: &'l Styled<'l>,
    is_style: fn(HeaderStyle) -> bool,
) -> impl Iterator<Item = &'l NamedLimit<'l>> + Clone {
    let selected = limits.iter().filter(move |(style, _)| is_style(*style));
    selected.map(|(_, limit)| limit)
}

impl Writer {
    /// Creates a writer in the form that the process has chosen.
    pub(crate) fn new(now: u64) -> Self {
        Self {
            options: HeaderOptions::chosen(),
            now,
        }
    }

    /// Writes the fields of all limits. List fields go before those that are there; the others
    /// replace them.
    pub(crate) fn write(self, headers: &mut HeaderMap, limits: &Styled<'_>) {
        self.write_lists(headers, limits);
        self.write_draft6_singles(headers, limits);
        self.write_legacy(headers, limits);
    }

    /// Writes the list fields, in front of those that are there.
    pub(crate) fn write_lists(self, headers: &mut HeaderMap, limits: &Styled<'_>) {
        if with_style(limits, HeaderStyle::is_ietf).next().is_none() {
            return;
        }
        match self.options.syntax {
            HeaderSyntax::Draft11 => {
                // A name is unique among all limits, because a problem names those without fields
                // too.
                let all = limits.iter().map(|(_, limit)| limit);
                let names = names(all, &draft11::existing(headers));
                let named = limits.iter().zip(&names);
                let sent = named.filter(|((style, _), _)| style.is_ietf());
                draft11::write(headers, sent.map(|((_, limit), name)| (limit, &**name)));
            }
            HeaderSyntax::Draft6 => {
                draft6::write_list(headers, with_style(limits, HeaderStyle::is_ietf));
            }
        }
    }

    /// Writes the fields that have room for one policy: the one that binds among all decisions on a
    /// request. Each decision has a writer of its own.
    pub(crate) fn write_singles_of_all(
        decisions: &[(Self, InlineVec1<(HeaderStyle, NamedLimit<'_>)>)],
        headers: &mut HeaderMap,
    ) {
        if let Some((writer, limits)) = binding_decision(decisions, HeaderStyle::is_ietf) {
            writer.write_draft6_singles(headers, limits);
        }
        if let Some((writer, limits)) = binding_decision(decisions, HeaderStyle::is_legacy) {
            writer.write_legacy(headers, limits);
        }
    }

    fn write_draft6_singles(self, headers: &mut HeaderMap, limits: &Styled<'_>) {
        let limits = with_style(limits, HeaderStyle::is_ietf);
        if self.options.syntax == HeaderSyntax::Draft6 && limits.clone().next().is_some() {
            draft6::write_singles(headers, limits);
        }
    }

    fn write_legacy(self, headers: &mut HeaderMap, limits: &Styled<'_>) {
        let limits = with_style(limits, HeaderStyle::is_legacy);
        legacy::write(headers, limits, self.options.legacy_reset, self.now);
    }
}

/// Returns the decision with the binding one of the limits whose style is one of these, or else the
/// first decision with such a limit.
fn binding_decision<'l, 'n: 'l>(
    decisions: &'l [(Writer, InlineVec1<(HeaderStyle, NamedLimit<'n>)>)],
    is_style: fn(HeaderStyle) -> bool,
) -> Option<&'l (Writer, InlineVec1<(HeaderStyle, NamedLimit<'n>)>)> {
    let each = decisions.iter().flat_map(|decision| {
        let limits = with_style(&decision.1, is_style);
        limits.map(move |limit| (decision, limit.report.as_ref()))
    });
    let decided: InlineVec1<_> = each
        .clone()
        .filter_map(|(decision, report)| Some((decision, report?)))
        .collect();
    let binds = binding(decided.iter().map(|(_, report)| *report));
    let first = || each.clone().next().map(|(decision, _)| decision);
    binds.map(|index| decided[index].0).or_else(first)
}
