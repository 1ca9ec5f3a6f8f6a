//! Which throttles a request meets.

use std::any::type_name;
use std::fmt;

use http::request::Parts;

use crate::engine::hit::{AddHits, Asking, add_hits_of};
use crate::engine::identity_cache::Known;
use crate::error::Error;
use crate::http::filter::Filter;
use crate::throttle::Throttle;

/// The throttles of a layer, and the requests that are none of its business.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    throttles: Vec<Rule>,
    throttle_if: Option<Filter>,
    bypass_if: Option<Filter>,
    /// Both together: the requests that throttles see.
    subject: Option<Filter>,
    /// Whether some throttle asks a function of the application's.
    asks: bool,
}

#[derive(Clone)]
struct Rule {
    filter: Option<Filter>,
    ask: AddHits,
    /// The same of a throttle that asks no function.
    plain: fn(&mut Asking),
    name: &'static str,
}

impl Rules {
    /// Adds a throttle, and registers it, so that an operator finds it before the first request.
    pub(super) fn throttle<T: Throttle>(&mut self, filter: Option<Filter>) {
        Asking::register::<T>();
        self.asks |= T::HAS_CALLBACKS;
        self.throttles.push(Rule {
            filter,
            ask: add_hits_of::<T>(),
            plain: T::plain,
            name: type_name::<T>(),
        });
    }

    pub(super) fn throttle_if(&mut self, filter: Filter) {
        self.throttle_if = Some(either(self.throttle_if.take(), filter));
        self.join();
    }

    pub(super) fn bypass_if(&mut self, filter: Filter) {
        self.bypass_if = Some(either(self.bypass_if.take(), filter.exempting()));
        self.join();
    }

    /// What is asked of all throttles that a request meets.
    pub(super) async fn asking(&self, parts: &mut Parts) -> Result<Asking, Error> {
        let mut asking = Asking::default();
        // Predicates are asked where some throttle may match, and for all together before those for one.
        let open = self.throttles.iter().any(|rule| rule.may_match(parts));
        if !open || !matches(self.subject.as_ref(), parts).await? {
            return Ok(asking);
        }
        if self.asks {
            Known::remember(parts);
        }
        for rule in &self.throttles {
            if matches(rule.filter.as_ref(), parts).await? {
                if self.asks {
                    (rule.ask)(parts, None, &mut asking).await?;
                } else {
                    (rule.plain)(&mut asking);
                }
            }
        }
        // Who is known without asking anybody is found again as quickly as it would be remembered.
        if !asking.ask_plain(parts) {
            Known::remember(parts);
            asking = asking.ask_backends(parts).await?;
        }
        asking.drop_repeated();
        Ok(asking)
    }

    /// The same where nothing has to be waited for.
    pub(super) fn asking_at_once(&self, parts: &Parts) -> Option<Asking> {
        let mut asking = Asking::default();
        if !self.throttles.iter().any(|rule| rule.may_match(parts)) {
            return Some(asking);
        }
        if self.asks {
            return None;
        }
        if !known(self.subject.as_ref(), parts)? {
            return Some(asking);
        }
        for rule in &self.throttles {
            if known(rule.filter.as_ref(), parts)? {
                (rule.plain)(&mut asking);
            }
        }
        asking.ask_plain(parts).then(|| {
            asking.drop_repeated();
            asking
        })
    }

    fn join(&mut self) {
        let bypass = self.bypass_if.clone().map(Filter::not);
        self.subject = match (self.throttle_if.clone(), bypass) {
            (Some(only), Some(others)) => Some(only.and(others)),
            (only, others) => only.or(others),
        };
    }
}

impl Rule {
    fn may_match(&self, parts: &Parts) -> bool {
        let known = self.filter.as_ref().map(|filter| filter.known(parts));
        known != Some(Some(false))
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { filter, name, .. } = self;
        f.debug_struct("Rule")
            .field("throttle", name)
            .field("filter", filter)
            .finish_non_exhaustive()
    }
}

/// Requests that match what there was, if there was something, or this.
fn either(known: Option<Filter>, other: Filter) -> Filter {
    match known {
        Some(known) => known.or(other),
        None => other,
    }
}

fn known(filter: Option<&Filter>, parts: &Parts) -> Option<bool> {
    filter.map_or(Some(true), |filter| filter.known(parts))
}

async fn matches(filter: Option<&Filter>, parts: &Parts) -> Result<bool, Error> {
    match filter {
        Some(filter) => filter.matches(parts).await,
        None => Ok(true),
    }
}
