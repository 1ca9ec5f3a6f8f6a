//! Counts of windows, which Memcached adds to by itself.
//!
//! Each window of each period has a key of its own. So nothing has to be forgotten in time, and a
//! rate finds its count again when it becomes a member of a list or is left of one. One period is
//! decided in one exchange: the cost is added, and the answer is the count. Several periods are read
//! first, so that a refusal by one of them takes nothing from the others; then the cost is added to
//! all at the same time. If one of them refuses after all, it is taken back at once. Until then, and
//! if that fails, others may be refused that would not have been; this never over-admits.

use std::time::Duration;

use super::error::Failed;
use super::join::join;
use super::request::{Reply, Request, Status};
use super::store::Asking;
use super::ttl::at_least;
use crate::backend::outcome::{Outcome, Several};
use crate::backend::plan::{Plan, Term};
use crate::backend::swap::slack;
use crate::error::Error;
use crate::observe;
use crate::rate::Rate;
use crate::strategy::State;
use crate::strategy::kernel::{EXACT, Kind, Law, Listed, Packed};

/// How far the clocks of those who share a window may be apart before one finds a count gone that is still its own.
const MARGIN: Duration = Duration::from_secs(10);

/// The count above which an addition is followed by [`saturate`](Windows::saturate): each adds at most [`EXACT`], so a
/// thousand at once do not reach the largest number that Memcached holds, after which it goes on from 0.
const HIGHEST: u64 = 1 << 63;

/// The count that a saturated counter is set to. It is far above all limits, so that what is still to be taken back of
/// refused hits does not bring it below one.
const SATURATED: u64 = 1 << 62;

/// The windows in which a plan counts at a moment: one for each period of its rates.
pub(super) struct Windows<'p> {
    plan: &'p Plan<'p>,
    now: u64,
    counters: Several<Counter>,
}

/// The count of one window.
struct Counter {
    period: u64,
    /// The first microsecond of the window.
    start: u64,
    key: String,
}

/// A count for each counter, in their order.
type Counts = Several<u64>;

impl<'p> Windows<'p> {
    /// The windows of a plan's rates; `None` if their law does not count in windows.
    pub(super) fn of(plan: &'p Plan<'p>, now: u64) -> Option<Self> {
        let counts = |term: &&Term| matches!(term.law, Law::Window(_) | Law::Hours(_));
        // A closed rate counts nothing.
        let is_window = |term: &Term| counts(&term) || term.law == Law::Closed;
        if !plan.terms.iter().all(is_window) {
            return None;
        }
        let rates = plan.terms.iter().filter(counts).map(|term| term.rate);
        Self::of_periods(plan, rates, now)
    }

    /// The windows of the rates that a hit was admitted under; `None` if the plan's law does not count in windows.
    pub(super) fn of_rates(plan: &'p Plan<'p>, rates: &[Rate], at: u64) -> Option<Self> {
        Self::of(plan, at)?;
        Self::of_periods(plan, rates.iter().copied(), at)
    }

    fn of_periods(plan: &'p Plan<'p>, rates: impl Iterator<Item = Rate>, now: u64) -> Option<Self> {
        let mut counters = Several::<Counter>::new();
        for period in rates.map(|rate| rate.period_micros()) {
            if counters.iter().all(|counter| counter.period != period) {
                counters.push(Counter {
                    period,
                    start: now - now % period,
                    // No part of a name has such a sign.
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

    pub(super) async fn decide(
        &self,
        asking: &Asking<'_>,
        at: Option<u64>,
        refused: impl Fn(&Outcome),
    ) -> Result<Outcome, Error> {
        if self.plan.cost == 0 {
            return Ok(self.admitted(&self.counts(asking).await?));
        }
        let mut counts = Counts::from_elem(0, self.counters.len());
        // What even empty windows refuse is not sent, and what one of several refuses is not added to the others.
        if self.counters.len() > 1 || !self.fits(&counts) {
            counts = self.counts(asking).await?;
            if !self.fits(&counts) {
                return Ok(self.refused(&counts));
            }
        }
        let added = self.add(asking, at).await;
        let mut after = counts.clone();
        for ((before, after), added) in counts.iter_mut().zip(&mut after).zip(&added) {
            if let Ok(count) = added {
                (*before, *after) = (count.saturating_sub(self.plan.cost), *count);
            }
        }
        let fits = self.fits(&counts);
        let failed = added.iter().find_map(|added| added.as_ref().err());
        let decided = match failed {
            None if fits => return Ok(self.admitted(&after)),
            Some(failed) if fits => Err(failed.clone().into()),
            // It stays a refusal, also where another counter did not answer.
            _ => Ok(self.refused(&counts)),
        };
        if let Ok(refusal) = &decided {
            refused(refusal);
        }
        let taken = self.counters.iter().zip(&added);
        let taken = taken.filter(|(_, added)| added.is_ok());
        // That it could not be taken back changes nothing of this decision.
        if let Err(failed) = self
            .take(&asking.afresh(), taken.map(|(counter, _)| counter))
            .await
        {
            observe::not_refunded("memcached", &failed);
        }
        decided
    }

    /// Adds the cost, whether there is room or not.
    pub(super) async fn charge(&self, asking: &Asking<'_>, at: Option<u64>) -> Result<(), Failed> {
        let added = self.add(asking, at).await;
        added.into_iter().try_for_each(|added| added.map(drop))
    }

    /// Gives the cost back to the windows that have not ended (L32).
    pub(super) async fn give_back(&self, asking: &Asking<'_>, now: u64) -> Result<(), Failed> {
        let open = |counter: &&Counter| now < counter.end();
        self.take(asking, self.counters.iter().filter(open)).await
    }

    pub(super) async fn read(&self, asking: &Asking<'_>) -> Result<State, Failed> {
        Ok(self.state(&self.counts(asking).await?))
    }

    async fn counts(&self, asking: &Asking<'_>) -> Result<Counts, Failed> {
        let requests = self.counters.iter().map(|it| Request::get(&it.key));
        let replies = asking.ask_all(requests.collect()).await?;
        let counts = replies.iter().map(|reply| number(reply).unwrap_or(0));
        Ok(counts.collect())
    }

    /// Adds the cost to every counter, and returns each count with the cost in it. Each succeeds or fails by itself.
    async fn add(&self, asking: &Asking<'_>, at: Option<u64>) -> Several<Result<u64, Failed>> {
        if let [counter] = &*self.counters {
            return Several::from_elem(self.add_to(counter, asking, at).await, 1);
        }
        let added = self.counters.iter();
        join(added.map(|counter| self.add_to(counter, asking, at))).await
    }

    async fn add_to(
        &self,
        counter: &Counter,
        asking: &Asking<'_>,
        at: Option<u64>,
    ) -> Result<u64, Failed> {
        let left = Duration::from_micros(counter.end().saturating_sub(self.now));
        let seconds = at_least(left + MARGIN + slack(at));
        let cost = self.plan.cost;
        let add = Request::add_to(&counter.key, cost)
            .or_new(cost, seconds)
            .with_cas();
        let reply = match asking.ask(add.clone()).await {
            Err(Failed::Refused(_)) => {
                // It is no number, so it is no count: whoever wrote it, it is as if it were not there.
                asking.ask(Request::delete(&counter.key)).await?;
                asking.ask(add).await?
            }
            reply => reply?,
        };
        let count = number(&reply).filter(|_| reply.status == Status::Done);
        let count = count.ok_or(Failed::Astray)?;
        if count >= cost && count <= HIGHEST {
            return Ok(count);
        }
        Self::saturate(counter, asking, (count, reply.cas)).await?;
        Ok(SATURATED)
    }

    /// Brings a count that is too high, or went on from 0 when it was, to [`SATURATED`], unless it has changed meanwhile:
    /// then the hit that changed it does that.
    async fn saturate(
        counter: &Counter,
        asking: &Asking<'_>,
        (count, cas): (u64, u64),
    ) -> Result<(), Failed> {
        let key = &counter.key;
        let request = match count.checked_sub(SATURATED) {
            Some(excess) => Request::take_from(key, excess),
            None => Request::add_to(key, SATURATED - count),
        };
        asking.ask(request.only_if(cas)).await?;
        Ok(())
    }

    /// Takes the cost from counters, from all of them whatever becomes of one.
    async fn take<'c>(
        &self,
        asking: &Asking<'_>,
        counters: impl Iterator<Item = &'c Counter>,
    ) -> Result<(), Failed> {
        let requests = counters.map(|counter| Request::take_from(&counter.key, self.plan.cost));
        let taken = join(requests.map(|request| asking.ask(request))).await;
        taken.into_iter().try_for_each(|taken| taken.map(drop))
    }

    fn fits(&self, counts: &[u64]) -> bool {
        let Plan { terms, cost, .. } = self.plan;
        terms.iter().all(|term| {
            let state = self.packed(term, counts);
            term.law.decide_packed(&state, self.now, *cost).is_some()
        })
    }

    fn admitted(&self, after: &[u64]) -> Outcome {
        let state = self.state(after);
        let told = self.plan.told(0, &state, self.now);
        Outcome::admitted(self.now, told.collect())
    }

    fn refused(&self, counts: &[u64]) -> Outcome {
        let plans = std::slice::from_ref(self.plan);
        Outcome::refused(plans, std::iter::once(&self.state(counts)), self.now)
    }

    fn state(&self, counts: &[u64]) -> State {
        let packed = |term| State::Packed(self.packed(term, counts));
        match &*self.plan.terms {
            [term] => packed(term),
            terms => {
                let listed = terms.iter();
                let listed = listed.map(|term| Listed::new(term.rate, packed(term)));
                State::List(listed.collect())
            }
        }
    }

    /// Returns the state of a rate, whose count no law lets grow beyond [`EXACT`].
    fn packed(&self, term: &Term, counts: &[u64]) -> Packed {
        let period = term.rate.period_micros();
        let mut counters = self.counters.iter().zip(counts);
        match counters.find(|(counter, count)| counter.period == period && **count > 0) {
            Some((counter, count)) => Packed {
                kind: Kind::Window,
                tick_power: 0,
                limit: term.rate.limit(),
                period,
                at: counter.start,
                amount: (*count).min(EXACT),
                extra: 0,
            },
            None => Packed::NOTHING,
        }
    }
}

impl Counter {
    const fn end(&self) -> u64 {
        self.start.saturating_add(self.period)
    }
}

/// Reads a count. What was made smaller may end in spaces.
fn number(reply: &Reply) -> Option<u64> {
    let value = str::from_utf8(reply.value.as_deref()?).ok()?;
    value.trim_end().parse().ok()
}
