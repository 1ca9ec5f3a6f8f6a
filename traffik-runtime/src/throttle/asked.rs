//! What is asked of throttles, for one request or none.

use std::net::IpAddr;
use std::ptr;
use std::slice;

use http::request::Parts;

use super::client::{Name, address, join_client, join_scope};
use super::definition::Definition;
use super::given::Given;
use super::scope::Scope;
use crate::backend::key::Key;
use crate::backend::name::encoded;
pub(crate) use crate::backend::plan::Few;
use crate::backend::plan::{Plan, Term, Terms};
use crate::backend::{Backend, Chosen};
use crate::error::Error;
use crate::identity::{Client, Identity};
use crate::rate::Rate;
use crate::strategy::Who;
use crate::strategy::kernel::Law;

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
    /// Whether members are asked that do not apply to the request, too.
    pub(super) regardless: bool,
    /// What the handler's arguments say.
    given: Option<Box<Given>>,
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
    /// How all members stand, those that do not apply to the request included.
    pub(super) fn of_standings() -> Self {
        Self {
            regardless: true,
            ..Self::default()
        }
    }

    /// With what the handler's arguments say.
    pub(crate) fn with(given: Given) -> Self {
        Self {
            given: Some(Box::new(given)),
            ..Self::default()
        }
    }

    /// What the handler's arguments say of this throttle.
    pub(super) fn given_to(&mut self, definition: &'static Definition) -> Option<Box<Given>> {
        let of_it = |given: &mut Box<Given>| {
            let owner = given.owner;
            owner.is_some_and(|owner| ptr::eq(owner, definition))
        };
        self.given.take_if(of_it)
    }

    pub(super) fn push(&mut self, member: Member) {
        self.members.push(member);
    }

    /// Whether nothing is asked.
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The throttles that somebody is counted by.
    pub(crate) fn counted(&self) -> impl Iterator<Item = &'static Definition> {
        let counted = |member: &&Member| member.identity != Identity::Exempt;
        self.members
            .iter()
            .filter(counted)
            .map(|member| member.definition)
    }

    /// Leaves each throttle in once, where it was asked first.
    pub(crate) fn drop_repeated(&mut self) {
        let mut seen: Few<*const Definition> = Few::new();
        self.members.retain(|member| {
            let definition: *const Definition = member.definition;
            let is_new = !seen.contains(&definition);
            seen.push(definition);
            is_new
        });
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
    /// The rates that are asked for, each with its law; those without a limit left out.
    pub(super) fn terms(&self) -> Result<Terms<'a>, Error> {
        let strategy = self.definition.strategy();
        if self.rate.is_none() && !strategy.changes() {
            return Ok(Terms::Same(self.definition.terms()?));
        }
        let rates = self
            .rate
            .as_ref()
            .map_or(&*self.definition.rates, slice::from_ref);
        self.terms_of(rates.iter().copied())
    }

    /// The share of one of so many processes in what is asked for.
    pub(super) fn share(&self, terms: &Terms<'_>, instances: u32) -> Result<Terms<'a>, Error> {
        let share = |term: &Term| {
            let limit = term.rate.limit() / instances;
            Rate::new(limit.max(1), term.rate.period())
        };
        self.terms_of(terms.iter().map(share))
    }

    fn terms_of(&self, rates: impl Iterator<Item = Rate>) -> Result<Terms<'a>, Error> {
        let strategy = self.definition.strategy();
        let who = match self.identity {
            Identity::Client(client) => who(client),
            Identity::Exempt => Who::default(),
        };
        // A signal is asked for once a hit, however many rates there are.
        let who = Who {
            load: strategy.load(),
            ..who
        };
        let mut terms = Few::new();
        for rate in rates {
            let law = strategy.law(rate, &who);
            let law = law.map_err(|error| Error::strategy(&self.definition.uid, error))?;
            if law != Law::Unlimited {
                terms.push(Term { rate, law });
            }
        }
        Ok(Terms::Own(terms))
    }

    /// Its rate; of several, the first.
    pub(super) fn first_rate(&self) -> Rate {
        let own = self.rate.or(self.definition.rates.first().copied());
        own.unwrap_or(Rate::UNLIMITED)
    }

    #[inline]
    pub(super) fn backend(&self, parts: Option<&'a Parts>) -> Chosen<'a> {
        let provided = || parts.and_then(|parts| parts.extensions.get::<Backend>());
        let named = self.definition.own_backend().or_else(provided);
        named.map_or_else(Chosen::default, Backend::choose)
    }

    #[inline]
    pub(super) fn key(
        &self,
        client: &Client,
        parts: Option<&Parts>,
        backend: &Chosen<'_>,
    ) -> Result<Key, Error> {
        let key = join_scope(self.definition.key(), self.scope, parts);
        join_client(key, client, || self.address(parts, backend))
    }

    /// The same as a name in a store that others use too: the client in braces, so that all a client's keys are in one
    /// slot of a Cluster, then the throttle and where its budget is one.
    pub(super) fn name(
        &self,
        namespace: &str,
        client: &Client,
        parts: Option<&Parts>,
        backend: &Chosen<'_>,
    ) -> Result<String, Error> {
        let client = join_client(Name::default(), client, || self.address(parts, backend))?.0;
        let scope = join_scope(Name::default(), self.scope, parts).0;
        let uid = encoded(self.definition.uid.as_bytes());
        Ok(format!("{{{namespace}:{client}}}:{uid}{scope}"))
    }

    /// The address of the request's client, as the throttle itself, else its backend, finds it.
    #[inline]
    fn address(&self, parts: Option<&Parts>, backend: &Chosen<'_>) -> Result<IpAddr, Error> {
        let own = self.definition.own_client_ip();
        let client_ip = own.unwrap_or_else(|| backend.client_ip());
        address(parts, client_ip, &self.definition.uid)
    }

    #[inline]
    pub(super) fn plan(
        &self,
        terms: Terms<'a>,
        client: &'a Client,
        key: Key,
        name: String,
    ) -> Plan<'a> {
        Plan {
            key,
            name,
            strategy: self.definition.strategy(),
            terms,
            cost: self.cost,
            who: who(client),
        }
    }
}

fn who(client: &Client) -> Who<'_> {
    Who {
        tier: client.tier.as_deref(),
        priority: client.priority,
        load: None,
    }
}
