//! What a decision took, kept so that it can be settled later (L32).

use std::cmp::Ordering;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;
use std::{mem, thread};

use smallvec::SmallVec;
use tokio::runtime::Handle;

use super::asked::share;
use super::case::Case;
use super::registry::{Live, Shared};
use crate::backend::Backend;
use crate::backend::key::Key;
use crate::backend::outcome::Outcome;
use crate::backend::plan::{Few, Plan, Term, Terms};
use crate::backend::settle::{Change, Settling};
use crate::error::Error;
use crate::identity::{Client, Identity};
use crate::observe;
use crate::rate::Rate;
use crate::strategy::Who;
use crate::strategy::kernel::Taken;

/// What a hit took, backend by backend. Dropped without being settled or kept, it is given back where nobody can wait for
/// that: in this process at once, elsewhere in the background. Dropped while it is settled, the rest is settled so.
#[derive(Default)]
pub(crate) struct Held {
    accounts: SmallVec<[Account; 1]>,
    used: u64,
}

/// What plans on one backend took.
struct Account {
    backend: Backend,
    lines: SmallVec<[Line; 1]>,
    /// How long it may take to settle it.
    budget: Duration,
}

/// What one plan took.
struct Line {
    strategy: Shared,
    /// Where to learn which rates are in force by the time it is settled.
    live: Option<Arc<Live>>,
    /// The rate that the request brought.
    brought: Option<Rate>,
    /// Among how many processes the limit is shared.
    instances: u32,
    client: Client,
    key: Key,
    name: String,
    terms: Few<Term>,
    cost: u64,
    at: u64,
}

impl Held {
    /// What an admitted hit took; nothing where nothing was counted.
    pub(super) fn of(case: &Case<'_>, outcome: &Outcome) -> Self {
        let mut held = Self::default();
        for (place, plan) in case.plans.iter().enumerate() {
            let mut told = outcome
                .told
                .iter()
                .filter(|told| told.plan == place)
                .peekable();
            // One in shadow may not have admitted it.
            let counted = told.peek().is_some() && told.all(|told| told.fits);
            if !outcome.admitted || !counted {
                continue;
            }
            let mut elsewhere = outcome.elsewhere.iter();
            let elsewhere = elsewhere.find(|elsewhere| elsewhere.plan == place);
            let instances = elsewhere.map_or(1, |elsewhere| elsewhere.instances);
            let (backend, plan) = match elsewhere {
                None => (case.backends[case.homes[place]].handle(), plan.clone()),
                Some(elsewhere) => {
                    let backend = elsewhere.backend.clone();
                    let plans = case.plans_on(&backend.choose(), elsewhere.instances);
                    match plans {
                        Ok(mut plans) => (backend, plans.remove(place)),
                        Err(_) => continue,
                    }
                }
            };
            let asked = case.asker(place);
            let Identity::Client(client) = asked.identity else {
                continue;
            };
            held.add(
                backend,
                case.budget(),
                Line {
                    strategy: asked.definition.shared_strategy(),
                    live: asked.definition.live(),
                    brought: asked.rate,
                    instances,
                    client: client.clone(),
                    key: plan.key,
                    name: plan.name,
                    terms: plan.terms.iter().cloned().collect(),
                    cost: plan.cost,
                    at: outcome.counted_at(place),
                },
            );
        }
        held
    }

    fn add(&mut self, backend: Backend, budget: Duration, line: Line) {
        let known = |account: &&mut Account| account.backend.choose().is(&backend.choose());
        match self.accounts.iter_mut().find(known) {
            Some(account) => account.lines.push(line),
            None => self.accounts.push(Account {
                backend,
                lines: SmallVec::from_iter([line]),
                budget,
            }),
        }
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
            if !account.settle_now(used) {
                all = account.settle(used).await.and(all);
            }
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
            let kind = account.backend.kind();
            let settle = || account.settle_unattended(self.used);
            // A second panic while a first one unwinds would end the process, whosever law it is that panics.
            if !thread::panicking() {
                settle();
            } else if panic::catch_unwind(AssertUnwindSafe(settle)).is_err() {
                observe::kept(kind, &"its strategy panicked");
            }
        }
    }
}

impl Account {
    fn settling(&self, used: u64) -> SmallVec<[Settling<'_>; 1]> {
        let settling = self.lines.iter().filter_map(|line| line.settling(used));
        settling.collect()
    }

    fn settle_now(&self, used: u64) -> bool {
        let backend = self.backend.choose();
        let settling = self.settling(used);
        settling.is_empty() || backend.store().settle_now(&settling, backend.now())
    }

    /// At once, or in the background.
    fn settle_unattended(self, used: u64) {
        if self.settle_now(used) {
            return;
        }
        let kind = self.backend.kind();
        let Ok(runtime) = Handle::try_current() else {
            return observe::kept(kind, &"no runtime is left");
        };
        runtime.spawn(async move {
            if let Err(error) = self.settle(used).await {
                observe::kept(kind, &error);
            }
        });
    }

    async fn settle(&self, used: u64) -> Result<(), Error> {
        let backend = self.backend.choose();
        let settling = self.settling(used);
        let settled = backend.store().settle(&settling, backend.own_time());
        if Handle::try_current().is_err() {
            return settled.await;
        }
        let late = Error::Timeout { after: self.budget };
        let settled = tokio::time::timeout(self.budget, settled).await;
        settled.unwrap_or(Err(late))
    }
}

impl Line {
    /// The rates in force and their laws: those it was taken under, unless the registry has said something else since. What
    /// is written under rates that no longer hold would forget what the new ones have counted (L30).
    fn terms_now(&self) -> Terms<'_> {
        self.changed_terms()
            .map_or(Terms::Same(&self.terms), Terms::Own)
    }

    fn changed_terms(&self) -> Option<Few<Term>> {
        let mut rates = self.live.as_ref()?.rates(self.brought);
        for rate in &mut rates {
            *rate = share(*rate, self.instances);
        }
        let taken = self.terms.iter().map(|term| &term.rate);
        if rates.is_empty() || rates.iter().eq(taken) {
            return None;
        }
        let strategy = self.strategy.get();
        let who = Who {
            load: strategy.load(),
            ..self.client.who()
        };
        let terms = rates.into_iter().map(|rate| {
            let law = strategy.law(rate, &who).ok()?;
            Some(Term { rate, law })
        });
        terms.collect()
    }

    /// What is to be done if this much was used.
    fn settling(&self, used: u64) -> Option<Settling<'_>> {
        let change = match used.cmp(&self.cost) {
            Ordering::Less => Change::GiveBack(Taken {
                at: self.at,
                cost: self.cost - used,
            }),
            Ordering::Equal => return None,
            Ordering::Greater => Change::Charge(used - self.cost),
        };
        Some(Settling {
            plan: Plan {
                key: self.key,
                name: self.name.clone(),
                strategy: self.strategy.get(),
                terms: self.terms_now(),
                cost: self.cost,
                who: self.client.who(),
            },
            change,
            rates: self.terms.iter().map(|term| term.rate).collect(),
        })
    }
}
