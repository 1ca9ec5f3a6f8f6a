//! Header fields that tell a client how it stands.

pub(crate) mod draft11;
pub(crate) mod draft6;
pub(crate) mod legacy;
pub(crate) mod names;
pub(crate) mod options;

use http::header::{Entry, HeaderMap, HeaderName};

use crate::decision::Report;
use crate::engine::report::{Policy, binding};
use crate::header_style::HeaderStyle;
use crate::http::headers::names::names;
use crate::http::headers::options::{HeaderOptions, HeaderSyntax};
use crate::inline_vec::InlineVec1;
use crate::rejection::text::Line;

use crate::throttle::stat::Stat;

/// The largest integer a structured field can carry (RFC 9651).
const LARGEST: u64 = 999_999_999_999_999;

impl<M> Stat<M> {
    /// The header fields that tell a client this, as the process writes them; none for what has no limit.
    pub fn headers(&self, style: HeaderStyle) -> HeaderMap {
        self.headers_with(style, HeaderOptions::chosen())
    }

    /// The same, written as these options say.
    ///
    /// ```
    /// use traffik::{Backend, DynThrottle, HeaderOptions, HeaderStyle, HeaderSyntax, Identity};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let throttle = DynThrottle::builder("api").rate("100/minute".parse()?).backend(Backend::memory()).build()?;
    /// let stat = throttle.stat(&Identity::new("user:7")).await?;
    /// let options = HeaderOptions::new().syntax(HeaderSyntax::Draft6);
    /// let headers = stat.headers_with(HeaderStyle::Ietf, options);
    /// assert_eq!(headers["ratelimit-limit"], "100");
    /// assert_eq!(headers["ratelimit-policy"], "100;w=60");
    /// # Ok(())
    /// # }
    /// ```
    pub fn headers_with(&self, style: HeaderStyle, options: HeaderOptions) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let policies = self.policies.iter().map(|policy| (style, policy.clone()));
        let policies: InlineVec1<_> = policies.collect();
        let writing = Writing {
            options,
            now: self.now,
        };
        writing.write(&mut headers, &policies);
        headers
    }
}

/// How fields are written this time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writing {
    pub(super) options: HeaderOptions,
    /// The moment that times count from, in microseconds of Unix time.
    pub(super) now: u64,
}

/// Policies, each with its style.
type Styled<'a> = [(HeaderStyle, Policy<'a>)];

/// Returns the policies whose style is one of these.
fn sent<'a>(
    policies: &'a Styled<'a>,
    is_sent: fn(HeaderStyle) -> bool,
) -> impl Iterator<Item = &'a Policy<'a>> + Clone {
    let sent = policies.iter().filter(move |(style, _)| is_sent(*style));
    sent.map(|(_, policy)| policy)
}

impl Writing {
    /// Writes the fields of all policies, each in its style. List fields go before those already there; the others
    /// replace them.
    pub(crate) fn write(self, headers: &mut HeaderMap, policies: &Styled<'_>) {
        self.write_lists(headers, policies);
        self.write_draft6_singles(headers, policies);
        self.write_legacy(headers, policies);
    }

    /// Writes the list fields, in front of those already there.
    pub(crate) fn write_lists(self, headers: &mut HeaderMap, policies: &Styled<'_>) {
        if sent(policies, HeaderStyle::is_ietf).next().is_some() {
            match self.options.syntax {
                HeaderSyntax::Draft11 => {
                    // Named among all: a problem names those that send nothing, too.
                    let all = policies.iter().map(|(_, policy)| policy);
                    let names = names(all, &draft11::there(headers));
                    let named = policies.iter().zip(&names);
                    let sent = named.filter(|((style, _), _)| style.is_ietf());
                    draft11::write(headers, sent.map(|((_, policy), name)| (policy, &**name)));
                }
                HeaderSyntax::Draft6 => {
                    draft6::write_list(headers, sent(policies, HeaderStyle::is_ietf));
                }
            }
        }
    }

    /// Writes the fields that have room for one policy: the one that binds among all decisions on a
    /// request. Each decision comes with its own moment.
    pub(crate) fn write_singles_of_all(
        decisions: &[(Self, InlineVec1<(HeaderStyle, Policy<'_>)>)],
        headers: &mut HeaderMap,
    ) {
        if let Some((writing, policies)) = binding_decision(decisions, HeaderStyle::is_ietf) {
            writing.write_draft6_singles(headers, policies);
        }
        if let Some((writing, policies)) = binding_decision(decisions, HeaderStyle::is_legacy) {
            writing.write_legacy(headers, policies);
        }
    }

    fn write_draft6_singles(self, headers: &mut HeaderMap, policies: &Styled<'_>) {
        let policies = sent(policies, HeaderStyle::is_ietf);
        if self.options.syntax == HeaderSyntax::Draft6 && policies.clone().next().is_some() {
            draft6::write_singles(headers, policies);
        }
    }

    fn write_legacy(self, headers: &mut HeaderMap, policies: &Styled<'_>) {
        legacy::write(headers, sent(policies, HeaderStyle::is_legacy), self);
    }
}

/// Returns the decision that has the binding one of the policies whose style is one of these, else the
/// first that has such a policy at all.
fn binding_decision<'a, 'p>(
    decisions: &'a [(Writing, InlineVec1<(HeaderStyle, Policy<'p>)>)],
    is_sent: fn(HeaderStyle) -> bool,
) -> Option<&'a (Writing, InlineVec1<(HeaderStyle, Policy<'p>)>)>
where
    'p: 'a,
{
    let each = decisions.iter().flat_map(|decision| {
        let policies = sent(&decision.1, is_sent);
        policies.map(move |policy| (decision, policy.report.as_ref()))
    });
    let known: InlineVec1<_> = each
        .clone()
        .filter_map(|(decision, report)| Some((decision, report?)))
        .collect();
    let binds = binding(known.iter().map(|(_, report)| *report));
    let first = || each.clone().next().map(|(decision, _)| decision);
    binds.map(|place| known[place].0).or_else(first)
}

/// Of several rates, the limit of the one that binds and what its law said, if any has decided.
fn bound<'a>(policies: impl Iterator<Item = &'a Policy<'a>> + Clone) -> Option<(u64, &'a Report)> {
    let known = policies.filter_map(|policy| Some((policy.quota, policy.report.as_ref()?)));
    let place = binding(known.clone().map(|(_, report)| report))?;
    known.clone().nth(place)
}

/// Puts a value before those already there, in one field line.
fn prepend(headers: &mut HeaderMap, name: HeaderName, mut line: Line) {
    // Names are printable by now, so each line is a value.
    match headers.entry(name) {
        Entry::Vacant(vacant) => {
            if let Some(value) = line.value() {
                vacant.insert(value);
            }
        }
        Entry::Occupied(mut there) => {
            let others = there.iter().filter_map(|other| other.to_str().ok());
            // An empty line is an empty list, and no item of another.
            for other in others.filter(|other| !other.trim().is_empty()) {
                line.text(", ").text(other);
            }
            if let Some(value) = line.value() {
                there.insert(value);
            }
        }
    }
}
