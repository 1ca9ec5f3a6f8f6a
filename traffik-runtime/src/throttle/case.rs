//! Several laws in one decision: the plans that are made of what is asked, decided together.

use http::request::Parts;
use smallvec::SmallVec;

use super::asked::{Asked, Few};
use super::definition::Definition;
use super::report::Reported;
use crate::backend::Chosen;
use crate::backend::store::{Plan, Ruling};
use crate::clock::Since;
use crate::error::Error;
use crate::identity::{Client, Identity};
use crate::strategy::kernel::Law;

/// What there is one of for each member of a set; it stays where it is made.
type Several<T> = SmallVec<[T; 4]>;

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
        let laws = asked.laws()?.into_iter().enumerate();
        let mut limits = laws
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

    pub(super) fn admitted(&self) -> bool {
        self.rulings.iter().all(|ruling| ruling.fits)
    }

    pub(super) fn reported<'d>(
        &self,
        definition: impl Fn(usize) -> &'d Definition,
    ) -> Few<Reported<'d>> {
        let admitted = self.admitted();
        let lines = self.askers.iter().zip(&self.plans).zip(&self.rulings);
        let reported = lines.map(|((asker, plan), ruling)| Reported {
            definition: definition(*asker),
            rate: plan.hit.rate,
            listed: self.askers.iter().filter(|other| *other == asker).count() > 1,
            fits: ruling.fits,
            report: if admitted {
                plan.report_admitted(&ruling.state)
            } else {
                plan.report(&ruling.state, plan.hit.cost)
            },
        });
        reported.collect()
    }

    pub(super) fn since(&self) -> Since {
        Since::new(self.now, self.backend.as_ref().and_then(Chosen::own_clock))
    }
}
