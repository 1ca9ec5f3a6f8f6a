//! The limits of a hit: the rates in force, each with its law.

use std::slice;

use crate::engine::hit::{HitRef, ThrottleHit};
use crate::error::Error;
use crate::identity::{Client, Identity};
use crate::inline_vec::InlineVec1;
use crate::rate::Rate;
use crate::store::plan::{Limit, PlanLimits};
use crate::strategy::Who;
use crate::strategy::kernel::Law;

impl ThrottleHit<'_> {
    /// Returns the limits: the rates in force, each with its law, without those that limit nothing.
    pub(crate) fn limits(&self) -> Result<PlanLimits<'_>, Error> {
        let throttle = self.throttle;
        let (own, is_dynamic) = (throttle.limits()?, throttle.strategy().is_dynamic());
        if let Some(change) = throttle.active_override() {
            return match &change.rates {
                _ if !change.is_enabled => Ok(PlanLimits::Own(InlineVec1::new())),
                Some(set) if is_dynamic => self.limits_of(set.rates.iter().copied()),
                Some(set) => Ok(PlanLimits::Own(set.limits.clone())),
                None => self.defined_limits(own, is_dynamic),
            };
        }
        self.defined_limits(own, is_dynamic)
    }

    /// Returns limits that are divided by the number of processes.
    pub(crate) fn divided_limits(
        &self,
        limits: &PlanLimits<'_>,
        instances: u32,
    ) -> Result<PlanLimits<'static>, Error> {
        self.limits_of(
            limits
                .iter()
                .map(|limit| divide_limit(limit.rate, instances)),
        )
    }

    fn defined_limits<'a>(
        &'a self,
        own: &'a [Limit],
        is_dynamic: bool,
    ) -> Result<PlanLimits<'a>, Error> {
        if self.rate.is_none() && !is_dynamic {
            return Ok(PlanLimits::Same(own));
        }
        let defined = self.throttle.rates();
        let rates = self.rate.as_ref().map_or(defined, slice::from_ref);
        self.limits_of(rates.iter().copied())
    }

    fn limits_of(&self, rates: impl Iterator<Item = Rate>) -> Result<PlanLimits<'static>, Error> {
        let strategy = self.throttle.strategy();
        let who = match &*self.identity {
            Identity::Client(client) => client.who(),
            Identity::Exempt => Who::default(),
        };
        // The load is read once for a hit, however many rates there are.
        let who = Who {
            load: strategy.load(),
            ..who
        };
        let mut limits = InlineVec1::new();
        for rate in rates {
            let law = strategy.law(rate, &who);
            let law = law.map_err(|error| Error::strategy(self.throttle.uid(), error))?;
            if law != Law::Unlimited {
                limits.push(Limit { rate, law });
            }
        }
        Ok(PlanLimits::Own(limits))
    }
}

impl HitRef<'_, '_> {
    /// Returns the limit of a rate under a law that depends on the client; `None` if the rate
    /// limits nothing, or the law is not a built-in one, or has an error to report.
    pub(crate) fn dynamic_limit(self, rate: Rate, client: &Client) -> Option<Limit> {
        let strategy = self.throttle.strategy();
        let who = Who {
            load: strategy.load(),
            ..client.who()
        };
        let law = strategy.law(rate, &who).ok()?;
        (law.is_packed() || matches!(law, Law::Log(_) | Law::Mean(_)))
            .then_some(Limit { rate, law })
    }
}

/// Divides the limit of a rate by the number of processes that share it.
pub(crate) fn divide_limit(rate: Rate, instances: u32) -> Rate {
    if instances <= 1 || rate.is_closed() {
        return rate;
    }
    Rate::new((rate.limit() / u64::from(instances)).max(1), rate.period())
}

impl Client {
    /// Returns the properties of the client that laws depend on.
    pub(crate) fn who(&self) -> Who<'_> {
        Who {
            tier: self.tier.as_deref(),
            priority: self.priority,
            load: None,
        }
    }
}
