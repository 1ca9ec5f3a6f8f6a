//! What most requests ask: one throttle, with one rate under a built-in law, on the embedded backend.

use http::request::Parts;

use super::asked::Asked;
use super::prepared::Prepared;
use super::registry::Change;
use crate::backend::key::Key;
use crate::backend::plan::Term;
use crate::backend::{Chosen, TimedCost};
use crate::decision::Report;
use crate::identity::Identity;
use crate::observe::Outcome;
use crate::rate::Rate;

/// The decision on it, made without a [`Case`](super::case::Case).
pub(super) struct Alone {
    pub(super) fits: bool,
    pub(super) rate: Rate,
    /// The limit that header fields give.
    pub(super) quota: u64,
    pub(super) now: u64,
    /// Whether that is the backend's own time.
    pub(super) has_own_clock: bool,
}

impl Alone {
    /// Decides, and writes what the law says where it is read. Nothing if there is more to it; then nothing was done, and
    /// whatever is wrong is found again.
    pub(super) fn decide(
        asked: &[Asked<'_>],
        parts: Option<&Parts>,
        said: &mut Option<Report>,
    ) -> Option<Self> {
        let [asked] = asked else {
            return more_to_it();
        };
        let prepared = asked.definition.prepared();
        if let Some(change) = prepared.change() {
            return Self::decide_changed(asked, parts, prepared, &change, said);
        }
        match prepared.only_term() {
            Some(term) => Self::decide_by(term, asked, parts, prepared.key, said),
            None => more_to_it(),
        }
    }

    #[cold]
    fn decide_changed(
        asked: &Asked<'_>,
        parts: Option<&Parts>,
        prepared: &Prepared,
        change: &Change,
        said: &mut Option<Report>,
    ) -> Option<Self> {
        let term = prepared.only_term_of(change)?;
        Self::decide_by(term, asked, parts, prepared.key, said)
    }

    #[inline(always)]
    fn decide_by(
        term: &Term,
        asked: &Asked<'_>,
        parts: Option<&Parts>,
        grown_from: Key,
        said: &mut Option<Report>,
    ) -> Option<Self> {
        let (Identity::Client(client), None) = (asked.identity, asked.rate) else {
            return more_to_it();
        };
        let default;
        let backend = match asked.definition.named_backend(parts) {
            Some(named) => named.inner(),
            None => {
                default = Chosen::default();
                &*default
            }
        };
        let Some(memory) = backend.plain_memory() else {
            return more_to_it();
        };
        let Ok(key) = asked.key(grown_from, client, parts, backend) else {
            return more_to_it();
        };
        let (at, cost) = (backend.reading(), asked.cost);
        let fits = memory.decide_one(key, term, TimedCost { at, cost }, said);
        asked.observe(Outcome::of(fits), parts, backend, || *said);
        let quota = said.map_or(0, |report| term.law.quota(term.rate, &report));
        Some(Self {
            fits,
            rate: term.rate,
            quota,
            now: at.now,
            has_own_clock: backend.has_own_clock(),
        })
    }
}

/// Says the compiler which way most go.
#[cold]
#[inline(never)]
fn more_to_it<T>() -> Option<T> {
    None
}
