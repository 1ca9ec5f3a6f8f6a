//! Decides fixed windows by counters, to which Memcached adds by itself.
//!
//! Each window of each period has a key of its own. So no count has to be reset in time, and a rate
//! finds its count again when it becomes a member of a list or is left of one. One period is
//! decided in one exchange: the cost is added, and the reply is the count. Several periods are read
//! first, so that a refusal by one of them adds nothing to the others; then the cost is added to
//! all at the same time. If one of them refuses after all, the cost is subtracted at once. Until
//! then, and if that fails, other hits may be refused that would have been admitted; this never
//! over-admits.

use std::time::Duration;

use futures_util::future::join_all;

use crate::error::Error;
use crate::inline_vec::InlineVec4;
use crate::observe;
use crate::rate::Rate;
use crate::store::cas::slack;
use crate::store::memcached::error::Failed;
use crate::store::memcached::meta_protocol::{Lifetime, Request, Status};
use crate::store::memcached::operation::Operation;
use crate::store::memcached::tagged::{LARGEST_BLIND, SATURATED, Tagged, difference};
use crate::store::memcached::ttl::at_least;
use crate::store::outcome::{LimitReport, StoreOutcome};
use crate::store::plan::{Limit, Plan};
use crate::strategy::kernel::Law;
use crate::strategy::kernel::packed::{Kind, Packed};
use crate::strategy::kernel::state::{Listed, State};
use crate::strategy::kernel::tick::EXACT;

/// The greatest difference between the clocks of processes that share a window, up to which none
/// finds the count gone while the window is open.
const MARGIN: Duration = Duration::from_secs(10);

/// The windows in which a plan counts at a moment: one for each period of its rates.
pub(crate) struct Windows<'p> {
    plan: &'p Plan<'p>,
    now: u64,
    counters: InlineVec4<Counter>,
}

/// The count of one window.
struct Counter {
    period: u64,
    /// The first microsecond of the window.
    start: u64,
    key: String,
}

/// The number of each counter, in their order.
type Counts = InlineVec4<Tagged>;

/// An addition to a counter.
#[derive(Clone, Copy)]
struct Added {
    /// The number with the cost in it.
    after: Tagged,
    /// `true` if the cost is in the counter: a cost that could never fit is not added.
    is_counted: bool,
}

/// The treatment of a cost that does not fit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Excess {
    /// A hit that does not fit is not admitted.
    Refused,
    /// A charge saturates.
    Dropped,
}

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
                counters.push(Counter {
                    period,
                    start: now - now % period,
                    // No part of a name contains an `@`.
                    key: format!("{}@{period}.{}", plan.name, now / period),
                });
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
    /// which the hit was added (L32). The tags are those of the rates' counters.
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
        let add = async |counter| {
            if self.plan.cost > LARGEST_BLIND {
                self.add_large(counter, operation, at, excess).await
            } else {
                Ok(self.add_blindly(counter, operation, at).await?)
            }
        };
        match &*self.counters {
            [counter] => InlineVec4::from_iter([add(counter).await]),
            counters => join_all(counters.iter().map(add)).await.into(),
        }
    }

    /// Adds the cost without reading the count first.
    async fn add_blindly(
        &self,
        counter: &Counter,
        operation: &Operation<'_>,
        at: Option<u64>,
    ) -> Result<Added, Failed> {
        let (key, cost) = (&counter.key, self.plan.cost);
        let add = Request::add_to(key, difference(cost))
            .or_new(Tagged::new(cost).number(), self.seconds(counter, at))
            .with_cas();
        let reply = match operation.send(add.clone()).await {
            Err(Failed::Refused(_)) => {
                // It is no number, so it is no count, and is treated as if it were absent.
                operation.send(Request::delete(key)).await?;
                operation.send(add).await?
            }
            reply => reply?,
        };
        let after = Tagged::read(&reply).filter(|_| reply.status == Status::Done);
        let mut after = after.ok_or(Failed::Protocol)?;
        // A count below the cost has overflowed.
        if after.count < cost || after.count > SATURATED {
            let request = match after.count.checked_sub(SATURATED) {
                Some(excess) => Request::take_from(key, difference(excess)),
                None => Request::add_to(key, difference(SATURATED - after.count)),
            };
            // If it has changed meanwhile, the next addition does that.
            operation.send(request.only_if(reply.cas)).await?;
            after.count = SATURATED;
        }
        Ok(Added {
            after,
            is_counted: true,
        })
    }

    /// Adds a cost of which a few could overflow a counter, to a count that was read.
    async fn add_large(
        &self,
        counter: &Counter,
        operation: &Operation<'_>,
        at: Option<u64>,
        excess: Excess,
    ) -> Result<Added, Error> {
        let (key, cost) = (&counter.key, self.plan.cost);
        let mut retries = operation.retries(key);
        loop {
            let present = operation.send(Request::get(key)).await?;
            let before = Tagged::read(&present);
            let count = before.map_or(0, |before| before.count);
            let room = SATURATED.saturating_sub(count);
            let more = match excess {
                Excess::Refused if cost > room => 0,
                Excess::Refused => cost,
                Excess::Dropped => cost.min(room),
            };
            let new = Tagged::new(more);
            let number = new.number().to_string();
            let lifetime = Lifetime {
                seconds: self.seconds(counter, at),
                flags: 0,
            };
            let request = match (before, present.status) {
                (Some(_), _) => Request::add_to(key, difference(more)).only_if(present.cas),
                (None, Status::Done) => {
                    Request::set(key, number.as_bytes(), lifetime).only_if(present.cas)
                }
                (None, _) => Request::set(key, number.as_bytes(), lifetime).only_new(),
            };
            let is_done = more == 0 || operation.send(request).await?.status == Status::Done;
            if is_done {
                let tag = before.unwrap_or(new).tag;
                let count = count.saturating_add(cost);
                return Ok(Added {
                    after: Tagged { count, tag },
                    is_counted: more > 0,
                });
            }
            retries.again().await?;
        }
    }

    /// Returns the seconds that a counter lives from now on.
    fn seconds(&self, counter: &Counter, at: Option<u64>) -> u64 {
        let left = Duration::from_micros(counter.end().saturating_sub(self.now));
        at_least(left + MARGIN + slack(at))
    }

    /// Subtracts the cost from counters of these tags, from all of them even if one fails.
    async fn subtract<'c>(
        &self,
        operation: &Operation<'_>,
        counters: impl Iterator<Item = (&'c Counter, u64)>,
    ) -> Result<(), Failed> {
        let cost = difference(self.plan.cost);
        let subtract = async |(counter, tag): (&Counter, u64)| {
            let key = &counter.key;
            let reply = operation.send(Request::take_from(key, cost)).await?;
            if Tagged::read(&reply).is_some_and(|present| present.tag != tag) {
                // The counter was just made, and never contained the cost.
                operation.send(Request::add_to(key, cost)).await?;
            }
            Ok(())
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
                made: self
                    .counter_of(limit.rate, after)
                    .map_or(0, |(_, sum)| sum.tag),
                ..limit
            });
        StoreOutcome::admitted(self.now, limits.collect())
    }

    fn refused(&self, counts: &[Tagged]) -> StoreOutcome {
        let plans = std::slice::from_ref(self.plan);
        StoreOutcome::refused(plans, std::iter::once(&self.state(counts)), self.now)
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

impl Counter {
    const fn end(&self) -> u64 {
        self.start.saturating_add(self.period)
    }
}
