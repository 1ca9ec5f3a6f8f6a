//! From what is asked of throttles to what is answered: plans are made, decided together, and reported.

use http::request::Parts;
use smallvec::SmallVec;

use super::Throttle;
use super::define::Scope;
use super::definition::Definition;
use super::report::{Reported, combined};
use super::stat::Readings;
use crate::backend::key::Key;
use crate::backend::store::{Plan, Ruling};
use crate::backend::{Backend, Chosen};
use crate::decision::{Decision, Report};
use crate::error::Error;
use crate::http::{Since, join_client, join_scope};
use crate::identity::{Client, Identity};
use crate::rate::Rate;
use crate::strategy::kernel::Law;
use crate::strategy::{Hit, State, Who};

/// What there is mostly one of.
pub(crate) type Few<T> = SmallVec<[T; 1]>;

/// What there is one of for each member of a set; it stays where it is made.
pub(super) type Several<T> = SmallVec<[T; 4]>;

/// What is asked of one throttle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) definition: &'a Definition,
    pub(crate) identity: &'a Identity,
    pub(crate) cost: u64,
    pub(crate) rate: Option<Rate>,
    pub(crate) scope: &'a Scope,
}

/// What is asked of all throttles of a set for one request.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Asking {
    members: Few<Member>,
}

/// What is asked of a member of a set.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) definition: &'static Definition,
    pub(super) identity: Identity,
    pub(super) cost: u64,
    pub(super) rate: Option<Rate>,
    pub(super) scope: Scope,
}

impl Asking {
    pub(super) fn push(&mut self, member: Member) {
        self.members.push(member);
    }

    fn asked(&self) -> Few<Asked<'_>> {
        let asked = self.members.iter().map(|member| {
            let Member {
                definition,
                identity,
                cost,
                rate,
                scope,
            } = member;
            Asked {
                definition,
                identity,
                cost: *cost,
                rate: *rate,
                scope,
            }
        });
        asked.collect()
    }
}

/// What was decided, and what to tell the client of it.
pub(crate) struct Admission {
    pub(crate) decision: Decision,
    pub(crate) reported: Few<Reported<'static>>,
    /// When it was decided.
    pub(crate) since: Since,
}

pub(super) async fn hit<T: Throttle>(parts: &Parts, cost: Option<u64>) -> Result<Decision, Error> {
    let mut asking = Asking::default();
    T::ask(parts, cost, &mut asking).await?;
    decide(&asking.asked(), Some(parts))
}

pub(super) async fn check<T: Throttle>(parts: &Parts, cost: u64) -> Result<bool, Error> {
    let mut asking = Asking::default();
    T::ask(parts, Some(0), &mut asking).await?;
    would_admit(&asking.asked(), Some(parts), cost)
}

pub(super) async fn stat<T: Throttle>(parts: &Parts) -> Result<T::Stat, Error> {
    let mut asking = Asking::default();
    T::ask(parts, Some(0), &mut asking).await?;
    let asked = asking.asked();
    let mut readings = Readings::take(&asked, Some(parts))?;
    Ok(T::read(&mut readings))
}

/// Takes the costs, from all or from none.
#[inline]
pub(crate) fn decide(asked: &[Asked<'_>], parts: Option<&Parts>) -> Result<Decision, Error> {
    let decided = |alone: Alone<'_>| Decision::new(alone.fits, alone.report);
    if let Some(decision) = Alone::decide(asked, parts, decided) {
        return Ok(decision);
    }
    let case = Case::decided(asked, parts)?;
    let reported = case.reported(|place| asked[place].definition);
    Ok(combined(case.admitted(), &reported))
}

/// Takes the costs, from all or from none, and remembers what to tell the client.
pub(crate) fn admit(asking: &Asking, parts: &Parts) -> Result<Admission, Error> {
    let asked = asking.asked();
    let definition = |place: usize| asking.members[place].definition;
    let admitted = |alone: Alone<'_>| {
        let Alone {
            rate, fits, report, ..
        } = alone;
        Admission {
            decision: Decision::new(fits, report),
            reported: Few::from_buf([Reported {
                definition: definition(0),
                rate,
                listed: false,
                fits,
                report,
            }]),
            since: Since::new(alone.now, alone.backend.own_clock()),
        }
    };
    if let Some(admission) = Alone::decide(&asked, Some(parts), admitted) {
        return Ok(admission);
    }
    let case = Case::decided(&asked, Some(parts))?;
    let reported = case.reported(definition);
    Ok(Admission {
        decision: combined(case.admitted(), &reported),
        since: case.since(),
        reported,
    })
}

/// Whether all would admit this cost now; takes nothing.
pub(super) fn would_admit(
    asked: &[Asked<'_>],
    parts: Option<&Parts>,
    cost: u64,
) -> Result<bool, Error> {
    let case = Case::decided(asked, parts)?;
    let mut lines = case.plans.iter().zip(&case.rulings);
    Ok(cost == 0 || lines.all(|(plan, ruling)| admits(plan, &ruling.state, cost)))
}

/// The decision on one rate of one throttle under a built-in law, which is what most requests ask: made without a
/// [`Case`] of plans.
struct Alone<'a> {
    rate: Rate,
    backend: &'a Chosen<'a>,
    now: u64,
    fits: bool,
    report: Report,
}

impl Alone<'_> {
    /// Nothing if there is more to it; then nothing was done, and whatever is wrong is found again.
    #[inline]
    fn decide<T>(
        asked: &[Asked<'_>],
        parts: Option<&Parts>,
        then: impl FnOnce(Alone<'_>) -> T,
    ) -> Option<T> {
        let [asked] = asked else { return None };
        let (Identity::Client(client), None) = (asked.identity, asked.rate) else {
            return None;
        };
        let (rate, law) = asked.definition.only_law()?;
        let key = asked.key(client, parts).ok()?;
        let backend = &asked.backend(parts);
        let now = backend.now();
        let (fits, report) = backend.store().decide_one(key, law, now, asked.cost);
        Some(then(Alone {
            rate,
            backend,
            now,
            fits,
            report,
        }))
    }
}

impl<'a> Asked<'a> {
    /// The law of a rate that the request brought along.
    fn own_law(&self, rate: Rate) -> Result<Law, Error> {
        let who = match self.identity {
            Identity::Client(client) => who(client),
            Identity::Exempt => Who::default(),
        };
        let law = self.definition.strategy().law(rate, &who);
        law.map_err(|error| Error::strategy(&self.definition.uid, error))
    }

    #[inline]
    fn backend(&self, parts: Option<&'a Parts>) -> Chosen<'a> {
        let provided = || parts.and_then(|parts| parts.extensions.get::<Backend>());
        let named = self.definition.own_backend().or_else(provided);
        named.map_or_else(Chosen::default, Backend::choose)
    }

    #[inline]
    fn key(&self, client: &Client, parts: Option<&Parts>) -> Result<Key, Error> {
        let key = join_scope(self.definition.key(), self.scope, parts);
        join_client(key, client, parts, &self.definition.uid)
    }

    #[inline]
    fn plan(&self, rate: Rate, law: Law, client: &'a Client, key: Key, now: u64) -> Plan<'a> {
        let hit = Hit {
            rate,
            now,
            cost: self.cost,
            who: who(client),
        };
        Plan {
            key,
            law,
            strategy: self.definition.strategy(),
            hit,
        }
    }
}

fn who(client: &Client) -> Who<'_> {
    Who {
        tier: client.tier.as_deref(),
        priority: client.priority,
    }
}

/// All plans of one decision, and what became of them. Exempt clients and unlimited rates have none.
#[derive(Default)]
pub(super) struct Case<'a> {
    pub(super) plans: Several<Plan<'a>>,
    /// Whose plan it is: a place among what was asked.
    pub(super) askers: Several<usize>,
    pub(super) rulings: Several<Ruling>,
    backend: Option<Chosen<'a>>,
    pub(super) now: u64,
}

impl<'a> Case<'a> {
    pub(super) fn decided(asked: &'a [Asked<'a>], parts: Option<&'a Parts>) -> Result<Self, Error> {
        let mut case = Self::default();
        for (place, asked) in asked.iter().enumerate() {
            if let Identity::Client(client) = asked.identity {
                case.add(place, asked, client, parts)?;
            }
        }
        case.rulings.resize_with(case.plans.len(), Ruling::default);
        if let Some(backend) = case.backend.as_ref().filter(|_| !case.plans.is_empty()) {
            backend.store().decide_all(&case.plans, &mut case.rulings);
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
        let (rates, laws) = (&*asked.definition.rates, asked.definition.laws()?);
        let own = match asked.rate {
            Some(rate) => Some((rate, asked.own_law(rate)?)),
            None => None,
        };
        let given = rates
            .iter()
            .copied()
            .zip(laws.iter().copied())
            .filter(|_| own.is_none());
        let all = given.chain(own).enumerate();
        let mut limits = all
            .filter(|(_, (_, law))| *law != Law::Unlimited)
            .peekable();
        // What has no limit asks no backend, and for nobody.
        if limits.peek().is_none() {
            return Ok(());
        }
        self.agree_on_backend(asked, parts)?;
        let key = asked.key(client, parts)?;
        for (rank, (rate, law)) in limits {
            let key = if rank == 0 {
                key
            } else {
                key.join(rank as u8, &[])
            };
            self.plans
                .push(asked.plan(rate, law, client, key, self.now));
            self.askers.push(place);
        }
        Ok(())
    }

    /// All members decide on one backend, at one moment.
    fn agree_on_backend(
        &mut self,
        asked: &'a Asked<'a>,
        parts: Option<&'a Parts>,
    ) -> Result<(), Error> {
        let chosen = asked.backend(parts);
        match &self.backend {
            None => {
                self.now = chosen.now();
                self.backend = Some(chosen);
                Ok(())
            }
            Some(backend) if backend.is(&chosen) => Ok(()),
            Some(_) => Err(Error::configuration(
                &asked.definition.uid,
                "it is in a set with a throttle on another backend, which is not available yet; give both the same",
            )),
        }
    }

    fn admitted(&self) -> bool {
        self.rulings.iter().all(|ruling| ruling.fits)
    }

    fn reported<'d>(&self, definition: impl Fn(usize) -> &'d Definition) -> Few<Reported<'d>> {
        let admitted = self.admitted();
        let lines = self.askers.iter().zip(&self.plans).zip(&self.rulings);
        let reported = lines.map(|((asker, plan), ruling)| Reported {
            definition: definition(*asker),
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
        Since::new(self.now, self.backend.as_ref().and_then(Chosen::own_clock))
    }
}

fn admits(plan: &Plan<'_>, state: &State, cost: u64) -> bool {
    match state {
        State::Packed(state) => plan.law.decide(state, plan.hit.now, cost).is_some(),
        State::Bytes(bytes) => plan
            .strategy
            .decide(bytes.as_deref(), &Hit { cost, ..plan.hit })
            .is_some(),
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
