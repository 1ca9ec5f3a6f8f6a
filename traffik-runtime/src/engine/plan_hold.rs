//! The hold on what one plan has counted.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::definition::registry::overridden::RegistryEntry;
use crate::definition::shared_strategy::SharedStrategy;
use crate::engine::hit::ThrottleHit;
use crate::engine::hit_limits::divide_limit;
use crate::identity::{Client, Identity};
use crate::inline_vec::InlineVec1;
use crate::rate::Rate;
use crate::store::background::QueuedRefund;
use crate::store::key::Key;
use crate::store::plan::{Limit, Plan, PlanLimits};
use crate::store::settlement::{Adjustment, Settlement};
use crate::strategy::Who;
use crate::strategy::kernel::refund::Refund;

/// A plan that was counted, with all that it takes to settle it later.
pub(crate) struct PlanHold {
    strategy: SharedStrategy,
    /// The registry's entry, which has the rates in force when the plan is settled.
    entry: Option<Arc<RegistryEntry>>,
    /// The rate that the request has brought.
    request_rate: Option<Rate>,
    /// The number of processes that share the limit.
    instances: u32,
    client: Client,
    key: Key,
    name: String,
    limits: InlineVec1<Limit>,
    cost: u64,
    /// The life of the client's leases, in microseconds; 0 for none.
    lease: u64,
    /// The microsecond at which the plan was counted.
    counted_at: u64,
    /// The incarnations that have counted it.
    incarnations: InlineVec1<u64>,
}

impl PlanHold {
    /// Copies a plan, before it is counted.
    pub(crate) fn new(hit: &ThrottleHit<'_>, plan: &Plan<'_>, instances: u32) -> Self {
        let client = match &*hit.identity {
            Identity::Client(client) => client.clone(),
            Identity::Exempt => unreachable!("an exempt client has no plan"),
        };
        Self {
            strategy: hit.throttle.settings.registration.strategy.clone(),
            entry: hit.throttle.entry(),
            request_rate: hit.rate,
            instances,
            client,
            key: plan.key,
            name: plan.name.clone(),
            limits: plan.limits.iter().cloned().collect(),
            cost: plan.cost,
            lease: plan.lease,
            counted_at: 0,
            incarnations: InlineVec1::new(),
        }
    }

    /// Sets the moment at which the plan was counted, and the incarnations.
    pub(crate) fn set_counted(&mut self, at: u64, incarnations: InlineVec1<u64>) {
        self.counted_at = at;
        self.incarnations = incarnations;
    }

    /// Returns the name of the state in a shared store.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the plan as it is decided.
    pub(crate) fn plan(&self) -> Plan<'_> {
        Plan {
            key: self.key,
            name: self.name.clone(),
            strategy: self.strategy.get(),
            limits: PlanLimits::Same(&self.limits),
            cost: self.cost,
            who: self.client.who(),
            lease: self.lease,
        }
    }

    /// Returns the settlement where this much was used; `None` if that is the cost.
    pub(crate) fn settlement(&self, used: u64) -> Option<Settlement<'_>> {
        let adjustment = match used.cmp(&self.cost) {
            Ordering::Less => Adjustment::Refund(Refund {
                at: self.counted_at,
                cost: self.cost - used,
            }),
            Ordering::Equal => return None,
            Ordering::Greater => Adjustment::Charge(used - self.cost),
        };
        Some(Settlement {
            plan: Plan {
                limits: self.limits_in_force(),
                ..self.plan()
            },
            adjustment,
            rates: self.limits.iter().map(|limit| limit.rate).collect(),
            incarnations: self.incarnations.clone(),
        })
    }

    /// Returns the limits in force: those under which the plan was counted, unless the registry has
    /// changed them since. A state written under earlier rates would forget what the new ones have
    /// counted (L30).
    fn limits_in_force(&self) -> PlanLimits<'_> {
        self.changed_limits()
            .map_or(PlanLimits::Same(&self.limits), PlanLimits::Own)
    }

    fn changed_limits(&self) -> Option<InlineVec1<Limit>> {
        let mut rates = self.entry.as_ref()?.rates(self.request_rate);
        for rate in &mut rates {
            *rate = divide_limit(*rate, self.instances);
        }
        let counted = self.limits.iter().map(|limit| &limit.rate);
        // A throttle that is closed leaves what was counted as it is.
        let is_closed = rates.iter().any(Rate::is_closed);
        if rates.is_empty() || is_closed || rates.iter().eq(counted) {
            return None;
        }
        let strategy = self.strategy.get();
        let who = Who {
            load: strategy.load(),
            ..self.client.who()
        };
        let limits = rates.into_iter().map(|rate| {
            let law = strategy.law(rate, &who).ok()?;
            Some(Limit { rate, law })
        });
        limits.collect()
    }
}

/// A plan that is settled in the background, and the units that were used of it.
pub(crate) struct PlanRefund {
    pub(crate) plan: PlanHold,
    pub(crate) used: u64,
}

impl QueuedRefund for PlanRefund {
    fn settlement(&self) -> Option<Settlement<'_>> {
        self.plan.settlement(self.used)
    }
}
