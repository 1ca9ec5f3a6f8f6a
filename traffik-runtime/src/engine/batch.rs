//! Several throttles in one decision: the plans that are made of what is asked, decided together.

use std::borrow::Cow;
use std::time::Duration;

use http::request::Parts;

use crate::backend::backend_ref::BackendRef;
use crate::clock::elapsed::Since;
use crate::decision::Report;
use crate::definition::Definition;
use crate::engine::attempt::{Look, Take};
use crate::engine::hit::Asked;
use crate::engine::hold::{Account, Hold};
use crate::engine::recovery::resolve;
use crate::engine::recovery::{Remedy, Ruling};
use crate::engine::report::{Reported, binding};
use crate::error::Error;
use crate::identity::{Client, Identity};
use crate::inline_vec::{InlineVec1, InlineVec4};
use crate::observe;
use crate::on_error::policy::Policy;
use crate::store::handle::StoreHandle;
use crate::store::outcome::StoreOutcome;
use crate::store::plan::Plan;
use crate::strategy::kernel::state::State;

/// How long a decision may take if nobody says otherwise.
const BUDGET: Duration = Duration::from_millis(250);

/// All plans of one decision. Exempt clients and unlimited rates have none.
pub(crate) struct Case<'a> {
    pub(crate) plans: InlineVec4<Plan<'a>>,
    /// Whose plan it is: a place among what was asked.
    pub(crate) askers: InlineVec4<usize>,
    pub(crate) asked: &'a [Asked<'a>],
    pub(crate) parts: Option<&'a Parts>,
    /// The backends that decide, in the order in which they were met.
    pub(crate) backends: InlineVec1<BackendRef<'a>>,
    /// Which of them decides a plan: a place among the backends.
    pub(crate) homes: InlineVec4<usize>,
    /// What happens when the backend fails; a member is a place among the plans.
    pub(crate) remedies: InlineVec4<Remedy<'a>>,
    /// The shortest time that a member gives a decision.
    pub(crate) budget: Option<Duration>,
}

/// States as they are.
pub(crate) struct Seen<'a> {
    /// When that was.
    pub(crate) now: u64,
    pub(crate) states: InlineVec4<State>,
    /// The plans they belong to, where those are not the case's own.
    pub(crate) plans: Option<InlineVec4<Plan<'a>>>,
}

impl<'a> Case<'a> {
    pub(crate) fn new(asked: &'a [Asked<'a>], parts: Option<&'a Parts>) -> Result<Self, Error> {
        let mut case = Self {
            plans: InlineVec4::new(),
            askers: InlineVec4::new(),
            asked,
            parts,
            backends: InlineVec1::new(),
            homes: InlineVec4::new(),
            remedies: InlineVec4::new(),
            budget: None,
        };
        for (place, asked) in asked.iter().enumerate() {
            if let Identity::Client(client) = asked.identity {
                case.add(place, asked, client)?;
            }
        }
        Ok(case)
    }

    /// Whether all are on one backend, which has the answer here, and nothing stands before it.
    pub(crate) fn is_answered_at_once(asked: &[Asked<'_>], parts: Option<&Parts>) -> bool {
        let first = asked.first().map(|asked| asked.backend(parts));
        asked.iter().all(|asked| {
            let backend = asked.backend(parts);
            let policy = asked
                .definition
                .settings
                .on_error
                .get()
                .or(backend.on_error());
            backend.store().is_local()
                && !policy.is_some_and(Policy::may_bypass_backend)
                && !asked.definition.settings.shadow
                && first
                    .as_ref()
                    .is_some_and(|first| first.shares_states(&backend))
        })
    }

    /// Takes the costs where the answer is here.
    pub(crate) fn decide_at_once(&self) -> Option<StoreOutcome> {
        match &*self.backends {
            [] => Some(StoreOutcome::unlimited(0)),
            [_] if self.is_split() => None,
            [backend] if self.is_closed() => self.refuse_now(backend),
            [backend] => backend.store().decide_local(&self.plans)?.ok(),
            _ => None,
        }
    }

    /// Takes the costs, from all or from none.
    pub(crate) async fn decide(&self) -> Result<Ruling<Hold>, Error> {
        match &*self.backends {
            [] => Ok(Ruling::Decided(StoreOutcome::unlimited(0).into())),
            _ if self.is_split() => Box::pin(self.decide_split()).await,
            [backend, ..] => self.decide_whole(backend, self.budget()).await,
        }
    }

    /// The same where one backend decides all plans as one.
    pub(crate) async fn decide_whole(
        &self,
        backend: &BackendRef<'a>,
        budget: Duration,
    ) -> Result<Ruling<Hold>, Error> {
        if self.is_closed() {
            let refused = Box::pin(self.refuse(backend)).await;
            return Ok(Ruling::Decided(refused.into()));
        }
        if !self.is_stood_before()
            && let Some(Ok(outcome)) = backend.store().decide_local(&self.plans)
        {
            let account = Account::new(self, backend.store().clone(), &self.plans, 1);
            return Ok(Ruling::Decided(account.hold(outcome)));
        }
        let attempt = Take {
            case: self,
            backend,
        };
        let ruling = resolve(&attempt, &self.remedies, budget).await;
        if ruling.is_err() {
            for place in 0..self.plans.len() {
                self.observe_one(place, observe::Outcome::Raised, || None);
            }
        }
        ruling
    }

    /// The states as they are, in the order of the plans, and when that was.
    pub(crate) async fn read(&mut self) -> Result<(InlineVec4<u64>, InlineVec4<State>), Error> {
        let mut times = InlineVec4::from_elem(0, self.plans.len());
        let mut states = InlineVec4::from_elem(State::default(), self.plans.len());
        let mut replaced = Vec::new();
        for (places, looked) in self.look().await? {
            let seen = match looked {
                Ruling::Decided(seen) => seen,
                // Whether a hit would be admitted all the same says nothing of states.
                Ruling::Allowed(error) | Ruling::Throttled(_, error) => return Err(error),
            };
            for (place, state) in places.iter().zip(seen.states) {
                times[*place] = seen.now;
                states[*place] = state;
            }
            replaced.extend(places.into_iter().zip(seen.plans.into_iter().flatten()));
        }
        for (place, plan) in replaced {
            self.plans[place] = plan;
        }
        Ok((times, states))
    }

    /// The states as they are, or what is to become of a hit without them; of which plans.
    pub(crate) async fn look(
        &self,
    ) -> Result<InlineVec1<(InlineVec4<usize>, Ruling<Seen<'a>>)>, Error> {
        if self.is_split() {
            return Box::pin(self.look_split()).await;
        }
        let Some(backend) = self.backends.first() else {
            return Ok(InlineVec1::new());
        };
        let places = (0..self.plans.len()).collect();
        let seen = self.look_whole(backend).await?;
        Ok(InlineVec1::from_iter([(places, seen)]))
    }

    pub(crate) async fn look_whole(
        &self,
        backend: &BackendRef<'a>,
    ) -> Result<Ruling<Seen<'a>>, Error> {
        if !self.is_stood_before()
            && let Some(Ok((now, states))) = backend.store().read_local(&self.plans)
        {
            return Ok(Ruling::Decided(Seen {
                now,
                states,
                plans: None,
            }));
        }
        let attempt = Look {
            case: self,
            backend,
        };
        resolve(&attempt, &self.remedies, self.budget()).await
    }

    /// Who was asked to have a plan made.
    pub(crate) fn asker(&self, plan: usize) -> &'a Asked<'a> {
        &self.asked[self.askers[plan]]
    }

    /// The plans as they are for another backend, and for the share of one of so many processes.
    pub(crate) fn plans_on(
        &self,
        other: &StoreHandle,
        instances: u32,
    ) -> Result<InlineVec4<Plan<'a>>, Error> {
        let mut plans = self.plans.clone();
        for (place, plan) in plans.iter_mut().enumerate() {
            let asked = self.asker(place);
            if let (Some(namespace), Identity::Client(client)) =
                (other.state_namespace(), asked.identity)
            {
                // Who the client is, is for the throttle's own backend to say.
                let own = &self.backends[self.homes[place]];
                plan.name = asked.name(namespace, client, self.parts, own)?;
            }
            if instances > 1 {
                plan.limits = asked.share(&plan.limits, instances)?;
            }
        }
        Ok(plans)
    }

    /// Whether something may keep the hit from the backend.
    fn is_stood_before(&self) -> bool {
        let mut remedies = self.remedies.iter();
        remedies.any(|remedy| remedy.policy.may_bypass_backend())
    }

    pub(crate) fn budget(&self) -> Duration {
        self.budget.unwrap_or(BUDGET)
    }

    fn add(&mut self, place: usize, asked: &'a Asked<'a>, client: &'a Client) -> Result<(), Error> {
        let terms = asked.terms()?;
        // What has no limit asks no backend, and for nobody.
        if terms.is_empty() {
            return Ok(());
        }
        let (chosen, parts) = (asked.backend(self.parts), self.parts);
        chosen.check()?;
        self.heed(asked.definition, &chosen);
        let key = asked.key(asked.definition.key(), client, parts, &chosen)?;
        let name = match chosen.store().state_namespace() {
            Some(namespace) => asked.name(namespace, client, parts, &chosen)?,
            None => String::new(),
        };
        let home = self.home(chosen);
        self.homes.push(home);
        self.plans.push(asked.plan(terms, client, key, name));
        self.askers.push(place);
        Ok(())
    }

    /// Remembers what a throttle, else its backend, says of failures.
    fn heed(&mut self, definition: &'a Definition, backend: &BackendRef<'_>) {
        let budget = definition.settings.timeout.or(backend.timeout());
        let budget = budget.unwrap_or(BUDGET);
        self.budget = Some(self.budget.map_or(budget, |least| least.min(budget)));
        let own = definition.settings.on_error.get().map(Cow::Borrowed);
        let backends = || backend.on_error().cloned().map(Cow::Owned);
        let policy = own
            .or_else(backends)
            .unwrap_or_else(|| Cow::Owned(Policy::default()));
        let plan = self.plans.len();
        let known = |remedy: &&mut Remedy<'_>| remedy.policy.is(&policy);
        match self.remedies.iter_mut().find(known) {
            Some(remedy) => remedy.members.push(plan),
            None => self.remedies.push(Remedy {
                policy,
                members: InlineVec4::from_elem(plan, 1),
            }),
        }
    }

    /// The place of a backend among those that decide.
    fn home(&mut self, chosen: BackendRef<'a>) -> usize {
        let known = self
            .backends
            .iter()
            .position(|known| known.shares_states(&chosen));
        known.unwrap_or_else(|| {
            self.backends.push(chosen);
            self.backends.len() - 1
        })
    }

    /// What each rate of each throttle said, in the order of the plans.
    pub(crate) fn reported<'d>(
        &self,
        outcome: &StoreOutcome,
        definition: impl Fn(usize) -> &'d Definition,
    ) -> InlineVec1<Reported<'d>> {
        let mut reported = InlineVec1::new();
        for place in self.open() {
            let known = reported.len();
            let told = outcome.limits.iter().filter(|told| told.plan == place);
            let terms = &*self.plans[place].limits;
            reported.extend(terms.iter().zip(told).map(|(term, told)| Reported {
                definition: definition(self.askers[place]),
                rate: told.rate,
                quota: term.law.quota(told.rate, &told.report),
                listed: terms.len() > 1,
                fits: told.fits,
                report: Some(told.report),
            }));
            if reported.len() == known {
                // Its backend is away, and it refuses nobody.
                reported.extend(self.unknown(place, true, &definition));
            }
        }
        reported
    }

    /// What is known of each rate of each throttle where no law has decided.
    pub(crate) fn unreported<'d>(
        &self,
        fits: bool,
        definition: impl Fn(usize) -> &'d Definition,
    ) -> InlineVec1<Reported<'d>> {
        let plans = self.open();
        plans
            .flat_map(|place| self.unknown(place, fits, &definition))
            .collect()
    }

    /// The plans that clients are told of.
    fn open(&self) -> impl Iterator<Item = usize> {
        (0..self.plans.len()).filter(|place| !self.is_shadow(*place))
    }

    /// The rates of a plan that no law has decided.
    fn unknown<'d>(
        &self,
        place: usize,
        fits: bool,
        definition: impl Fn(usize) -> &'d Definition,
    ) -> impl Iterator<Item = Reported<'d>> {
        let plan = &self.plans[place];
        let definition = definition(self.askers[place]);
        let now = self.backends[self.homes[place]].store().now();
        plan.limits.iter().map(move |term| Reported {
            definition,
            rate: term.rate,
            quota: term.law.quota(term.rate, &plan.fresh_report(term, now)),
            listed: plan.limits.len() > 1,
            fits,
            report: None,
        })
    }

    /// Returns the limit where no law has decided: the smallest that a fresh state of any rate admits at once.
    pub(crate) fn fresh_limit(&self) -> u64 {
        let plans = self.plans.iter().zip(&self.homes);
        let limits = plans.flat_map(|(plan, home)| {
            let now = self.backends[*home].store().now();
            let limit = move |term| plan.fresh_report(term, now).limit;
            plan.limits.iter().map(limit)
        });
        limits.min().unwrap_or(u64::MAX)
    }

    /// Tells whoever watches what was decided, throttle by throttle. Of a set that was refused, only those that refused.
    pub(crate) fn observe(&self, ruling: &Ruling<StoreOutcome>) {
        for place in 0..self.plans.len() {
            let became = match ruling {
                Ruling::Decided(outcome) if outcome.admitted => {
                    let own = outcome.limits.iter().filter(|told| told.plan == place);
                    let mut own = own.peekable();
                    if own.peek().is_none() {
                        // Nothing has decided about it: its backend is away, and it refuses nobody.
                        continue;
                    }
                    if own.all(|told| told.fits) {
                        observe::Outcome::Admitted
                    } else {
                        observe::Outcome::Shadowed
                    }
                }
                Ruling::Decided(outcome) => {
                    let mut own = outcome.limits.iter().filter(|told| told.plan == place);
                    if own.all(|told| told.fits) {
                        continue;
                    }
                    observe::Outcome::Refused
                }
                Ruling::Allowed(_) => observe::Outcome::Allowed,
                Ruling::Throttled(..) => observe::Outcome::Throttled,
            };
            self.observe_one(place, became, || match ruling {
                Ruling::Decided(outcome) => told_of(outcome, place),
                Ruling::Allowed(_) | Ruling::Throttled(..) => None,
            });
        }
    }

    fn observe_one(
        &self,
        place: usize,
        became: observe::Outcome,
        report: impl FnOnce() -> Option<Report>,
    ) {
        // The throttle's own backend resolves the client, whichever has decided.
        let backend = &self.backends[self.homes[place]];
        self.asker(place)
            .observe(became, self.parts, backend, report);
    }

    pub(crate) fn since(&self, outcome: &StoreOutcome) -> Since {
        match self.backends.first() {
            Some(backend) if !backend.store().is_local() => {
                // The store's clock may be another one: what it said holds from the moment it is heard.
                Since::new(backend.store().now(), backend.store().own_clock())
            }
            Some(backend) => Since::new(outcome.now, backend.store().own_clock()),
            None => Since::default(),
        }
    }
}

/// What a plan's law said; of several, the one that binds.
fn told_of(outcome: &StoreOutcome, plan: usize) -> Option<Report> {
    let told = outcome.limits.iter().filter(|told| told.plan == plan);
    let reports: InlineVec4<Report> = told.map(|told| told.report).collect();
    binding(reports.iter()).map(|place| reports[place])
}
