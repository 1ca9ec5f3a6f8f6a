//! A set that no store decides as a whole: members on several backends (D4), and members in shadow (D5).
//!
//! Backends are asked one after the other; where one refuses, what the others took is given back: meanwhile somebody else
//! may be refused that would not have been, but never is more admitted. Members in shadow come last, each by itself, and
//! only where all others have admitted.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::asked::Few;
use super::case::{Case, Seen};
use super::held::Held;
use crate::backend::outcome::{Outcome, Several, Told};
use crate::error::Error;
use crate::failure::{Remedy, Ruling, allow};

/// Plans of a case that are decided together, and their places among all.
struct Part<'a> {
    case: Case<'a>,
    places: Several<usize>,
}

/// Why a set is not admitted.
enum Stopped {
    Refused(Box<Outcome>),
    Throttled(Duration, Error),
    Raised(Error),
}

impl<'a> Case<'a> {
    /// Whether no store decides all plans as one.
    pub(super) fn is_split(&self) -> bool {
        self.backends.len() > 1 || (0..self.plans.len()).any(|place| self.is_shadow(place))
    }

    /// Whether a plan refuses nobody.
    pub(super) fn is_shadow(&self, place: usize) -> bool {
        self.asker(place).definition.is_shadow()
    }

    pub(super) async fn decide_split(&self) -> Result<Ruling<Outcome>, Error> {
        let parts = self.parts(|place| !self.is_shadow(place));
        let started = Instant::now();
        let (mut took, mut allowed, mut stopped) = (Vec::new(), None, None);
        for (nth, part) in parts.iter().enumerate() {
            match part.decide(self.left(started)).await {
                Ok(Ruling::Decided(outcome)) if outcome.admitted => {
                    // Given back even where nobody waits for the decision any more.
                    let held = Held::of(&part.case, &outcome);
                    took.push((outcome.of_plans(&part.places), held));
                }
                Ok(Ruling::Decided(outcome)) => stopped = Some(Stopped::Refused(Box::new(outcome))),
                Ok(Ruling::Allowed(error)) => allowed = Some(error),
                Ok(Ruling::Throttled(wait, error)) => {
                    stopped = Some(Stopped::Throttled(wait, error));
                }
                Err(error) => stopped = Some(Stopped::Raised(error)),
            }
            if let Some(stopped) = stopped {
                for (_, held) in took {
                    // What cannot be given back makes others be refused, and changes nothing of this decision.
                    let _ = held.cancel().await;
                }
                return stopped.ruling(&parts, nth).await;
            }
        }
        let outcome = joined(took.into_iter().map(|(outcome, held)| {
            held.keep();
            outcome
        }));
        Ok(match (outcome, allowed) {
            (None, Some(error)) => {
                self.with_shadows(Outcome::unlimited(0), started).await;
                Ruling::Allowed(error)
            }
            (outcome, _) => {
                let outcome = outcome.unwrap_or_else(|| Outcome::unlimited(0));
                Ruling::Decided(self.with_shadows(outcome, started).await)
            }
        })
    }

    /// The states, backend by backend.
    pub(super) async fn look_split(
        &self,
    ) -> Result<Few<(Several<usize>, Ruling<Seen<'a>>)>, Error> {
        let mut looked = Few::new();
        for part in self.parts(|_| true) {
            let seen = part.look().await?;
            looked.push((part.places, seen));
        }
        Ok(looked)
    }

    /// Lets the members in shadow count what they admit.
    async fn with_shadows(&self, mut outcome: Outcome, started: Instant) -> Outcome {
        let shadows = (0..self.plans.len()).filter(|place| self.is_shadow(*place));
        for place in shadows {
            let mut part = self.part(Several::from_elem(place, 1));
            // It refuses nobody, whatever happens.
            part.case.remedies = Several::new();
            part.case.remedies.push(Remedy {
                policy: Cow::Owned(allow()),
                members: Several::from_elem(0, 1),
            });
            let decided = part.decide(self.left(started)).await;
            if let Ok(Ruling::Decided(said)) = decided {
                outcome.now = outcome.now.max(said.now);
                let said = said.of_plans(&part.places);
                outcome.elsewhere.extend(said.elsewhere);
                outcome.told.extend(said.told.into_iter().map(|told| Told {
                    shadow: true,
                    ..told
                }));
            }
        }
        outcome.told.sort_by_key(|told| told.plan);
        outcome
    }

    fn left(&self, started: Instant) -> Duration {
        self.budget().saturating_sub(started.elapsed())
    }

    /// The plans of each backend.
    fn parts(&self, of: impl Fn(usize) -> bool) -> Vec<Part<'a>> {
        let places = (0..self.backends.len()).map(|home| {
            let places = 0..self.plans.len();
            let own = places.filter(|place| self.homes[*place] == home && of(*place));
            own.collect::<Several<usize>>()
        });
        let places = places.filter(|places| !places.is_empty());
        places.map(|places| self.part(places)).collect()
    }

    fn part(&self, places: Several<usize>) -> Part<'a> {
        let home = self.homes[places[0]];
        let remedies = self.remedies.iter().filter_map(|remedy| {
            let members = places.iter().enumerate();
            let members = members.filter(|(_, place)| remedy.members.contains(place));
            let members: Several<usize> = members.map(|(nth, _)| nth).collect();
            (!members.is_empty()).then(|| Remedy {
                policy: remedy.policy.clone(),
                members,
            })
        });
        let case = Case {
            plans: places.iter().map(|it| self.plans[*it].clone()).collect(),
            askers: places.iter().map(|it| self.askers[*it]).collect(),
            asked: self.asked,
            parts: self.parts,
            backends: Few::from_iter([self.backends[home].again()]),
            homes: Several::from_elem(0, places.len()),
            remedies: remedies.collect(),
            budget: self.budget,
        };
        Part { case, places }
    }
}

impl<'a> Part<'a> {
    async fn decide(&self, left: Duration) -> Result<Ruling<Outcome>, Error> {
        self.case.decide_whole(&self.case.backends[0], left).await
    }

    async fn look(&self) -> Result<Ruling<Seen<'a>>, Error> {
        self.case.look_whole(&self.case.backends[0]).await
    }
}

impl Stopped {
    /// What becomes of the set when one of its parts has stopped it.
    async fn ruling(self, parts: &[Part<'_>], by: usize) -> Result<Ruling<Outcome>, Error> {
        match self {
            Self::Raised(error) => Err(error),
            Self::Throttled(wait, error) => {
                // The strictest verdict wins: a part that was not asked yet may want to raise it.
                for part in &parts[by + 1..] {
                    part.look().await?;
                }
                Ok(Ruling::Throttled(wait, error))
            }
            Self::Refused(refused) => {
                let mut said = vec![refused.of_plans(&parts[by].places)];
                for part in parts.iter().filter(|part| part.places != parts[by].places) {
                    if let Ok(Ruling::Decided(seen)) = part.look().await {
                        let plans = seen.plans.as_ref().unwrap_or(&part.case.plans);
                        let outcome = Outcome::refused(plans, seen.states.iter(), seen.now);
                        said.push(outcome.of_plans(&part.places));
                    }
                }
                let outcome = joined(said.into_iter());
                Ok(Ruling::Decided(
                    outcome.unwrap_or_else(|| Outcome::unlimited(0)),
                ))
            }
        }
    }
}

/// What parts said, put together: the wait is the longest. Nothing if there was none.
fn joined(parts: impl Iterator<Item = Outcome>) -> Option<Outcome> {
    let mut all = parts.reduce(|mut all, one| {
        all.now = all.now.max(one.now);
        all.admitted &= one.admitted;
        all.wait = all.wait.zip(one.wait).map(|(one, other)| one.max(other));
        all.told.extend(one.told);
        all.elsewhere.extend(one.elsewhere);
        all
    })?;
    all.told.sort_by_key(|told| told.plan);
    Some(all)
}
