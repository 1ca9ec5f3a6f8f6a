//! Several throttles in one decision: the plans that are made of what is asked, decided together.

use http::request::Parts;

use super::asked::{Asked, Few};
use super::definition::Definition;
use super::report::Reported;
use crate::backend::Chosen;
use crate::backend::outcome::{Outcome, Several};
use crate::backend::plan::Plan;
use crate::clock::Since;
use crate::error::Error;
use crate::identity::{Client, Identity};
use crate::strategy::State;

/// All plans of one decision. Exempt clients and unlimited rates have none.
#[derive(Default)]
pub(super) struct Case<'a> {
    pub(super) plans: Several<Plan<'a>>,
    /// Whose plan it is: a place among what was asked.
    pub(super) askers: Several<usize>,
    backend: Option<Chosen<'a>>,
}

impl<'a> Case<'a> {
    pub(super) fn new(asked: &'a [Asked<'a>], parts: Option<&'a Parts>) -> Result<Self, Error> {
        let mut case = Self::default();
        for (place, asked) in asked.iter().enumerate() {
            if let Identity::Client(client) = asked.identity {
                case.add(place, asked, client, parts)?;
            }
        }
        Ok(case)
    }

    /// Takes the costs, from all or from none.
    pub(super) async fn decide(&self) -> Result<Outcome, Error> {
        let Some(backend) = &self.backend else {
            return Ok(Outcome::unlimited(0));
        };
        match backend.store().decide_now(&self.plans, backend.now()) {
            Some(outcome) => Ok(outcome),
            None => {
                backend
                    .store()
                    .decide(&self.plans, backend.own_time())
                    .await
            }
        }
    }

    /// The states as they are, and when that was.
    pub(super) async fn read(&self) -> Result<(u64, Several<State>), Error> {
        let Some(backend) = &self.backend else {
            return Ok((0, Several::new()));
        };
        let now = backend.now();
        match backend.store().read_now(&self.plans, now) {
            Some(states) => Ok((now, states)),
            None => backend.store().read(&self.plans, backend.own_time()).await,
        }
    }

    fn add(
        &mut self,
        place: usize,
        asked: &'a Asked<'a>,
        client: &'a Client,
        parts: Option<&'a Parts>,
    ) -> Result<(), Error> {
        let terms = asked.terms()?;
        // What has no limit asks no backend, and for nobody.
        if terms.is_empty() {
            return Ok(());
        }
        let chosen = asked.backend(parts);
        chosen.check()?;
        let key = asked.key(client, parts, &chosen)?;
        let name = match chosen.namespace() {
            Some(namespace) => asked.name(namespace, client, parts, &chosen)?,
            None => String::new(),
        };
        self.agree_on_backend(asked, chosen)?;
        self.plans.push(asked.plan(terms, client, key, name));
        self.askers.push(place);
        Ok(())
    }

    /// All members decide on one backend, at one moment.
    fn agree_on_backend(&mut self, asked: &Asked<'a>, chosen: Chosen<'a>) -> Result<(), Error> {
        match &mut self.backend {
            none @ None => *none = Some(chosen),
            Some(backend) if backend.is(&chosen) => {}
            Some(_) => {
                return Err(Error::configuration(
                    &asked.definition.uid,
                    "it is in a set with a throttle on another backend, which is not available yet; give both the same",
                ));
            }
        }
        Ok(())
    }

    /// What each rate of each throttle said.
    pub(super) fn reported<'d>(
        &self,
        outcome: &Outcome,
        definition: impl Fn(usize) -> &'d Definition,
    ) -> Few<Reported<'d>> {
        let reported = outcome.told.iter().map(|told| Reported {
            definition: definition(self.askers[told.plan]),
            rate: told.rate,
            listed: self.plans[told.plan].terms.len() > 1,
            fits: told.fits,
            report: told.report,
        });
        reported.collect()
    }

    pub(super) fn since(&self, outcome: &Outcome) -> Since {
        match &self.backend {
            Some(backend) if backend.namespace().is_some() => {
                // The store's clock may be another one: what it said holds from the moment it is heard.
                Since::new(backend.now(), backend.own_clock())
            }
            Some(backend) => Since::new(outcome.now, backend.own_clock()),
            None => Since::default(),
        }
    }
}
