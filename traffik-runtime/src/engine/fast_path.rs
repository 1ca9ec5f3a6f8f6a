//! What most requests ask: one throttle, with one rate under a built-in law, on the embedded backend.

use http::request::Parts;

use crate::backend::backend_ref::BackendRef;
use crate::decision::Report;
use crate::definition::compiled::Compiled;
use crate::definition::registry::overrides::ActiveOverride;
use crate::engine::hit::Asked;
use crate::identity::Identity;
use crate::observe::Outcome;
use crate::rate::Rate;
use crate::store::key::Key;
use crate::store::memory::optimistic::TimedCost;
use crate::store::plan::Limit;

/// The decision on it, made without a [`Case`](crate::engine::batch::Case).
pub(crate) struct Alone {
    pub(crate) fits: bool,
    pub(crate) rate: Rate,
    /// The limit that header fields give.
    pub(crate) quota: u64,
    pub(crate) now: u64,
    /// Whether that is the backend's own time.
    pub(crate) has_own_clock: bool,
}

impl Alone {
    /// Decides, and writes what the law says where it is read. Nothing if there is more to it; then nothing was done, and
    /// whatever is wrong is found again.
    pub(crate) fn decide(
        asked: &[Asked<'_>],
        parts: Option<&Parts>,
        said: &mut Option<Report>,
    ) -> Option<Self> {
        let [asked] = asked else {
            return more_to_it();
        };
        let compiled = asked.definition.compiled();
        if let Some(change) = compiled.active_override() {
            return Self::decide_changed(asked, parts, compiled, &change, said);
        }
        match compiled.only_limit() {
            Some(term) => Self::decide_by(term, asked, parts, compiled.key, said),
            None => more_to_it(),
        }
    }

    #[cold]
    fn decide_changed(
        asked: &Asked<'_>,
        parts: Option<&Parts>,
        compiled: &Compiled,
        change: &ActiveOverride,
        said: &mut Option<Report>,
    ) -> Option<Self> {
        let term = compiled.only_limit_of(change)?;
        Self::decide_by(term, asked, parts, compiled.key, said)
    }

    #[inline(always)]
    fn decide_by(
        term: &Limit,
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
            Some(named) => named.parts(),
            None => {
                default = BackendRef::default();
                &*default
            }
        };
        let Some(memory) = backend.fast_memory() else {
            return more_to_it();
        };
        let Ok(key) = asked.key(grown_from, client, parts, backend) else {
            return more_to_it();
        };
        let (at, cost) = (backend.store().reading(), asked.cost);
        let fits = memory.decide_one(key, term, TimedCost { at, cost }, said);
        asked.observe(Outcome::of(fits), parts, backend, || *said);
        let quota = said.map_or(0, |report| term.law.quota(term.rate, &report));
        Some(Self {
            fits,
            rate: term.rate,
            quota,
            now: at.now,
            has_own_clock: backend.store().has_own_clock(),
        })
    }
}

/// Says the compiler which way most go.
#[cold]
#[inline(never)]
fn more_to_it<T>() -> Option<T> {
    None
}
