//! A hit: a throttle, a client and a cost.

use std::borrow::Cow;
use std::net::IpAddr;

use http::request::Parts;

use crate::backend::BackendParts;
use crate::backend::backend_ref::BackendRef;
use crate::decision::Report;
use crate::definition::Definition;
use crate::definition::registry::event::{Event, has_listeners, notify};
use crate::definition::registry::resolved_client::ResolvedClient;
use crate::engine::client_key::{Name, address, join_client, join_scope};
use crate::engine::cost_source::CostSource;
use crate::error::Error;
use crate::identity::{Client, Identity};
use crate::observe::Outcome;
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

impl ThrottleHit<'_> {
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

    /// Returns the backend of the throttle, for this request.
    #[inline]
    pub(crate) fn backend<'a>(&'a self, parts: Option<&'a Parts>) -> BackendRef<'a> {
        self.throttle.chosen_backend(parts)
    }

    /// Returns the key of the client's state, which extends the throttle's own.
    #[inline(always)]
    pub(crate) fn key(
        &self,
        throttle: Key,
        client: &Client,
        parts: Option<&Parts>,
        backend: &BackendParts,
    ) -> Result<Key, Error> {
        let key = join_scope(throttle, &self.scope, parts);
        join_client(key, client, || self.address(parts, backend))
    }

    /// Returns the name of the client's state in a store that other processes use too: the client
    /// in braces, so that all keys of a client are in one slot of a Cluster, then the throttle and
    /// the scope.
    pub(crate) fn name(
        &self,
        namespace: &str,
        client: &Client,
        parts: Option<&Parts>,
        backend: &BackendParts,
    ) -> Result<String, Error> {
        let client = join_client(Name::default(), client, || self.address(parts, backend))?.0;
        let scope = join_scope(Name::default(), &self.scope, parts).0;
        let uid = encoded(self.throttle.uid().as_bytes());
        Ok(format!("{{{namespace}:{client}}}:{uid}{scope}"))
    }

    /// Returns the client's address, as the throttle resolves it, or else its backend.
    fn address(&self, parts: Option<&Parts>, backend: &BackendParts) -> Result<IpAddr, Error> {
        let own = self.throttle.settings.client_ip.get();
        let client_ip = own.unwrap_or_else(|| backend.client_ip());
        address(parts, client_ip, self.throttle.uid())
    }

    /// Reports the outcome of a hit of this cost to logs, metrics and listeners.
    #[inline(always)]
    pub(crate) fn observe(
        &self,
        outcome: Outcome,
        cost: u64,
        parts: Option<&Parts>,
        backend: &BackendParts,
        report: impl FnOnce() -> Option<Report>,
    ) {
        let client = || self.resolved_client(parts, backend);
        self.throttle.observe(outcome, client);
        if has_listeners() {
            self.call_listeners(outcome, cost, parts, client(), report());
        }
    }

    #[cold]
    fn call_listeners(
        &self,
        outcome: Outcome,
        cost: u64,
        parts: Option<&Parts>,
        client: ResolvedClient<'_>,
        report: Option<Report>,
    ) {
        notify(&Event {
            uid: self.throttle.uid(),
            outcome,
            identity: &self.identity,
            client,
            cost,
            report,
            parts,
        });
    }

    /// Returns the client, with its address if it is counted by that.
    #[cold]
    fn resolved_client(&self, parts: Option<&Parts>, backend: &BackendParts) -> ResolvedClient<'_> {
        ResolvedClient::new(&self.identity, || self.address(parts, backend).ok())
    }
}
