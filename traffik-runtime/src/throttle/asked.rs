//! What is asked of throttles, for one request or none.

use std::slice;

use http::request::Parts;
use smallvec::SmallVec;

use super::client::{join_client, join_scope};
use super::definition::Definition;
use super::scope::Scope;
use crate::backend::key::Key;
use crate::backend::store::Plan;
use crate::backend::{Backend, Chosen};
use crate::error::Error;
use crate::identity::{Client, Identity};
use crate::rate::Rate;
use crate::strategy::kernel::Law;
use crate::strategy::{Hit, Who};

/// What there is mostly one of.
pub(crate) type Few<T> = SmallVec<[T; 1]>;

/// What is asked of one throttle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) definition: &'a Definition,
    pub(crate) identity: &'a Identity,
    pub(crate) cost: u64,
    pub(crate) rate: Option<Rate>,
    pub(crate) scope: &'a Scope,
}

/// What is asked of all throttles of a set for one request.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Asking {
    pub(super) members: Few<Member>,
}

/// What is asked of a member of a set.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) definition: &'static Definition,
    pub(super) identity: Identity,
    pub(super) cost: u64,
    pub(super) rate: Option<Rate>,
    pub(super) scope: Scope,
}

impl Asking {
    pub(super) fn push(&mut self, member: Member) {
        self.members.push(member);
    }

    pub(super) fn asked(&self) -> Few<Asked<'_>> {
        let asked = self.members.iter().map(|member| {
            let Member {
                definition,
                identity,
                cost,
                rate,
                scope,
            } = member;
            Asked {
                definition,
                identity,
                cost: *cost,
                rate: *rate,
                scope,
            }
        });
        asked.collect()
    }
}

impl<'a> Asked<'a> {
    /// The rates that are asked for, each with its law.
    pub(super) fn laws(&self) -> Result<Few<(Rate, Law)>, Error> {
        let rates: &[Rate] = self
            .rate
            .as_ref()
            .map_or(&self.definition.rates, slice::from_ref);
        if self.rate.is_none() && !self.definition.strategy().changes() {
            let laws = self.definition.laws()?.iter().cloned();
            return Ok(rates.iter().copied().zip(laws).collect());
        }
        let who = match self.identity {
            Identity::Client(client) => who(client),
            Identity::Exempt => Who::default(),
        };
        let law = |rate: &Rate| {
            let law = self.definition.strategy().law(*rate, &who);
            let law = law.map_err(|error| Error::strategy(&self.definition.uid, error))?;
            Ok((*rate, law))
        };
        rates.iter().map(law).collect()
    }

    #[inline]
    pub(super) fn backend(&self, parts: Option<&'a Parts>) -> Chosen<'a> {
        let provided = || parts.and_then(|parts| parts.extensions.get::<Backend>());
        let named = self.definition.own_backend().or_else(provided);
        named.map_or_else(Chosen::default, Backend::choose)
    }

    #[inline]
    pub(super) fn key(&self, client: &Client, parts: Option<&Parts>) -> Result<Key, Error> {
        let key = join_scope(self.definition.key(), self.scope, parts);
        join_client(key, client, parts, &self.definition.uid)
    }

    #[inline]
    pub(super) fn plan(
        &self,
        rate: Rate,
        law: Law,
        client: &'a Client,
        key: Key,
        now: u64,
    ) -> Plan<'a> {
        let hit = Hit {
            rate,
            now,
            cost: self.cost,
            who: who(client),
        };
        Plan {
            key,
            law,
            strategy: self.definition.strategy(),
            hit,
        }
    }
}

fn who(client: &Client) -> Who<'_> {
    Who {
        tier: client.tier.as_deref(),
        priority: client.priority,
    }
}
