//! The rules of a layer: filters that select the throttles of a request.

use std::any::type_name;
use std::sync::Arc;
use std::{fmt, mem};

use http::request::Parts;

use crate::definition::Definition;
use crate::engine::hit::ThrottleHit;
use crate::engine::hit_set::HitSet;
use crate::engine::identity_cache::IdentityCache;
use crate::error::Error;
use crate::http::filter::Filter;
use crate::inline_vec::InlineVec4;
use crate::throttle::{AddHits, Throttle, add_hits_of};

/// The throttles of a layer, and the filters for all of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    throttles: Vec<Rule>,
    throttle_if: Option<Filter>,
    bypass_if: Option<Filter>,
    /// Both filters together: the requests that are throttled.
    subject: Option<Filter>,
    /// `true` if a throttle calls a function of the application.
    has_callbacks: bool,
}

#[derive(Clone)]
struct Rule {
    filter: Option<Filter>,
    add_hits: AddHits,
    /// The definition, if there is one without callbacks.
    single: Option<fn() -> &'static Definition>,
    /// Adds the definitions, where no throttle of the layer has callbacks.
    definitions: fn(&mut InlineVec4<&'static Definition>),
    name: &'static str,
}

/// The hits of a request.
pub(super) enum Resolved {
    /// All of them.
    Hits(HitSet),
    /// Those that a function of the application takes part in.
    Unresolved(UnresolvedHits),
}

/// The hits of a request that are resolved without waiting, and the rest of the rules.
pub(super) struct UnresolvedHits {
    rules: Arc<Rules>,
    progress: Progress,
    hits: HitSet,
}

/// The filters that are evaluated without awaiting a predicate.
#[derive(Default)]
struct Progress {
    /// `true` if the request is throttled; `None` if a predicate decides.
    is_subject: Option<bool>,
    /// The number of rules that are evaluated.
    rules: usize,
    /// The throttles of those rules.
    throttles: InlineVec4<&'static Definition>,
}

impl Rules {
    /// Adds a throttle, and registers it, so that an operator finds it before the first request.
    pub(super) fn throttle<T: Throttle>(&mut self, filter: Option<Filter>) {
        let mut definitions = InlineVec4::new();
        T::definitions(&mut definitions);
        for definition in definitions {
            definition.compiled();
        }
        self.has_callbacks |= T::HAS_CALLBACKS;
        self.throttles.push(Rule {
            filter,
            add_hits: add_hits_of::<T>(),
            single: T::SINGLE.filter(|_| !T::HAS_CALLBACKS),
            definitions: T::definitions,
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

    fn join(&mut self) {
        let bypass = self.bypass_if.clone().map(Filter::not);
        self.subject = match (self.throttle_if.clone(), bypass) {
            (Some(only), Some(others)) => Some(only.and(others)),
            (only, others) => only.or(others),
        };
    }

    /// Returns the hit of a request, if the layer has one throttle, the request matches, and no
    /// function is to be called.
    #[inline(always)]
    pub(super) fn single_hit(&self, parts: &Parts) -> Option<ThrottleHit<'static>> {
        let [rule] = &*self.throttles else {
            return None;
        };
        let definition = rule.single?;
        let matches = |filter: &Option<Filter>| match_now(filter.as_ref(), parts) == Some(true);
        if !matches(&self.subject) || !matches(&rule.filter) {
            return None;
        }
        definition().static_hit(parts)
    }

    /// Resolves the hits of a request, as far as that is possible without waiting.
    pub(super) fn resolve(self: &Arc<Self>, parts: &Parts) -> Resolved {
        // Predicates are called only if some throttle may apply, and those for all throttles first.
        if !self.throttles.iter().any(|rule| rule.may_match(parts)) {
            return Resolved::Hits(HitSet::default());
        }
        let mut progress = self.evaluate(parts);
        let mut hits = HitSet::default();
        if progress.rules == self.throttles.len() {
            let added = hits.add_leading_static(&progress.throttles, parts);
            if added == progress.throttles.len() {
                hits.remove_repeated();
                return Resolved::Hits(hits);
            }
            progress.throttles.drain(..added);
        }
        Resolved::Unresolved(UnresolvedHits {
            rules: self.clone(),
            progress,
            hits,
        })
    }

    /// Evaluates the filters up to the first that awaits a predicate.
    fn evaluate(&self, parts: &Parts) -> Progress {
        let mut progress = Progress {
            is_subject: match_now(self.subject.as_ref(), parts),
            rules: 0,
            throttles: InlineVec4::new(),
        };
        match progress.is_subject {
            Some(false) => progress.rules = self.throttles.len(),
            Some(true) if !self.has_callbacks => {
                for rule in &self.throttles {
                    let Some(matches) = match_now(rule.filter.as_ref(), parts) else {
                        break;
                    };
                    if matches {
                        (rule.definitions)(&mut progress.throttles);
                    }
                    progress.rules += 1;
                }
            }
            _ => {}
        }
        progress
    }

    /// Evaluates the other filters, and adds the hits that are not added yet.
    async fn add_pending(
        &self,
        progress: Progress,
        hits: &mut HitSet,
        parts: &mut Parts,
    ) -> Result<(), Error> {
        let Progress {
            is_subject,
            rules,
            mut throttles,
        } = progress;
        let is_subject = match is_subject {
            Some(is_subject) => is_subject,
            None => matches(self.subject.as_ref(), parts).await?,
        };
        if !is_subject {
            return Ok(());
        }
        if self.has_callbacks {
            IdentityCache::enable(parts);
        }
        for rule in &self.throttles[rules..] {
            if !matches(rule.filter.as_ref(), parts).await? {
                continue;
            }
            if self.has_callbacks {
                (rule.add_hits)(parts, None, hits).await?;
            } else {
                (rule.definitions)(&mut throttles);
            }
        }
        let added = hits.add_leading_static(&throttles, parts);
        if added < throttles.len() {
            // An identifier may ask a database. Other identities are computed again as fast as they
            // would be found.
            if IdentityCache::enable(parts) {
                hits.cache_identities(parts);
            }
            hits.add_identified(&throttles[added..], parts, None)
                .await?;
        }
        hits.remove_repeated();
        Ok(())
    }
}

impl UnresolvedHits {
    /// Resolves the rest of the hits.
    ///
    /// # Errors
    ///
    /// A function of the application failed.
    pub(super) async fn resolve(mut self, parts: &mut Parts) -> Result<HitSet, Error> {
        let Self {
            rules,
            progress,
            hits,
        } = &mut self;
        let progress = mem::take(progress);
        rules.add_pending(progress, hits, parts).await?;
        Ok(self.hits)
    }
}

impl Rule {
    fn may_match(&self, parts: &Parts) -> bool {
        match_now(self.filter.as_ref(), parts) != Some(false)
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

/// Returns a filter that matches what one of two filters matches.
fn either(one: Option<Filter>, other: Filter) -> Filter {
    match one {
        Some(one) => one.or(other),
        None => other,
    }
}

/// Returns `true` if a request matches a filter; `None` if a predicate has to be awaited.
fn match_now(filter: Option<&Filter>, parts: &Parts) -> Option<bool> {
    filter.map_or(Some(true), |filter| filter.match_now(parts))
}

async fn matches(filter: Option<&Filter>, parts: &Parts) -> Result<bool, Error> {
    match filter {
        Some(filter) => filter.matches(parts).await,
        None => Ok(true),
    }
}
