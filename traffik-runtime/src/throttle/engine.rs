//! From what is asked of throttles to what is answered: plans are made, decided together, and reported.

use std::borrow::Cow;

use http::request::Parts;
use smallvec::SmallVec;

use super::Throttle;
use super::define::Scope;
use super::definition::Definition;
use super::report::{Reported, combined};
use super::stat::Readings;
use crate::backend::store::{Plan, Ruling};
use crate::backend::{Backend, Chosen};
use crate::decision::{Decision, Report};
use crate::error::Error;
use crate::http::{Since, write_client, write_scope};
use crate::identity::{Client, Identity};
use crate::rate::Rate;
use crate::strategy::kernel::Law;
use crate::strategy::{Hit, State, Who};

/// Throttles in a set, rates in a list: seldom more than two.
pub(crate) type Few<T> = SmallVec<[T; 2]>;

/// What is asked of one throttle.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) definition: &'a Definition,
    pub(crate) identity: Cow<'a, Identity>,
    pub(crate) cost: u64,
    pub(crate) rate: Option<Rate>,
    pub(crate) scope: Scope,
}

/// What is asked of all throttles of a set.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Asking {
    pub(crate) asked: Few<Asked<'static>>,
}

/// What was decided, and what to tell the client of it.
pub(crate) struct Admission<'a> {
    pub(crate) decision: Decision,
    pub(crate) reported: Few<Reported<'a>>,
    /// When it was decided.
    pub(crate) since: Since,
}

pub(super) async fn hit<T: Throttle>(parts: &Parts, cost: Option<u64>) -> Result<Decision, Error> {
    let mut asking = Asking::default();
    T::ask(parts, cost, &mut asking).await?;
    let admission = admit(&asking.asked, Some(parts)).await?;
    Ok(admission.decision)
}

pub(super) async fn check<T: Throttle>(parts: &Parts, cost: u64) -> Result<bool, Error> {
    let mut asking = Asking::default();
    T::ask(parts, Some(0), &mut asking).await?;
    would_admit(&asking.asked, Some(parts), cost).await
}

pub(super) async fn stat<T: Throttle>(parts: &Parts) -> Result<T::Stat, Error> {
    let mut asking = Asking::default();
    T::ask(parts, Some(0), &mut asking).await?;
    let case = Case::plan(&asking.asked, Some(parts))?;
    let rulings = case.decide().await?;
    let mut readings = Readings::new(&asking.asked, case, rulings);
    Ok(T::read(&mut readings))
}

/// Takes the costs, from all or from none.
pub(crate) async fn admit<'d>(
    asked: &[Asked<'d>],
    parts: Option<&Parts>,
) -> Result<Admission<'d>, Error> {
    let case = Case::plan(asked, parts)?;
    let rulings = case.decide().await?;
    let admitted = rulings.iter().all(|ruling| ruling.fits);
    let reported = case.reported(asked, &rulings, admitted);
    Ok(Admission {
        decision: combined(admitted, &reported),
        since: case.since(),
        reported,
    })
}

/// Whether all would admit this cost now; takes nothing.
pub(super) async fn would_admit(
    asked: &[Asked<'_>],
    parts: Option<&Parts>,
    cost: u64,
) -> Result<bool, Error> {
    let case = Case::plan(asked, parts)?;
    let rulings = case.decide().await?;
    let mut lines = case.plans.iter().zip(&rulings);
    Ok(cost == 0 || lines.all(|(plan, ruling)| admits(plan, &ruling.state, cost)))
}

/// All plans of one decision. Exempt clients and unlimited rates have none.
pub(super) struct Case<'a> {
    pub(super) plans: Few<Plan<'a>>,
    /// Whose plan it is: a place among what was asked.
    pub(super) askers: Few<usize>,
    backend: Option<Chosen<'a>>,
    pub(super) now: u64,
}

impl<'a> Case<'a> {
    pub(super) fn plan(asked: &'a [Asked<'a>], parts: Option<&'a Parts>) -> Result<Self, Error> {
        let mut case = Self {
            plans: Few::new(),
            askers: Few::new(),
            backend: None,
            now: 0,
        };
        for (place, asked) in asked.iter().enumerate() {
            if let Identity::Client(client) = &*asked.identity {
                case.add(place, asked, client, parts)?;
            }
        }
        Ok(case)
    }

    fn add(
        &mut self,
        place: usize,
        asked: &'a Asked<'a>,
        client: &'a Client,
        parts: Option<&'a Parts>,
    ) -> Result<(), Error> {
        self.agree_on_backend(asked.definition, parts)?;
        let mut hasher = asked.definition.hasher();
        write_client(&mut hasher, client, parts, &asked.definition.uid)?;
        write_scope(&mut hasher, &asked.scope, parts);
        let strategy = asked.definition.strategy();
        let who = Who {
            tier: client.tier.as_deref(),
            priority: client.priority,
        };
        let own_law = match asked.rate {
            Some(rate) => {
                let law = strategy.law(rate, &who);
                Some((
                    rate,
                    law.map_err(|error| Error::strategy(&asked.definition.uid, error))?,
                ))
            }
            None => None,
        };
        let laws = if own_law.is_some() {
            &[]
        } else {
            asked.definition.laws()?
        };
        let rates = asked
            .definition
            .rates
            .iter()
            .copied()
            .zip(laws.iter().copied());
        for (rank, (rate, law)) in rates.chain(own_law).enumerate() {
            if law == Law::Unlimited || rate.is_unlimited() {
                continue;
            }
            let mut hasher = hasher.clone();
            hasher.part(rank as u8, &[]);
            let hit = Hit {
                rate,
                now: self.now,
                cost: asked.cost,
                who,
            };
            self.plans.push(Plan {
                key: hasher.finish(),
                law,
                strategy,
                hit,
            });
            self.askers.push(place);
        }
        Ok(())
    }

    /// All members decide on one backend, at one moment.
    fn agree_on_backend(
        &mut self,
        definition: &'a Definition,
        parts: Option<&'a Parts>,
    ) -> Result<(), Error> {
        let provided = || parts.and_then(|parts| parts.extensions.get::<Backend>());
        let named = definition.own_backend().or_else(provided);
        let chosen = named.map_or_else(Chosen::default, Backend::choose);
        match &self.backend {
            None => {
                self.now = chosen.now();
                self.backend = Some(chosen);
                Ok(())
            }
            Some(backend) if backend.is(&chosen) => Ok(()),
            Some(_) => Err(Error::configuration(
                &definition.uid,
                "it is in a set with a throttle on another backend, which is not available yet; give both the same",
            )),
        }
    }

    pub(super) async fn decide(&self) -> Result<Few<Ruling>, Error> {
        let mut rulings: Few<Ruling> = self.plans.iter().map(|_| Ruling::default()).collect();
        if let Some(backend) = self.backend.as_ref().filter(|_| !self.plans.is_empty()) {
            backend.decide(&self.plans, &mut rulings).await?;
        }
        Ok(rulings)
    }

    fn reported<'d>(
        &self,
        asked: &[Asked<'d>],
        rulings: &[Ruling],
        admitted: bool,
    ) -> Few<Reported<'d>> {
        let lines = self.askers.iter().zip(&self.plans).zip(rulings);
        let reported = lines.map(|((asker, plan), ruling)| Reported {
            definition: asked[*asker].definition,
            rate: plan.hit.rate,
            listed: self.askers.iter().filter(|other| *other == asker).count() > 1,
            fits: ruling.fits,
            // What was admitted waits for nothing.
            report: report(
                plan,
                &ruling.state,
                if admitted { 0 } else { plan.hit.cost },
            ),
        });
        reported.collect()
    }

    fn since(&self) -> Since {
        let clock = self.backend.as_ref().and_then(Chosen::own_clock);
        Since::new(self.now, clock)
    }
}

fn admits(plan: &Plan<'_>, state: &State, cost: u64) -> bool {
    let hit = Hit { cost, ..plan.hit };
    match state {
        State::Packed(state) => plan.law.decide(state, hit.now, cost).is_some(),
        State::Bytes(bytes) => plan.strategy.decide(bytes.as_deref(), &hit).is_some(),
    }
}

/// What a plan's law says of a state, for a cost.
#[inline]
pub(super) fn report(plan: &Plan<'_>, state: &State, cost: u64) -> Report {
    match state {
        State::Packed(state) => plan.law.report(state, plan.hit.now, cost),
        State::Bytes(bytes) => plan
            .strategy
            .report(bytes.as_deref(), &Hit { cost, ..plan.hit }),
    }
}

impl Asking {
    pub(super) fn push(&mut self, asked: Asked<'static>) {
        self.asked.push(asked);
    }
}
