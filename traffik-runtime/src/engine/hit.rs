//! A hit: a throttle, a client and a cost.

use std::borrow::Cow;
use std::cell::Cell;
use std::net::IpAddr;
use std::ptr;

use http::request::Parts;

use crate::backend::BackendParts;
use crate::client_ip::resolve::ClientIp;
use crate::decision::{Provenance, Report};
use crate::definition::Definition;
use crate::definition::registry::event::{Event, has_listeners, notify};
use crate::definition::registry::resolved_client::ResolvedClient;
use crate::engine::client_key::{Name, address, join_client, join_scope};
use crate::engine::cost_source::CostSource;
use crate::error::Error;
use crate::identity::{Client, Identity};
use crate::observe;
use crate::observe::{Outcome, is_logged};
use crate::rate::Rate;
use crate::scope::Scope;
use crate::store::key::Key;
use crate::store::key_encoding::encoded;

/// One hit of one client on one throttle.
#[derive(Clone, Debug)]
pub(crate) struct ThrottleHit<'a> {
    pub(crate) throttle: &'a Definition,
    pub(crate) identity: Cow<'a, Identity>,
    pub(crate) cost: u64,
    pub(crate) cost_source: CostSource,
    /// The rate that the request brings in place of the throttle's own.
    pub(crate) rate: Option<Rate>,
    pub(crate) scope: Scope,
    /// `false` if the throttle does not apply to the request: then it is only looked at.
    pub(crate) applies: bool,
}

impl<'d> ThrottleHit<'d> {
    /// Returns the throttle's rate, or the first of several.
    pub(crate) fn first_rate(&self) -> Rate {
        let change = self.throttle.active_override();
        if change.as_ref().is_some_and(|change| !change.is_enabled) {
            return Rate::UNLIMITED;
        }
        let set = change.as_ref().and_then(|change| change.rates.as_ref());
        let set = set.and_then(|set| set.rates.first().copied());
        let defined = || self.rate.or(self.throttle.rates().first().copied());
        set.or_else(defined).unwrap_or(Rate::UNLIMITED)
    }

    /// Returns the hit as it is decided: at its own cost or at this one, for this request.
    #[inline(always)]
    pub(crate) fn as_ref<'h>(
        &'h self,
        cost: Option<u64>,
        parts: Option<&'h Parts>,
    ) -> HitRef<'h, 'd> {
        HitRef {
            throttle: self.throttle,
            identity: &self.identity,
            cost: cost.unwrap_or(self.cost),
            scope: &self.scope,
            parts,
        }
    }

    /// Returns the hit as it is decided, if the limits of its throttle decide it.
    #[inline(always)]
    pub(crate) fn fast_ref<'h>(
        &'h self,
        cost: Option<u64>,
        parts: Option<&'h Parts>,
    ) -> Option<HitRef<'h, 'd>> {
        (self.applies && self.rate.is_none()).then(|| self.as_ref(cost, parts))
    }
}

/// A hit as it is decided: on a throttle, by a client, at a cost, for a request or for none.
///
/// It is borrowed and `Copy`, so that the compiler can keep it in registers.
#[derive(Clone, Copy)]
pub(crate) struct HitRef<'h, 'd> {
    pub(crate) throttle: &'d Definition,
    pub(crate) identity: &'h Identity,
    pub(crate) cost: u64,
    pub(crate) scope: &'h Scope,
    pub(crate) parts: Option<&'h Parts>,
}

impl HitRef<'_, '_> {
    /// Returns the key of the client's state, which extends the throttle's own.
    #[inline(always)]
    pub(crate) fn key(
        self,
        throttle: Key,
        client: &Client,
        backend: &BackendParts,
    ) -> Result<Key, Error> {
        self.key_at(throttle, client, || {
            address_of(self.throttle, self.parts, backend)
        })
    }

    /// Returns the key of the client's state, as [`key`](Self::key) does, with another way to find
    /// the client's address.
    #[inline(always)]
    pub(crate) fn key_at(
        self,
        throttle: Key,
        client: &Client,
        address: impl Fn() -> Result<IpAddr, Error>,
    ) -> Result<Key, Error> {
        let key = join_scope(throttle, self.scope, self.parts);
        join_client(key, client, address)
    }

    /// Returns the name of the client's state in a store that other processes use too: the client
    /// in braces, so that all keys of a client are in one slot of a Cluster, then the throttle and
    /// the scope.
    pub(crate) fn name(
        self,
        namespace: &str,
        client: &Client,
        backend: &BackendParts,
    ) -> Result<String, Error> {
        let address = || address_of(self.throttle, self.parts, backend);
        let client = join_client(Name::default(), client, address)?.0;
        let scope = join_scope(Name::default(), self.scope, self.parts).0;
        let uid = encoded(self.throttle.uid().as_bytes());
        Ok(format!("{{{namespace}:{client}}}:{uid}{scope}"))
    }

    /// Reports the outcome of a decision in memory to logs, metrics and listeners.
    #[inline(always)]
    pub(crate) fn observe(
        self,
        outcome: Outcome,
        backend: &BackendParts,
        report: impl FnOnce() -> Option<Report>,
    ) {
        self.observe_from(Provenance::Memory, outcome, backend, report);
    }

    /// Reports the outcome of a decision to logs, metrics and listeners.
    #[inline(always)]
    pub(crate) fn observe_from(
        self,
        provenance: Provenance,
        outcome: Outcome,
        backend: &BackendParts,
        report: impl FnOnce() -> Option<Report>,
    ) {
        let Self {
            throttle,
            identity,
            cost,
            parts,
            ..
        } = self;
        throttle.count(outcome);
        if is_logged(outcome) || has_listeners() {
            let client = (identity, parts, backend);
            publish(throttle, client, (outcome, provenance), cost, report());
        }
    }
}

/// Logs the outcome of a hit, and calls the listeners.
///
/// Its arguments are the fields of the hit: a pointer to the hit would keep that in memory.
#[cold]
fn publish(
    throttle: &Definition,
    (identity, parts, backend): (&Identity, Option<&Parts>, &BackendParts),
    (outcome, provenance): (Outcome, Provenance),
    cost: u64,
    report: Option<Report>,
) {
    let client = || ResolvedClient::new(identity, || address_of(throttle, parts, backend).ok());
    observe::decided(throttle.uid(), outcome, client);
    if has_listeners() {
        notify(&Event {
            uid: throttle.uid(),
            outcome,
            provenance,
            identity,
            client: client(),
            cost,
            report,
            parts,
        });
    }
}

/// The address of a request's client, resolved once for the throttles that resolve it alike.
#[derive(Default)]
pub(crate) struct Addresses<'c>(Cell<Option<(&'c ClientIp, IpAddr)>>);

impl<'c> Addresses<'c> {
    /// Returns the client's address, as the throttle of a hit of the request resolves it.
    pub(crate) fn resolve(
        &self,
        hit: HitRef<'c, 'c>,
        backend: &'c BackendParts,
    ) -> Result<IpAddr, Error> {
        let client_ip = client_ip_of(hit.throttle, backend);
        match self.0.get() {
            Some((resolver, address)) if ptr::eq(resolver, client_ip) => Ok(address),
            _ => {
                let address = address(hit.parts, client_ip, hit.throttle.uid())?;
                self.0.set(Some((client_ip, address)));
                Ok(address)
            }
        }
    }
}

/// Returns the client's address, as the throttle resolves it, or else its backend.
fn address_of(
    throttle: &Definition,
    parts: Option<&Parts>,
    backend: &BackendParts,
) -> Result<IpAddr, Error> {
    address(parts, client_ip_of(throttle, backend), throttle.uid())
}

fn client_ip_of<'c>(throttle: &'c Definition, backend: &'c BackendParts) -> &'c ClientIp {
    let own = throttle.settings.client_ip.get();
    own.unwrap_or_else(|| backend.client_ip())
}
