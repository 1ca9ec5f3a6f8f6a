//! What is asked of throttles, for one request or none.

use std::net::IpAddr;
use std::pin::Pin;
use std::{ptr, slice};

use http::request::Parts;

use crate::backend::BackendParts;
use crate::backend::backend_ref::BackendRef;
use crate::decision::Report;
use crate::definition::Definition;
use crate::definition::cost_source::CostSource;
use crate::definition::registry::event::{Event, has_listeners, notify};
use crate::definition::registry::resolved_client::ResolvedClient;
use crate::engine::arg_values::ArgValues;
use crate::engine::client_key::{Name, address, join_client, join_scope};
use crate::error::Error;
use crate::identity::{Client, Identity};
use crate::inline_vec::InlineVec1;
use crate::observe::Outcome;
use crate::rate::Rate;
use crate::scope::Scope;
use crate::store::key::Key;
use crate::store::key_encoding::encoded;
use crate::store::plan::{Limit, Plan, PlanLimits};
use crate::strategy::Who;
use crate::strategy::kernel::Law;
use crate::throttle::Throttle;

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
    pub(crate) members: InlineVec1<Member>,
    about: About,
    /// Throttles that ask no function, and were not asked yet.
    pub(crate) plain: InlineVec1<&'static Definition>,
    /// What the handler's arguments say.
    given: Option<Box<ArgValues>>,
    /// Where a cost for all members comes from.
    pub(crate) cost_source: CostSource,
}

/// What members are asked about.
#[derive(Clone, Copy, Debug, Default)]
enum About {
    /// Hits: those that do not apply to the request are left out.
    #[default]
    Hits,
    /// How the client stands, with all of them.
    Standings,
    /// Both.
    Both,
}

/// [`Throttle::ask`], whatever the throttle.
pub(crate) type AddHits =
    for<'a> fn(
        &'a Parts,
        Option<u64>,
        &'a mut Asking,
    ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;

/// The same of this throttle.
pub(crate) fn add_hits_of<T: Throttle>() -> AddHits {
    |parts, cost, asking| Box::pin(T::ask(parts, cost, asking))
}

/// What is asked of a member of a set.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) definition: &'static Definition,
    pub(crate) identity: Identity,
    pub(crate) cost: u64,
    pub(crate) cost_source: CostSource,
    pub(crate) rate: Option<Rate>,
    pub(crate) scope: Scope,
    /// Whether its hits count.
    pub(crate) applies: bool,
}

impl Asking {
    /// How all members stand, those that do not apply to the request included.
    pub(crate) fn of_standings() -> Self {
        Self {
            about: About::Standings,
            ..Self::default()
        }
    }

    /// Registers the members of a throttle or a set.
    pub(crate) fn register<T: Throttle>() {
        let mut asking = Self::default();
        T::plain(&mut asking);
        for definition in asking.plain {
            definition.compiled();
        }
    }

    /// With what the handler's arguments say.
    pub(crate) fn with(given: ArgValues) -> Self {
        Self {
            given: Some(Box::new(given)),
            ..Self::default()
        }
    }

    /// Whatever may be asked of them.
    pub(crate) fn of_anything() -> Self {
        Self {
            about: About::Both,
            ..Self::default()
        }
    }

    /// What the handler's arguments say of this throttle.
    pub(crate) fn given_to(&mut self, definition: &'static Definition) -> Option<Box<ArgValues>> {
        let of_it = |given: &mut Box<ArgValues>| {
            let owner = given.owner;
            owner.is_some_and(|owner| ptr::eq(owner, definition))
        };
        self.given.take_if(of_it)
    }

    /// Whether members are asked whatever they apply to.
    pub(crate) const fn is_about_standings(&self) -> bool {
        matches!(self.about, About::Standings)
    }

    /// Whether hits of a member count that applies to the request or does not; nothing if it has no part in what is asked.
    pub(crate) fn counting(&self, applies: bool) -> Option<bool> {
        match self.about {
            About::Hits => applies.then_some(true),
            About::Standings | About::Both => Some(applies),
        }
    }

    pub(crate) fn push(&mut self, member: Member) {
        self.members.push(member);
    }

    /// Whether nothing is asked.
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The throttles that somebody is counted by.
    pub(crate) fn counted(&self) -> impl Iterator<Item = &'static Definition> {
        let counted = |member: &&Member| member.identity != Identity::Exempt;
        self.hits().filter(counted).map(|member| member.definition)
    }

    /// Leaves each throttle in once, where it was asked first.
    pub(crate) fn drop_repeated(&mut self) {
        let mut seen: InlineVec1<*const Definition> = InlineVec1::new();
        self.members.retain(|member| {
            let definition: *const Definition = member.definition;
            let is_new = !seen.contains(&definition);
            seen.push(definition);
            is_new
        });
    }

    /// The hits that are asked for, at the members' own costs or at this one.
    pub(crate) fn asked(&self, at: Option<u64>) -> InlineVec1<Asked<'_>> {
        self.hits().map(|member| member.asked(at)).collect()
    }

    /// Whose hit has this place among those that are asked for.
    pub(crate) fn definition(&self, place: usize) -> &'static Definition {
        let member = self.hits().nth(place);
        member.map_or_else(|| unreachable!("it was asked"), |member| member.definition)
    }

    /// The source of what a throttle takes; a constant that only rates set at run time have no room for is told from others
    /// by [`Definition::has_other_rates`].
    pub(crate) fn cost_source(&self, definition: &Definition) -> CostSource {
        let mut members = self.members.iter();
        let member = members.find(|member| ptr::eq(member.definition, definition));
        member.map(|member| member.cost_source).unwrap_or_default()
    }

    /// Says where a cost for all members comes from.
    pub(crate) fn set_cost_source(&mut self, source: CostSource) {
        self.cost_source = source;
    }

    fn hits(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.applies)
    }

    /// How all members stand.
    pub(crate) fn standings(&self) -> InlineVec1<Asked<'_>> {
        let members = self.members.iter();
        members.map(|member| member.asked(Some(0))).collect()
    }
}

/// The share of one of so many processes in a rate.
pub(crate) fn share(rate: Rate, instances: u32) -> Rate {
    if instances <= 1 || rate.is_closed() {
        return rate;
    }
    Rate::new((rate.limit() / u64::from(instances)).max(1), rate.period())
}

impl Member {
    fn asked(&self, at: Option<u64>) -> Asked<'_> {
        let Self {
            definition,
            identity,
            cost,
            cost_source: _,
            rate,
            scope,
            applies: _,
        } = self;
        Asked {
            definition,
            identity,
            cost: at.unwrap_or(*cost),
            rate: *rate,
            scope,
        }
    }
}

impl<'a> Asked<'a> {
    /// The rates that are asked for, each with its law; those without a limit left out.
    pub(crate) fn terms(&self) -> Result<PlanLimits<'a>, Error> {
        let definition = self.definition;
        let (own, changes) = (definition.limits()?, definition.strategy().is_dynamic());
        if let Some(change) = definition.active_override() {
            return match &change.rates {
                _ if !change.is_enabled => Ok(PlanLimits::Own(InlineVec1::new())),
                Some(set) if changes => self.terms_of(set.rates.iter().copied()),
                Some(set) => Ok(PlanLimits::Own(set.limits.clone())),
                None => self.defined_terms(own, changes),
            };
        }
        self.defined_terms(own, changes)
    }

    fn defined_terms(&self, own: &'a [Limit], changes: bool) -> Result<PlanLimits<'a>, Error> {
        if self.rate.is_none() && !changes {
            return Ok(PlanLimits::Same(own));
        }
        let defined = self.definition.rates();
        let rates = self.rate.as_ref().map_or(defined, slice::from_ref);
        self.terms_of(rates.iter().copied())
    }

    /// The share of one of so many processes in what is asked for.
    pub(crate) fn share(
        &self,
        terms: &PlanLimits<'_>,
        instances: u32,
    ) -> Result<PlanLimits<'a>, Error> {
        self.terms_of(terms.iter().map(|term| share(term.rate, instances)))
    }

    fn terms_of(&self, rates: impl Iterator<Item = Rate>) -> Result<PlanLimits<'a>, Error> {
        let strategy = self.definition.strategy();
        let who = match self.identity {
            Identity::Client(client) => client.who(),
            Identity::Exempt => Who::default(),
        };
        // A signal is asked for once a hit, however many rates there are.
        let who = Who {
            load: strategy.load(),
            ..who
        };
        let mut terms = InlineVec1::new();
        for rate in rates {
            let law = strategy.law(rate, &who);
            let law = law.map_err(|error| Error::strategy(self.definition.uid(), error))?;
            if law != Law::Unlimited {
                terms.push(Limit { rate, law });
            }
        }
        Ok(PlanLimits::Own(terms))
    }

    /// Its rate; of several, the first.
    pub(crate) fn first_rate(&self) -> Rate {
        let change = self.definition.active_override();
        if change.as_ref().is_some_and(|change| !change.is_enabled) {
            return Rate::UNLIMITED;
        }
        let set = change.as_ref().and_then(|change| change.rates.as_ref());
        let set = set.and_then(|set| set.rates.first().copied());
        let defined = || self.rate.or(self.definition.rates().first().copied());
        set.or_else(defined).unwrap_or(Rate::UNLIMITED)
    }

    /// Reports what was decided to logs, metrics and listeners.
    #[inline(always)]
    pub(crate) fn observe(
        &self,
        outcome: Outcome,
        parts: Option<&Parts>,
        backend: &BackendParts,
        report: impl FnOnce() -> Option<Report>,
    ) {
        let client = || self.resolved(parts, backend);
        self.definition.observe(outcome, client);
        if has_listeners() {
            self.tell(outcome, parts, client(), report());
        }
    }

    #[cold]
    fn tell(
        &self,
        outcome: Outcome,
        parts: Option<&Parts>,
        client: ResolvedClient<'_>,
        report: Option<Report>,
    ) {
        notify(&Event {
            uid: self.definition.uid(),
            outcome,
            identity: self.identity,
            client,
            cost: self.cost,
            report,
            parts,
        });
    }

    /// Returns the client with its address, if that is what counts.
    #[cold]
    fn resolved(&self, parts: Option<&Parts>, backend: &BackendParts) -> ResolvedClient<'a> {
        ResolvedClient::new(self.identity, || self.address(parts, backend).ok())
    }

    #[inline]
    pub(crate) fn backend(&self, parts: Option<&'a Parts>) -> BackendRef<'a> {
        self.definition.chosen_backend(parts)
    }

    /// What the state is found by, grown from the throttle's own key.
    #[inline(always)]
    pub(crate) fn key(
        &self,
        grown_from: Key,
        client: &Client,
        parts: Option<&Parts>,
        backend: &BackendParts,
    ) -> Result<Key, Error> {
        let key = join_scope(grown_from, self.scope, parts);
        join_client(key, client, || self.address(parts, backend))
    }

    /// The same as a name in a store that others use too: the client in braces, so that all a client's keys are in one
    /// slot of a Cluster, then the throttle and where its budget is one.
    pub(crate) fn name(
        &self,
        namespace: &str,
        client: &Client,
        parts: Option<&Parts>,
        backend: &BackendRef<'_>,
    ) -> Result<String, Error> {
        let client = join_client(Name::default(), client, || self.address(parts, backend))?.0;
        let scope = join_scope(Name::default(), self.scope, parts).0;
        let uid = encoded(self.definition.uid().as_bytes());
        Ok(format!("{{{namespace}:{client}}}:{uid}{scope}"))
    }

    /// The address of the request's client, as the throttle itself, else its backend, finds it.
    fn address(&self, parts: Option<&Parts>, backend: &BackendParts) -> Result<IpAddr, Error> {
        let own = self.definition.settings.client_ip.get();
        let client_ip = own.unwrap_or_else(|| backend.client_ip());
        address(parts, client_ip, self.definition.uid())
    }

    #[inline]
    pub(crate) fn plan(
        &self,
        terms: PlanLimits<'a>,
        client: &'a Client,
        key: Key,
        name: String,
    ) -> Plan<'a> {
        Plan {
            key,
            name,
            strategy: self.definition.strategy(),
            limits: terms,
            cost: self.cost,
            who: client.who(),
        }
    }
}

impl Client {
    /// What a law may know of it.
    pub(crate) fn who(&self) -> Who<'_> {
        Who {
            tier: self.tier.as_deref(),
            priority: self.priority,
            load: None,
        }
    }
}
