//! Decides fixed windows by counters, to which Memcached adds by itself.
//!
//! Each window of each period has a [`counter`](crate::store::memcached::counter) of its own. So no
//! count has to be reset in time, and a rate finds its count again when it joins or leaves a list
//! of rates. One period is decided in one exchange: the cost is added, and the reply is the count.
//! Several periods are read first, so that a refusal by one of them adds nothing to the others;
//! then the cost is added to all of them at once. If one of them refuses after all, the cost is
//! subtracted again. Until then, and if that fails, other hits may be refused that would have been
//! admitted; this never over-admits.

use futures_util::future::join_all;

use crate::error::Error;
use crate::inline_vec::InlineVec4;
use crate::observe;
use crate::rate::Rate;
use crate::store::memcached::counter::{Added, Counter, Excess};
use crate::store::memcached::error::Failed;
use crate::store::memcached::meta_protocol::request::Request;
use crate::store::memcached::operation::Operation;
use crate::store::memcached::tagged::{LARGEST_BLIND, Tagged};
use crate::store::outcome::{LimitReport, StoreOutcome};
use crate::store::plan::{Limit, Plan};
use crate::strategy::kernel::Law;
use crate::strategy::kernel::packed::{Kind, Packed};
use crate::strategy::kernel::state::{Listed, State};
use crate::strategy::kernel::tick::EXACT;

/// The windows in which a plan counts at a moment: one for each period of its rates.
pub(crate) struct Windows<'p> {
    plan: &'p Plan<'p>,
    now: u64,
    counters: InlineVec4<Counter>,
}

/// The number of each counter, in their order.
type Counts = InlineVec4<Tagged>;

impl<'p> Windows<'p> {
    /// The windows of a plan's rates; `None` if their law does not count in windows.
    pub(crate) fn of(plan: &'p Plan<'p>, now: u64) -> Option<Self> {
        let counts = |limit: &&Limit| matches!(limit.law, Law::Window(_) | Law::Hours(_));
        // A closed rate counts nothing.
        let is_window = |limit: &Limit| counts(&limit) || limit.law == Law::Closed;
        if !plan.limits.iter().all(is_window) {
            return None;
        }
        let rates = plan.limits.iter().filter(counts).map(|limit| limit.rate);
        Self::of_periods(plan, rates, now)
    }

    /// The windows of the rates under which a hit was admitted; `None` if the plan's law does not
    /// count in windows.
    pub(crate) fn of_rates(plan: &'p Plan<'p>, rates: &[Rate], at: u64) -> Option<Self> {
        Self::of(plan, at)?;
        Self::of_periods(plan, rates.iter().copied(), at)
    }

    fn of_periods(plan: &'p Plan<'p>, rates: impl Iterator<Item = Rate>, now: u64) -> Option<Self> {
        let mut counters = InlineVec4::<Counter>::new();
        for period in rates.map(|rate| rate.period_micros()) {
            if counters.iter().all(|counter| counter.period != period) {
                counters.push(Counter::new(&plan.name, period, now));
            }
        }
        (!counters.is_empty()).then_some(Self {
            plan,
            now,
            counters,
        })
    }

    /// Decides a hit. Calls `refused` with a refusal before it subtracts the cost again.
    pub(crate) async fn decide(
        &self,
        operation: &Operation<'_>,
        at: Option<u64>,
        refused: impl Fn(&StoreOutcome),
    ) -> Result<StoreOutcome, Error> {
        if self.plan.cost == 0 {
            return Ok(self.admitted(&self.counts(operation).await?));
        }
        let mut counts = Counts::from_elem(Tagged::default(), self.counters.len());
        // A cost that even empty windows refuse is not sent, a cost that one of several windows
        // refuses is not added to the others, and for a large cost the counts are read first.
        let reads = self.counters.len() > 1 || self.plan.cost > LARGEST_BLIND;
        if reads || !self.fits(&counts) {
            counts = self.counts(operation).await?;
            if !self.fits(&counts) {
                return Ok(self.refused(&counts));
            }
        }
        let added = self.add(operation, at, Excess::Refused).await;
        let mut after = counts.clone();
        for ((before, after), added) in counts.iter_mut().zip(&mut after).zip(&added) {
            if let Ok(Added { after: sum, .. }) = added {
                *after = *sum;
                *before = *sum;
                before.count = sum.count.saturating_sub(self.plan.cost);
            }
        }
        let counted: InlineVec4<(&Counter, u64)> = self
            .counters
            .iter()
            .zip(&added)
            .filter_map(|(counter, added)| {
                let added = added.as_ref().ok().filter(|added| added.is_counted)?;
                Some((counter, added.after.tag))
            })
            .collect();
        let fits = self.fits(&counts);
        let failed = added.into_iter().find_map(Result::err);
        let decided = match failed {
            None if fits => return Ok(self.admitted(&after)),
            Some(failed) if fits => Err(failed),
            // It stays a refusal if another counter did not answer.
            _ => Ok(self.refused(&counts)),
        };
        if let Ok(refusal) = &decided {
            refused(refusal);
        }
        // A failure to subtract it changes nothing of this decision.
        let operation = operation.restarted();
        let subtracted = self.subtract(&operation, counted.into_iter()).await;
        if let Err(failed) = subtracted {
            observe::not_refunded("memcached", &failed);
        }
        decided
    }

    /// Adds the cost, even beyond the limit.
    pub(crate) async fn charge(
        &self,
        operation: &Operation<'_>,
        at: Option<u64>,
    ) -> Result<(), Error> {
        let added = self.add(operation, at, Excess::Dropped).await;
        added.into_iter().try_for_each(|added| added.map(drop))
    }

    /// Subtracts the cost from the windows that have not ended, if the counter is still the one to
    /// which the hit was added (law L32; guide, chapter laws). The tags are those of the rates'
    /// counters.
    pub(crate) async fn refund(
        &self,
        operation: &Operation<'_>,
        (rates, tags): (&[Rate], &[u64]),
        now: u64,
    ) -> Result<(), Failed> {
        let counts = self.counts(operation).await?;
        let own = self.counters.iter().zip(counts);
        let own = own.filter_map(|(counter, present)| {
            let same = |(rate, _): &(&Rate, &u64)| rate.period_micros() == counter.period;
            let (_, tag) = rates.iter().zip(tags).find(same)?;
            let is_open = now < counter.end() && present.tag == *tag;
            is_open.then_some((counter, *tag))
        });
        self.subtract(operation, own).await
    }

    /// Reads the state.
    pub(crate) async fn read(&self, operation: &Operation<'_>) -> Result<State, Failed> {
        Ok(self.state(&self.counts(operation).await?))
    }

    async fn counts(&self, operation: &Operation<'_>) -> Result<Counts, Failed> {
        let requests = self.counters.iter().map(|it| Request::get(&it.key));
        let replies = operation.send_all(requests.collect()).await?;
        let counts = replies.iter().map(Tagged::read);
        Ok(counts.map(Option::unwrap_or_default).collect())
    }

    /// Adds the cost to every counter. Each succeeds or fails by itself.
    async fn add(
        &self,
        operation: &Operation<'_>,
        at: Option<u64>,
        excess: Excess,
    ) -> InlineVec4<Result<Added, Error>> {
        let cost = self.plan.cost;
        let add = async |counter: &Counter| {
            let seconds = counter.seconds(self.now, at);
            counter.add(operation, cost, seconds, excess).await
        };
        match &*self.counters {
            [counter] => InlineVec4::from_iter([add(counter).await]),
            counters => join_all(counters.iter().map(add)).await.into(),
        }
    }

    /// Subtracts the cost from counters of these tags, from all of them even if one fails.
    async fn subtract<'c>(
        &self,
        operation: &Operation<'_>,
        counters: impl Iterator<Item = (&'c Counter, u64)>,
    ) -> Result<(), Failed> {
        let subtract = async |(counter, tag): (&Counter, u64)| {
            counter.subtract(operation, self.plan.cost, tag).await
        };
        let subtracted = join_all(counters.map(subtract)).await;
        subtracted.into_iter().collect()
    }

    fn fits(&self, counts: &[Tagged]) -> bool {
        let Plan { limits, cost, .. } = self.plan;
        limits.iter().all(|limit| {
            let state = self.packed(limit, counts);
            limit.law.decide_packed(&state, self.now, *cost).is_some()
        })
    }

    fn admitted(&self, after: &[Tagged]) -> StoreOutcome {
        let state = self.state(after);
        let limits = self
            .plan
            .limit_reports(0, &state, self.now)
            .map(|limit| LimitReport {
                incarnation: self
                    .counter_of(limit.rate, after)
                    .map_or(0, |(_, sum)| sum.tag),
                ..limit
            });
        let outcome = StoreOutcome::admitted(self.now, limits.collect());
        let states = if self.plan.lease > 0 {
            vec![state]
        } else {
            Vec::new()
        };
        StoreOutcome { states, ..outcome }
    }

    fn refused(&self, counts: &[Tagged]) -> StoreOutcome {
        let plans = std::slice::from_ref(self.plan);
        StoreOutcome::refused_by(plans, [self.state(counts)], self.now)
    }

    fn state(&self, counts: &[Tagged]) -> State {
        let packed = |limit| State::Packed(self.packed(limit, counts));
        match &*self.plan.limits {
            [limit] => packed(limit),
            limits => {
                let listed = limits.iter();
                let listed = listed.map(|limit| Listed::new(limit.rate, packed(limit)));
                State::List(listed.collect())
            }
        }
    }

    /// Returns the state of a rate, whose count no law lets grow beyond [`EXACT`].
    fn packed(&self, limit: &Limit, counts: &[Tagged]) -> Packed {
        match self.counter_of(limit.rate, counts) {
            Some((counter, Tagged { count, .. })) if count > 0 => Packed {
                kind: Kind::Window,
                tick_power: 0,
                limit: limit.rate.limit(),
                period: counter.period,
                at: counter.start,
                amount: count.min(EXACT),
                extra: 0,
            },
            _ => Packed::NOTHING,
        }
    }

    /// Returns the counter of a rate, and its number.
    fn counter_of(&self, rate: Rate, counts: &[Tagged]) -> Option<(&Counter, Tagged)> {
        let mut counters = self.counters.iter().zip(counts.iter().copied());
        counters.find(|(counter, _)| counter.period == rate.period_micros())
    }
}
