//! Hits of throttles without callbacks: their definitions have all that a hit needs.

use std::borrow::Cow;

use http::request::Parts;

use crate::callback::Callback;
use crate::definition::Definition;
use crate::definition::source::IdentitySource;
use crate::engine::cost_source::CostSource;
use crate::engine::hit::{HitRef, ThrottleHit};
use crate::engine::hit_set::HitSet;
use crate::engine::identity_cache::{computed_or_cached, get_or_insert_with, insert};
use crate::error::Error;
use crate::identity::Identity;

impl HitSet {
    /// Adds the hit of a throttle without callbacks. Returns `false`, and adds nothing, if its
    /// backend has an identifier to call, or if it needs its handler's arguments.
    #[inline]
    pub(crate) fn add_static(&mut self, throttle: &'static Definition, parts: &Parts) -> bool {
        match throttle.static_hit(parts) {
            Some(hit) => {
                self.push(hit);
                true
            }
            None => false,
        }
    }

    /// Adds the hits of throttles without callbacks, up to the first that
    /// [`add_static`](Self::add_static) cannot add. Returns their number.
    pub(crate) fn add_leading_static(
        &mut self,
        throttles: &[&'static Definition],
        parts: &Parts,
    ) -> usize {
        self.reserve(throttles.len());
        let mut added = throttles.iter();
        let first = added.position(|throttle| !self.add_static(throttle, parts));
        first.unwrap_or(throttles.len())
    }

    /// Caches the identities of all hits, if the request has a cache.
    pub(crate) fn cache_identities(&self, parts: &Parts) {
        for hit in self.hits() {
            insert(hit.throttle, parts, hit.identity.clone().into_owned());
        }
    }

    /// Adds the hits of throttles without callbacks, at their own costs or at this one. Calls the
    /// identifiers of their backends, and uses the values of closures.
    pub(crate) async fn add_identified(
        &mut self,
        throttles: &[&'static Definition],
        parts: &Parts,
        cost: Option<u64>,
    ) -> Result<(), Error> {
        let for_all = cost.map(|cost| (cost, self.cost_source));
        for throttle in throttles.iter().copied() {
            let values = self.take_arg_values(throttle);
            let (identity, own_cost) = values.map_or((None, None), |values| values.into_parts());
            let identity = match computed_or_cached(identity, throttle, parts) {
                Some(identity) => identity,
                None => insert(throttle, parts, throttle.identify(parts).await?),
            };
            let (cost, cost_source) = match for_all.or(own_cost) {
                Some(cost) => cost,
                None => (throttle.constant_cost()?, CostSource::Constant),
            };
            self.push(ThrottleHit {
                cost,
                cost_source,
                ..throttle.hit_of(identity)
            });
        }
        Ok(())
    }
}

impl Definition {
    /// Returns the hit of a throttle without callbacks; `None` if its backend has an identifier to
    /// call, or if it needs its handler's arguments.
    #[inline(always)]
    pub(crate) fn static_hit(&'static self, parts: &Parts) -> Option<ThrottleHit<'static>> {
        if self.needs_arguments() || self.backend_identifier(parts).is_some() {
            return None;
        }
        let identity = get_or_insert_with(self, parts, || self.static_identity(parts));
        Some(self.hit_of(identity))
    }

    /// Returns the hit of a throttle without callbacks, at its own cost or at this one, if the
    /// identity of all its requests is a constant.
    #[inline]
    pub(crate) fn constant_hit<'h>(
        &'static self,
        parts: &'h Parts,
        cost: Option<u64>,
    ) -> Option<HitRef<'h, 'static>> {
        static IP: Identity = Identity::ip();
        static EVERYONE: Identity = Identity::everyone();
        if self.needs_arguments() {
            return None;
        }
        let identity = match self.settings.identity {
            IdentitySource::Backend if self.backend_identifier(parts).is_some() => return None,
            IdentitySource::Backend | IdentitySource::Ip => &IP,
            IdentitySource::Everyone => &EVERYONE,
            IdentitySource::Header(_) | IdentitySource::Arguments => return None,
        };
        Some(HitRef {
            throttle: self,
            identity,
            cost: cost.unwrap_or(self.settings.cost),
            scope: self.settings.constant_scope(),
            parts: Some(parts),
        })
    }

    #[inline(always)]
    fn hit_of(&'static self, identity: Identity) -> ThrottleHit<'static> {
        ThrottleHit {
            throttle: self,
            identity: Cow::Owned(identity),
            cost: self.settings.cost,
            cost_source: CostSource::Constant,
            rate: None,
            scope: self.settings.constant_scope().clone(),
            applies: true,
        }
    }

    /// Returns the identity of a request's client, where the throttle has no callback for it.
    pub(crate) async fn identify(&self, parts: &Parts) -> Result<Identity, Error> {
        match self.backend_identifier(parts) {
            Some(identifier) => identifier.call(parts).await,
            None if matches!(self.settings.identity, IdentitySource::Arguments) => {
                Err(self.no_identity())
            }
            None => Ok(self.static_identity(parts)),
        }
    }

    /// Returns the identifier of the backend, if the throttle leaves the identity to it.
    fn backend_identifier(
        &self,
        parts: &Parts,
    ) -> Option<Callback<Parts, Result<Identity, Error>>> {
        match self.settings.identity {
            IdentitySource::Backend => self.chosen_backend(Some(parts)).identifier().cloned(),
            IdentitySource::Ip
            | IdentitySource::Everyone
            | IdentitySource::Header(_)
            | IdentitySource::Arguments => None,
        }
    }

    /// Returns the identity of a request's client without a callback. No throttle that needs its
    /// handler's arguments comes here.
    fn static_identity(&self, parts: &Parts) -> Identity {
        match self.settings.identity {
            IdentitySource::Backend | IdentitySource::Ip => Identity::ip(),
            IdentitySource::Everyone | IdentitySource::Arguments => Identity::everyone(),
            IdentitySource::Header(name) => {
                let value = parts.headers.get(name).map(http::HeaderValue::as_bytes);
                Identity::of_header(value)
            }
        }
    }
}
