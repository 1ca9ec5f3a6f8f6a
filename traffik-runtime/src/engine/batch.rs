//! A batch of store operations for one decision, applied all or nothing.

use std::borrow::Cow;
use std::time::Duration;

use http::request::Parts;

use crate::backend::backend_ref::BackendRef;
use crate::definition::Definition;
use crate::engine::hit::ThrottleHit;
use crate::engine::recovery::attempt::Members;
use crate::engine::recovery::resolution::PolicyGroup;
use crate::error::Error;
use crate::identity::{Client, Identity};
use crate::inline_vec::{InlineVec1, InlineVec4};
use crate::on_error::policy::Policy;
use crate::on_error::verdict::Failure;
use crate::store::handle::StoreHandle;
use crate::store::plan::Plan;

/// The time that a decision may take where no setting names one.
const BUDGET: Duration = Duration::from_millis(250);

/// The store operations of one decision. Exempt clients and unlimited rates have none.
pub(crate) struct Batch<'a, 'd> {
    pub(crate) plans: InlineVec4<Plan<'a>>,
    /// The hit of each plan, as an index into `hits`.
    pub(crate) hit_indices: InlineVec4<usize>,
    pub(crate) hits: &'a [ThrottleHit<'d>],
    /// The cost that replaces the hits' own.
    pub(crate) cost: Option<u64>,
    pub(crate) parts: Option<&'a Parts>,
    /// The backends, in the order of their first hits.
    pub(crate) backends: InlineVec1<BackendRef<'a>>,
    /// The backend of each plan, as an index into `backends`.
    pub(crate) backend_indices: InlineVec4<usize>,
    /// The `on_error` policies; a member is an index into `plans`.
    pub(crate) policies: InlineVec4<PolicyGroup<'a>>,
    /// The shortest time that a member allows for a decision.
    pub(crate) budget: Option<Duration>,
}

impl<'a, 'd> Batch<'a, 'd> {
    /// Prepares the operations of hits that apply to their request, at their own costs or at this
    /// one.
    pub(crate) fn new(
        hits: &'a [ThrottleHit<'d>],
        cost: Option<u64>,
        parts: Option<&'a Parts>,
    ) -> Result<Self, Error> {
        Self::of(hits, |hit| hit.applies, (cost, parts), Names::Made)
    }

    /// Prepares the operations of hits as [`new`](Self::new) does, without the names that their
    /// states have in shared stores, which take an allocation each.
    pub(crate) fn without_names(
        hits: &'a [ThrottleHit<'d>],
        cost: Option<u64>,
        parts: Option<&'a Parts>,
    ) -> Result<Self, Error> {
        Self::of(hits, |hit| hit.applies, (cost, parts), Names::LeftOut)
    }

    /// Prepares a look at the states of all hits.
    pub(crate) fn for_look(
        hits: &'a [ThrottleHit<'d>],
        parts: Option<&'a Parts>,
    ) -> Result<Self, Error> {
        Self::of(hits, |_| true, (Some(0), parts), Names::Made)
    }

    fn of(
        hits: &'a [ThrottleHit<'d>],
        is_included: fn(&ThrottleHit<'d>) -> bool,
        (cost, parts): (Option<u64>, Option<&'a Parts>),
        names: Names,
    ) -> Result<Self, Error> {
        let mut batch = Self {
            plans: InlineVec4::new(),
            hit_indices: InlineVec4::new(),
            hits,
            cost,
            parts,
            backends: InlineVec1::new(),
            backend_indices: InlineVec4::new(),
            policies: InlineVec4::new(),
            budget: None,
        };
        for (index, hit) in hits.iter().enumerate() {
            if let (true, Identity::Client(client)) = (is_included(hit), &*hit.identity) {
                batch.add(index, hit, client, names)?;
            }
        }
        Ok(batch)
    }

    /// Returns the hit of a plan.
    pub(crate) fn hit(&self, plan: usize) -> &'a ThrottleHit<'d> {
        &self.hits[self.hit_indices[plan]]
    }

    /// Returns the backend of a plan.
    pub(crate) fn backend(&self, plan: usize) -> &BackendRef<'a> {
        &self.backends[self.backend_indices[plan]]
    }

    /// Returns `true` if a plan refuses no hit.
    pub(crate) fn is_shadow(&self, plan: usize) -> bool {
        self.hit(plan).throttle.settings.shadow
    }

    /// Returns `true` if no store can decide all plans at once: there are several backends, or
    /// throttles in shadow.
    pub(crate) fn is_split(&self) -> bool {
        self.backends.len() > 1 || (0..self.plans.len()).any(|plan| self.is_shadow(plan))
    }

    /// Returns `true` if a policy may decide before the backend does.
    pub(crate) fn may_bypass_backend(&self) -> bool {
        let mut groups = self.policies.iter();
        groups.any(|group| group.policy.may_bypass_backend())
    }

    /// Returns the time that the decision may take.
    pub(crate) fn budget(&self) -> Duration {
        self.budget.unwrap_or(BUDGET)
    }

    /// Returns the plans for another backend, with limits divided by the number of processes.
    pub(crate) fn plans_on(
        &self,
        other: &StoreHandle,
        instances: u32,
    ) -> Result<InlineVec4<Plan<'a>>, Error> {
        let mut plans = self.plans.clone();
        for (index, plan) in plans.iter_mut().enumerate() {
            let hit = self.hit(index);
            // A client has one lease, on its own backend.
            plan.lease = 0;
            if let (Some(namespace), Identity::Client(client)) =
                (other.state_namespace(), &*hit.identity)
            {
                // The throttle's own backend resolves the client's address.
                let own = self.backend(index);
                plan.name = hit
                    .as_ref(self.cost, self.parts)
                    .name(namespace, client, own)?;
            }
            if instances > 1 {
                plan.limits = hit.divided_limits(&plan.limits, instances)?;
            }
        }
        Ok(plans)
    }

    fn add(
        &mut self,
        index: usize,
        hit: &'a ThrottleHit<'d>,
        client: &'a Client,
        names: Names,
    ) -> Result<(), Error> {
        let limits = hit.limits()?;
        // A hit without limits needs no backend.
        if limits.is_empty() {
            return Ok(());
        }
        let (backend, parts) = (hit.backend(self.parts), self.parts);
        backend.check()?;
        self.collect_policy(hit.throttle, &backend);
        let decided = hit.as_ref(self.cost, parts);
        let key = decided.key(hit.throttle.key(), client, &backend)?;
        let name = match (names, backend.store().state_namespace()) {
            (Names::Made, Some(namespace)) => decided.name(namespace, client, &backend)?,
            _ => String::new(),
        };
        let lease = hit.lease(&backend);
        let backend = self.add_backend(backend);
        self.backend_indices.push(backend);
        self.hit_indices.push(index);
        self.plans.push(Plan {
            key,
            name,
            strategy: hit.throttle.strategy(),
            limits,
            cost: decided.cost,
            who: client.who(),
            lease,
        });
        Ok(())
    }

    /// Collects the policy and the timeout of a throttle, or else of its backend, for the next
    /// plan.
    fn collect_policy(&mut self, throttle: &'a Definition, backend: &BackendRef<'_>) {
        let budget = throttle.settings.timeout.or(backend.timeout());
        let budget = budget.unwrap_or(BUDGET);
        self.budget = Some(self.budget.map_or(budget, |least| least.min(budget)));
        let own = throttle.settings.on_error.get().map(Cow::Borrowed);
        let of_backend = || backend.on_error().cloned().map(Cow::Owned);
        let policy = own
            .or_else(of_backend)
            .unwrap_or_else(|| Cow::Owned(Policy::default()));
        let plan = self.plans.len();
        let has_policy = |group: &&mut PolicyGroup<'_>| group.policy.is(&policy);
        match self.policies.iter_mut().find(has_policy) {
            Some(group) => group.members.push(plan),
            None => self.policies.push(PolicyGroup {
                policy,
                members: InlineVec4::from_elem(plan, 1),
            }),
        }
    }

    /// Returns the index of a backend, which is added if it is new.
    fn add_backend(&mut self, backend: BackendRef<'a>) -> usize {
        let index = self
            .backends
            .iter()
            .position(|other| other.shares_states(&backend));
        index.unwrap_or_else(|| {
            self.backends.push(backend);
            self.backends.len() - 1
        })
    }
}

/// The treatment of names in shared stores: a hit that is decided without a store needs none.
#[derive(Clone, Copy)]
enum Names {
    Made,
    LeftOut,
}

/// Returns `true` if one backend of this process decides all hits, and nothing may bypass it. A
/// batch that needs to be awaited is made once, because its laws may call functions of the
/// application.
pub(crate) fn is_local(hits: &[ThrottleHit<'_>], parts: Option<&Parts>) -> bool {
    let mut first = None;
    hits.iter().filter(|hit| hit.applies).all(|hit| {
        let backend = hit.backend(parts);
        let policy = hit.throttle.settings.on_error.get().or(backend.on_error());
        let is_simple = backend.store().is_local()
            && !policy.is_some_and(Policy::may_bypass_backend)
            && !hit.throttle.settings.shadow;
        let is_same = first
            .as_ref()
            .is_none_or(|first: &BackendRef<'_>| first.shares_states(&backend));
        first.get_or_insert(backend);
        is_simple && is_same
    })
}

impl Members for Batch<'_, '_> {
    fn failure<'f>(
        &'f self,
        member: usize,
        error: &'f Error,
        backend: &'static str,
    ) -> Failure<'f> {
        let hit = self.hit(member);
        Failure {
            error,
            uid: hit.throttle.uid(),
            rate: hit.first_rate(),
            cost: self.cost.unwrap_or(hit.cost),
            backend,
            parts: self.parts,
        }
    }

    fn uid(&self, member: usize) -> &str {
        self.hit(member).throttle.uid()
    }

    fn label(&self, member: usize) -> &str {
        self.hit(member).throttle.label()
    }

    fn min_wait(&self, member: usize) -> Duration {
        self.hit(member).throttle.settings.min_policy_wait()
    }
}
