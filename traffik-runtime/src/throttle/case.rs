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
    pub(super) fn decide(&self) -> Outcome {
        match &self.backend {
            None => Outcome::unlimited(0),
            Some(backend) => backend.store().decide(&self.plans, backend.now()),
        }
    }

    /// The states as they are, and when that was.
    pub(super) fn read(&self) -> (u64, Several<State>) {
        let Some(backend) = &self.backend else {
            return (0, Several::new());
        };
        let now = backend.now();
        (now, backend.store().read(&self.plans, now))
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
        self.agree_on_backend(asked, parts)?;
        let key = asked.key(client, parts)?;
        self.plans.push(asked.plan(terms, client, key));
        self.askers.push(place);
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
        Since::new(
            outcome.now,
            self.backend.as_ref().and_then(Chosen::own_clock),
        )
    }
}
