//! Local refusals: hits that this process refuses by a state that a shared store has returned, as
//! long as the store is certain to refuse them too.
//!
//! A refusal brings the state along that refuses. Until the moment at which the law of a hit would
//! admit it from that state, the store can only give the same answer, since further hits leave less
//! room. So the next hits of the client are decided here, at the present time, and the store is not
//! called. States are forgotten when quota comes back: when this process refunds a hit, when an
//! operator changes a throttle, when the store is cleared, and after a second at the latest.
//!
//! The engine calls [`LocalRefusals`], which a store's handle holds; the states are in a [`table`],
//! and [`store_time`] tells which time the store may show by now.

pub(crate) mod store_time;
pub(crate) mod table;

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::decision::Provenance;
use crate::error::Error;
use crate::inline_vec::InlineVec4;
use crate::store::changes;
use crate::store::key::Key;
use crate::store::lifetime::micros;
use crate::store::local_refusals::store_time::{ReplyTime, Sent, StoreClock, Usability};
use crate::store::local_refusals::table::{Refusal, RefusalTable, SummaryScope};
use crate::store::outcome::StoreOutcome;
use crate::store::plan::Plan;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::state::State;

/// The time for which states are kept unless a backend sets another.
pub(crate) const DEFAULT_LIFE: Duration = Duration::from_secs(1);

/// The properties of a decision in a store that matter for what is remembered of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effects {
    /// Set if the store may have counted some of the hits for a moment, so that other refusals were
    /// too strict.
    pub(crate) undoes: bool,
    /// Set if the store returns a summary of a log.
    pub(crate) summarizes_logs: bool,
}

/// The remembered states of a store, as one of its handles uses them.
#[derive(Clone, Debug)]
pub(crate) struct LocalRefusals {
    /// The states, which all handles of the store share; `None` for a store in this process.
    table: Option<Arc<RefusalTable>>,
    /// The time for which a state is used, in microseconds; 0 if none is.
    life: u64,
    /// The clock of the handle, by number. The times of two clocks cannot be compared.
    clock: u64,
}

impl LocalRefusals {
    /// The local refusals of a store in this process: there are none.
    pub(crate) const fn none() -> Self {
        Self {
            table: None,
            life: 0,
            clock: 0,
        }
    }

    /// The local refusals of a shared store.
    pub(crate) fn of_shared_store() -> Self {
        Self {
            table: Some(Arc::new(RefusalTable::new())),
            life: micros(DEFAULT_LIFE),
            clock: 0,
        }
    }

    /// Sets the time for which a state is used.
    pub(crate) fn set_life(&mut self, life: Duration) {
        self.life = micros(life);
    }

    /// Tells the states that a handle with a new clock remembers from those of other handles.
    pub(crate) fn set_new_clock(&mut self) {
        static LAST: AtomicU64 = AtomicU64::new(0);
        self.clock = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    }

    /// Returns the table, if this handle refuses hits locally.
    fn active(&self) -> Option<&RefusalTable> {
        self.table.as_deref().filter(|_| self.life > 0)
    }

    /// Returns `true` if a state of this key is remembered.
    pub(crate) fn contains(&self, key: Key) -> bool {
        self.active().is_some_and(|table| table.contains(key))
    }

    /// Begins a decision in the store. To be called before its request is sent.
    pub(crate) fn begin(&self, clock: StoreClock<'_>) -> Sent {
        Sent {
            ticket: self.table.as_deref().map_or(0, RefusalTable::ticket),
            changes: changes::count(),
            at: clock.now(),
        }
    }

    /// Ends a decision in the store: remembers the states that have refused its hits, and forgets
    /// those of hits that were admitted or may have been.
    pub(crate) fn end(
        &self,
        plans: &[Plan<'_>],
        decided: &mut Result<StoreOutcome, Error>,
        sent: &Sent,
        clock: StoreClock<'_>,
        effects: Effects,
    ) {
        let Some(table) = self.table.as_deref() else {
            return;
        };
        match decided {
            Ok(outcome) if !outcome.admitted => {
                if self.life > 0 {
                    let time = clock.reply(outcome.now, sent);
                    self.remember(table, plans, outcome, (sent, time), effects);
                }
                if effects.undoes {
                    table.expire_tickets(plans.iter().map(|plan| plan.key));
                }
            }
            Ok(_) | Err(_) => table.forget(plans.iter().map(|plan| plan.key)),
        }
    }

    fn remember(
        &self,
        table: &RefusalTable,
        plans: &[Plan<'_>],
        outcome: &mut StoreOutcome,
        (sent, time): (&Sent, ReplyTime),
        effects: Effects,
    ) {
        let mut states = mem::take(&mut outcome.states).into_iter();
        for (place, plan) in plans.iter().enumerate() {
            let state = states.next();
            let state = state.filter(|state| plan.can_be_refused_locally(state, time.decided));
            let Some(state) = state else {
                // An earlier state may be out of date: a refusal writes the states that are far
                // ahead of the clock (L4), and the lives of others (L30).
                table.forget(std::iter::once(plan.key));
                continue;
            };
            let refusal = Refusal {
                key: plan.key,
                state: Arc::new(plan.compact(state)),
                limits: plan.limits.iter().cloned().collect(),
                changes: sent.changes,
                is_being_renewed: false,
                clock: self.clock,
                time,
                scope: None,
            };
            let is_summary = effects.summarizes_logs && refusal.state.records() > 0;
            let refusal = Refusal {
                scope: is_summary.then(|| plan.summary_scope(outcome, place)),
                ..refusal
            };
            table.insert(sent.ticket, refusal);
        }
    }

    /// Forgets the states of these keys, and those that requests under way will bring along.
    pub(crate) fn forget(&self, keys: impl Iterator<Item = Key>) {
        if let Some(table) = &self.table {
            table.forget(keys);
        }
    }

    /// Forgets all states.
    pub(crate) fn clear(&self) {
        if let Some(table) = &self.table {
            table.clear();
        }
    }

    /// Refuses a hit by the states that are remembered. Returns `None` if one of them is missing,
    /// or if the store might admit the hit by now.
    pub(crate) fn refuse(&self, plans: &[Plan<'_>], clock: StoreClock<'_>) -> Option<StoreOutcome> {
        let table = self.active()?;
        let now = clock.now();
        let mut states = InlineVec4::<Arc<State>>::new();
        let (mut earliest, mut latest) = (0, u64::MAX);
        for plan in plans {
            let latest_change = changes::latest(plan.key);
            let (state, time) = table.find(plan.key, |refusal| {
                let is_valid = refusal.changes >= latest_change
                    && refusal.clock == self.clock
                    && refusal.covers(plan, clock.latest(&refusal.time, now));
                if !is_valid {
                    return Usability::None;
                }
                refusal.time.usability(self.life, now)
            })?;
            earliest = earliest.max(time.earliest(now));
            latest = latest.min(clock.latest(&time, now));
            states.push(state);
        }
        let outcome = StoreOutcome::refused(plans, states.iter().map(|it| &**it), earliest);
        let refuses = outcome.limits.iter().any(|limit| !limit.fits);
        let until = match outcome.wait {
            Some(wait) => earliest.saturating_add(micros(wait)),
            None if outcome
                .limits
                .iter()
                .any(|limit| limit.report.wait.is_none()) =>
            {
                u64::MAX
            }
            // No common moment was found in a bounded search.
            None => earliest,
        };
        (refuses && until > latest).then(|| StoreOutcome {
            provenance: Provenance::LocalRefusal,
            ..outcome
        })
    }
}

impl Plan<'_> {
    /// Returns `true` if a state that refused this plan at a moment goes on to refuse it: further
    /// hits leave less room under all laws but those whose refilling depends on the hits or on
    /// functions of the application.
    fn can_be_refused_locally(&self, state: &State, now: u64) -> bool {
        let mut limits = self.limits.iter();
        let is_monotone = limits.all(|limit| match &limit.law {
            Law::Window(_)
            | Law::Counter(_)
            | Law::Meter(_)
            | Law::Hours(_)
            | Law::Rollover(_)
            | Law::Log(_) => true,
            Law::Adaptive(law) => !law.has_load(),
            Law::Mean(_) | Law::Unlimited | Law::Closed | Law::Custom => false,
        });
        // The store writes the states that are ahead of the clock (L4), and extends the lives of
        // those of other rates (L30).
        is_monotone && state.moment() <= now && !self.is_changed(state)
    }

    /// Returns the hits for which the summary of the logs suffices with which this plan was
    /// refused.
    fn summary_scope(&self, refused: &StoreOutcome, place: usize) -> SummaryScope {
        let next = refused.limits_of(place).filter_map(|it| it.report.next);
        let next = next.min().unwrap_or(Duration::MAX);
        SummaryScope {
            cost: self.cost,
            until: refused.now.saturating_add(micros(next)),
        }
    }

    /// Returns the state without the list around it, if that has one member only.
    pub(crate) fn compact(&self, state: State) -> State {
        match (&*self.limits, state) {
            ([limit], State::List(list)) => limit.take_own(list),
            (_, state) => state,
        }
    }
}
