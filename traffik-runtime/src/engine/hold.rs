//! What a decision took, kept so that it can be settled later (L32).

use std::cmp::Ordering;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use std::{mem, panic, thread};

use smallvec::SmallVec;
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::definition::registry::overridden::RegistryEntry;
use crate::definition::shared_strategy::SharedStrategy;
use crate::engine::batch::Case;
use crate::engine::hit::share;
use crate::error::Error;
use crate::identity::{Client, Identity};
use crate::inline_vec::{InlineVec1, InlineVec4};
use crate::rate::Rate;
use crate::store::background::{DetachableOperation, QueuedRefund};
use crate::store::caller::Caller;
use crate::store::handle::StoreHandle;
use crate::store::key::Key;
use crate::store::outcome::StoreOutcome;
use crate::store::plan::{Limit, Plan, PlanLimits};
use crate::store::settlement::{Adjustment, Settlement};
use crate::strategy::Who;
use crate::strategy::kernel::refund::Refund;
use crate::{observe, timer};

/// The outcome of a decision, and what it takes to settle it. Dropped with that, it is refunded.
pub(crate) struct Hold {
    pub(crate) outcome: StoreOutcome,
    pub(crate) held: Held,
}

/// What a hit took, backend by backend. Dropped without being settled or kept, it is given back where nobody can wait for
/// that: in this process at once, elsewhere in the background. Dropped while it is settled, the rest is settled so.
#[derive(Default)]
pub(crate) struct Held {
    accounts: SmallVec<[Account; 1]>,
    used: u64,
}

/// Plans on one backend, and what they took.
pub(crate) struct Account {
    store: Arc<StoreHandle>,
    lines: SmallVec<[Line; 1]>,
    /// How long it may take to settle it.
    budget: Duration,
}

/// What one plan took.
struct Line {
    strategy: SharedStrategy,
    /// Where to learn which rates are in force by the time it is settled.
    entry: Option<Arc<RegistryEntry>>,
    /// The rate that the request brought.
    brought: Option<Rate>,
    /// Among how many processes the limit is shared.
    instances: u32,
    client: Client,
    key: Key,
    name: String,
    terms: InlineVec1<Limit>,
    cost: u64,
    /// The microsecond at which it was counted, and the numbers of the states that counted it.
    at: u64,
    made: InlineVec1<u64>,
}

impl From<StoreOutcome> for Hold {
    /// Of a refusal, or where nothing is counted.
    fn from(outcome: StoreOutcome) -> Self {
        Self {
            outcome,
            held: Held::default(),
        }
    }
}

impl Hold {
    /// The same of plans that have these places among others.
    pub(crate) fn reindexed(self, places: &[usize]) -> Self {
        Self {
            outcome: self.outcome.reindexed(places),
            ..self
        }
    }
}

impl Held {
    /// What an admitted hit took on a case's only backend; nothing where nothing was counted.
    pub(crate) fn of(case: &Case<'_>, outcome: &StoreOutcome) -> Self {
        match case.backends.first() {
            Some(backend) => {
                Account::new(case, backend.store().clone(), &case.plans, 1).held(outcome)
            }
            None => Self::default(),
        }
    }

    /// The same with what another hit took.
    pub(crate) fn join(&mut self, mut other: Self) {
        self.accounts.append(&mut other.accounts);
    }

    /// Gives all of it back.
    ///
    /// # Errors
    ///
    /// What is wrong with a backend; the others have been told all the same.
    pub(crate) async fn cancel(self) -> Result<(), Error> {
        self.settle(0).await
    }

    /// Makes what each plan took this much: gives back what is less, charges what is more.
    ///
    /// # Errors
    ///
    /// What is wrong with a backend; the others have been told all the same.
    pub(crate) async fn settle(mut self, used: u64) -> Result<(), Error> {
        self.used = used;
        let mut all = Ok(());
        while let Some(account) = self.accounts.pop() {
            let settled = match account.settle_local(used) {
                Some(settled) => settled,
                None => account.settle(used).await,
            };
            all = settled.and(all);
        }
        all
    }

    /// Leaves it taken.
    pub(crate) fn keep(mut self) {
        self.accounts.clear();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        for account in mem::take(&mut self.accounts) {
            let kind = account.store.kind();
            let settle = || account.settle_unattended(self.used);
            // A second panic while a first one unwinds would end the process, whosever law it is that panics.
            if !thread::panicking() {
                settle();
            } else if panic::catch_unwind(AssertUnwindSafe(settle)).is_err() {
                observe::not_refunded(kind, &"its strategy panicked");
            }
        }
    }
}

impl Account {
    /// The plans of a case as they are on this backend, before anything is taken.
    pub(crate) fn new(
        case: &Case<'_>,
        store: Arc<StoreHandle>,
        plans: &[Plan<'_>],
        instances: u32,
    ) -> Self {
        let lines = plans.iter().enumerate().map(|(place, plan)| {
            let asked = case.asker(place);
            let client = match asked.identity {
                Identity::Client(client) => client.clone(),
                Identity::Exempt => unreachable!("who is exempt has no plan"),
            };
            Line {
                strategy: asked.definition.settings.registration.strategy.clone(),
                entry: asked.definition.entry(),
                brought: asked.rate,
                instances,
                client,
                key: plan.key,
                name: plan.name.clone(),
                terms: plan.limits.iter().cloned().collect(),
                cost: plan.cost,
                at: 0,
                made: InlineVec1::new(),
            }
        });
        Self {
            lines: lines.collect(),
            store,
            budget: case.budget(),
        }
    }

    /// Decides in the store, for a caller that waits until a moment. If it goes away before, what the store then says was
    /// taken is refunded.
    pub(crate) fn decide(self, until: Option<Instant>) -> DetachableOperation<Hold> {
        let caller = Arc::new(Caller::default());
        let store = self.store.clone();
        let own = caller.clone();
        let decided = async move {
            let outcome = {
                let plans: InlineVec4<Plan<'_>> = self.lines.iter().map(Line::plan).collect();
                self.store.decide(&plans, &own).await?
            };
            Ok(self.hold(outcome))
        };
        store.operation(Box::pin(decided), caller, until, Hold::from)
    }

    /// With the outcome of the decision on it.
    pub(crate) fn hold(self, outcome: StoreOutcome) -> Hold {
        Hold {
            held: self.held(&outcome),
            outcome,
        }
    }

    /// What an admitted hit took.
    fn held(mut self, outcome: &StoreOutcome) -> Held {
        let mut places = 0..;
        self.lines.retain(|line| {
            let place = places.next();
            let own = outcome
                .limits
                .iter()
                .filter(|told| Some(told.plan) == place);
            let mut own = own.peekable();
            line.at = place.map_or(outcome.now, |place| outcome.counted_at(place));
            line.made = place.map_or_else(InlineVec1::new, |place| outcome.numbers(place));
            // One in shadow may not have admitted it.
            outcome.admitted && own.peek().is_some() && own.all(|told| told.fits)
        });
        let mut held = Held::default();
        if !self.lines.is_empty() {
            held.accounts.push(self);
        }
        held
    }

    fn settling(&self, used: u64) -> SmallVec<[Settlement<'_>; 1]> {
        let settling = self.lines.iter().filter_map(|line| line.settling(used));
        settling.collect()
    }

    /// Settles in this process; `None` if the states are elsewhere.
    fn settle_local(&self, used: u64) -> Option<Result<(), Error>> {
        let settlements = self.settling(used);
        if settlements.is_empty() {
            return Some(Ok(()));
        }
        self.store.settle_local(&settlements)
    }

    /// At once, or in the background.
    fn settle_unattended(self, used: u64) {
        let kind = self.store.kind();
        if let Some(settled) = self.settle_local(used) {
            if let Err(error) = settled {
                for _ in self.settling(used) {
                    observe::not_refunded(kind, &error);
                }
            }
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return observe::not_refunded(kind, &"no runtime is left");
        };
        if self.store.subtracts() {
            let background = self.store.background().clone();
            return background.spawn(&runtime, async move {
                // The operation reports a failure itself.
                let _ = self.settle_in_store(used, &Caller::gone()).await;
            });
        }
        for line in self.lines {
            let name = line.name.clone();
            let refund = Box::new(Unattended { line, used });
            self.store.refund_in_background(&runtime, &name, refund);
        }
    }

    /// Settles it, and waits for that as long as a decision may take; it goes on for as long as it needs.
    async fn settle(self, used: u64) -> Result<(), Error> {
        let after = self.budget;
        let caller = Arc::new(Caller::default());
        let (store, own) = (self.store.clone(), caller.clone());
        let settled = async move { self.settle_in_store(used, &own).await };
        let operation = store.operation(Box::pin(settled), caller, None, drop);
        let settled = timer::within(after, operation).await;
        settled.unwrap_or(Err(Error::Timeout { after }))
    }

    async fn settle_in_store(&self, used: u64, caller: &Caller) -> Result<(), Error> {
        let settlements = self.settling(used);
        let settled = self.store.settle(&settlements, caller).await;
        if let (Err(error), true) = (&settled, caller.is_gone()) {
            observe::not_refunded(self.store.kind(), error);
        }
        settled
    }
}

/// What one plan took, and how much of it was used.
struct Unattended {
    line: Line,
    used: u64,
}

impl QueuedRefund for Unattended {
    fn settlement(&self) -> Option<Settlement<'_>> {
        self.line.settling(self.used)
    }
}

impl Line {
    /// The rates in force and their laws: those it was taken under, unless the registry has said something else since. What
    /// is written under rates that no longer hold would forget what the new ones have counted (L30).
    fn terms_now(&self) -> PlanLimits<'_> {
        self.changed_terms()
            .map_or(PlanLimits::Same(&self.terms), PlanLimits::Own)
    }

    fn changed_terms(&self) -> Option<InlineVec1<Limit>> {
        let mut rates = self.entry.as_ref()?.rates(self.brought);
        for rate in &mut rates {
            *rate = share(*rate, self.instances);
        }
        let taken = self.terms.iter().map(|term| &term.rate);
        // A closed throttle changes nothing of what was counted.
        let is_closed = rates.iter().any(Rate::is_closed);
        if rates.is_empty() || is_closed || rates.iter().eq(taken) {
            return None;
        }
        let strategy = self.strategy.get();
        let who = Who {
            load: strategy.load(),
            ..self.client.who()
        };
        let terms = rates.into_iter().map(|rate| {
            let law = strategy.law(rate, &who).ok()?;
            Some(Limit { rate, law })
        });
        terms.collect()
    }

    /// The hit as it is decided.
    fn plan(&self) -> Plan<'_> {
        Plan {
            key: self.key,
            name: self.name.clone(),
            strategy: self.strategy.get(),
            limits: PlanLimits::Same(&self.terms),
            cost: self.cost,
            who: self.client.who(),
        }
    }

    /// What is to be done if this much was used.
    fn settling(&self, used: u64) -> Option<Settlement<'_>> {
        let adjustment = match used.cmp(&self.cost) {
            Ordering::Less => Adjustment::Refund(Refund {
                at: self.at,
                cost: self.cost - used,
            }),
            Ordering::Equal => return None,
            Ordering::Greater => Adjustment::Charge(used - self.cost),
        };
        Some(Settlement {
            plan: Plan {
                limits: self.terms_now(),
                ..self.plan()
            },
            adjustment,
            rates: self.terms.iter().map(|term| term.rate).collect(),
            made: self.made.clone(),
        })
    }
}
