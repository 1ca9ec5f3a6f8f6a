//! What a definition leaves to be worked out when the program runs.

use std::sync::Arc;

use crate::definition::registry::overridden::{Change, Live};
use crate::definition::registry::registry;
use crate::definition::{Definition, limits};
use crate::inline_vec::InlineVec1;
use crate::on_error::policy::Policy;
use crate::store::key::Key;
use crate::store::plan::Term;

/// What decisions on a throttle need, whatever the request: worked out once.
pub(crate) struct Prepared {
    /// What the throttle's keys grow from.
    pub(crate) key: Key,
    /// Each rate that is a limit, with its law, or what is wrong with the definition.
    pub(crate) terms: Result<InlineVec1<Term>, String>,
    /// What it has in common with others of its uid; nothing if it is none of them.
    pub(crate) live: Option<Arc<Live>>,
    /// The only one of the terms, if there is just one, under a built-in law, and nothing else has a say: all that most
    /// decisions need.
    only: Option<Term>,
    is_involved: bool,
}

impl Prepared {
    pub(crate) fn new(definition: &Definition) -> Self {
        let strategy = definition.strategy();
        let entered = limits::check_names(&definition.uid, definition.policy())
            .and_then(|()| registry().enter(definition.record()));
        let (live, terms) = match entered {
            Ok(live) => {
                let terms = limits::terms(strategy, &definition.rates);
                (Some(live), terms.map_err(|error| error.to_string()))
            }
            Err(message) => (None, Err(message)),
        };
        let only = terms.as_deref().ok().and_then(limits::only);
        // What stands before the backend is asked first.
        let policy = definition.own_policy();
        let is_involved = definition.is_shadow() || policy.is_some_and(Policy::stands_before);
        Self {
            key: Key::of_throttle(&definition.uid, strategy.name()),
            only: only.filter(|_| !is_involved).cloned(),
            terms,
            live,
            is_involved,
        }
    }

    /// What holds instead, if the registry says so.
    #[inline]
    pub(crate) fn change(&self) -> Option<Arc<Change>> {
        self.live.as_ref()?.change()
    }

    /// The only rate and its law, if there is just one, which is a built-in one and always the same, and nothing else has a
    /// say.
    #[inline]
    pub(crate) const fn only_term(&self) -> Option<&Term> {
        self.only.as_ref()
    }

    /// The same of what holds instead.
    pub(crate) fn only_term_of<'a>(&self, change: &'a Change) -> Option<&'a Term> {
        change.only_term().filter(|_| !self.is_involved)
    }
}
