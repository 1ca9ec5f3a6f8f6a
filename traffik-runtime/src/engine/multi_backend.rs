//! A set that no store decides as a whole: members on several backends (D4), and members in shadow (D5).
//!
//! Backends are asked one after the other; where one refuses, what the others took is refunded. Members in shadow come
//! last, each by itself, and only where all others have admitted.

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::Instant;

use crate::engine::batch::{Case, Seen};
use crate::engine::hold::Hold;
use crate::engine::recovery::{Remedy, Ruling};
use crate::error::Error;
use crate::inline_vec::{InlineVec1, InlineVec4};
use crate::on_error::policy::allow;
use crate::store::outcome::{LimitReport, StoreOutcome};

use crate::store::sequential::{Sequence, decide_in_sequence};
use crate::timer;

/// Plans of a case that are decided together, and their places among all.
pub(crate) struct Part<'a> {
    pub(crate) case: Case<'a>,
    pub(crate) places: InlineVec4<usize>,
}

/// The parts of a set, which are decided one after the other until a moment.
struct Members<'a> {
    parts: Vec<Part<'a>>,
    until: Instant,
}

/// What an admitted part took.
enum Taken {
    Counted(Box<Hold>),
    /// Nothing: its backend is away, and it refuses nobody.
    Allowed(Error),
}

/// Why a set is not admitted.
enum Stopped {
    Refused(Box<StoreOutcome>),
    Throttled(Duration, Error),
    Raised(Error),
}

impl<'a> Case<'a> {
    /// Whether no store decides all plans as one.
    pub(crate) fn is_split(&self) -> bool {
        self.backends.len() > 1 || (0..self.plans.len()).any(|place| self.is_shadow(place))
    }

    /// Whether a plan refuses nobody.
    pub(crate) fn is_shadow(&self, place: usize) -> bool {
        self.asker(place).definition.settings.shadow
    }

    pub(crate) async fn decide_split(&self) -> Result<Ruling<Hold>, Error> {
        let members = Members {
            parts: self.parts(|place| !self.is_shadow(place)),
            until: Instant::now() + self.budget(),
        };
        let taken = match decide_in_sequence(&members).await {
            Ok(taken) => taken,
            Err((nth, stopped)) => return stopped.ruling(&members.parts, nth).await,
        };
        let (mut all, mut allowed) = (None, None);
        for taken in taken {
            match taken {
                Taken::Counted(one) => {
                    all = Some(match all {
                        None => *one,
                        Some(all) => joined(all, *one),
                    });
                }
                Taken::Allowed(error) => allowed = Some(error),
            }
        }
        match (all, allowed) {
            (None, Some(error)) => {
                let hold = StoreOutcome::unlimited(0).into();
                self.with_shadows(hold, members.until).await.held.keep();
                Ok(Ruling::Allowed(error))
            }
            (all, _) => {
                let hold = all.unwrap_or_else(|| StoreOutcome::unlimited(0).into());
                let hold = self.with_shadows(hold, members.until).await;
                Ok(Ruling::Decided(hold))
            }
        }
    }

    /// The states, backend by backend.
    pub(crate) async fn look_split(
        &self,
    ) -> Result<InlineVec1<(InlineVec4<usize>, Ruling<Seen<'a>>)>, Error> {
        let mut looked = InlineVec1::new();
        for part in self.parts(|_| true) {
            let seen = part.look().await?;
            looked.push((part.places, seen));
        }
        Ok(looked)
    }

    /// Lets the members in shadow count what they admit.
    async fn with_shadows(&self, mut hold: Hold, until: Instant) -> Hold {
        let shadows = (0..self.plans.len()).filter(|place| self.is_shadow(*place));
        for place in shadows {
            let mut part = self.part(InlineVec4::from_elem(place, 1));
            // It refuses nobody, whatever happens.
            part.case.remedies = InlineVec4::new();
            part.case.remedies.push(Remedy {
                policy: Cow::Owned(allow()),
                members: InlineVec4::from_elem(0, 1),
            });
            if let Ok(Ruling::Decided(shadow)) = part.decide(until).await {
                let Hold { outcome, held } = shadow.reindexed(&part.places);
                hold.held.join(held);
                hold.outcome.now = hold.outcome.now.max(outcome.now);
                hold.outcome
                    .limits
                    .extend(outcome.limits.into_iter().map(|told| LimitReport {
                        shadow: true,
                        ..told
                    }));
            }
        }
        hold.outcome.limits.sort_by_key(|told| told.plan);
        hold
    }

    /// The plans of each backend.
    fn parts(&self, of: impl Fn(usize) -> bool) -> Vec<Part<'a>> {
        let places = (0..self.backends.len()).map(|home| {
            let places = 0..self.plans.len();
            let own = places.filter(|place| self.homes[*place] == home && of(*place));
            own.collect::<InlineVec4<usize>>()
        });
        let places = places.filter(|places| !places.is_empty());
        places.map(|places| self.part(places)).collect()
    }

    pub(crate) fn part(&self, places: InlineVec4<usize>) -> Part<'a> {
        let home = self.homes[places[0]];
        let remedies = self.remedies.iter().filter_map(|remedy| {
            let members = places.iter().enumerate();
            let members = members.filter(|(_, place)| remedy.members.contains(place));
            let members: InlineVec4<usize> = members.map(|(nth, _)| nth).collect();
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
            backends: InlineVec1::from_iter([self.backends[home].reborrow()]),
            homes: InlineVec4::from_elem(0, places.len()),
            remedies: remedies.collect(),
            budget: self.budget,
        };
        Part { case, places }
    }
}

impl Sequence for Members<'_> {
    type Admitted = Taken;
    type Stop = Stopped;

    fn len(&self) -> usize {
        self.parts.len()
    }

    fn kind(&self, member: usize) -> &'static str {
        self.parts[member].case.backends[0].store().kind()
    }

    async fn decide(&self, member: usize) -> Result<Taken, Stopped> {
        let part = &self.parts[member];
        match part.decide(self.until).await {
            Ok(Ruling::Decided(hold)) if hold.outcome.admitted => {
                Ok(Taken::Counted(Box::new(hold.reindexed(&part.places))))
            }
            Ok(Ruling::Decided(hold)) => Err(Stopped::Refused(Box::new(hold.outcome))),
            Ok(Ruling::Allowed(error)) => Ok(Taken::Allowed(error)),
            Ok(Ruling::Throttled(wait, error)) => Err(Stopped::Throttled(wait, error)),
            Err(error) => Err(Stopped::Raised(error)),
        }
    }

    async fn refund(&self, _: usize, taken: Taken) -> Option<Result<(), Error>> {
        let Taken::Counted(hold) = taken else {
            return None;
        };
        // The refusal does not wait any longer than this; the refund continues in the background.
        let left = self.until.saturating_duration_since(Instant::now());
        timer::within(left, hold.held.cancel()).await.ok()
    }
}

impl<'a> Part<'a> {
    async fn decide(&self, until: Instant) -> Result<Ruling<Hold>, Error> {
        let left = until.saturating_duration_since(Instant::now());
        self.case.decide_whole(&self.case.backends[0], left).await
    }

    async fn look(&self) -> Result<Ruling<Seen<'a>>, Error> {
        self.case.look_whole(&self.case.backends[0]).await
    }
}

impl Stopped {
    /// What becomes of the set when one of its parts has stopped it.
    async fn ruling(self, parts: &[Part<'_>], by: usize) -> Result<Ruling<Hold>, Error> {
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
                let mut all = refused.reindexed(&parts[by].places);
                for part in parts.iter().filter(|part| part.places != parts[by].places) {
                    if let Ok(Ruling::Decided(seen)) = part.look().await {
                        let plans = seen.plans.as_ref().unwrap_or(&part.case.plans);
                        let outcome = StoreOutcome::refused(plans, seen.states.iter(), seen.now);
                        all = all.and(outcome.reindexed(&part.places));
                    }
                }
                Ok(Ruling::Decided(all.into()))
            }
        }
    }
}

impl StoreOutcome {
    /// The outcome of two parts of a set: the wait is the longer one.
    fn and(mut self, other: Self) -> Self {
        self.now = self.now.max(other.now);
        self.admitted &= other.admitted;
        self.wait = self.wait.zip(other.wait).map(|(one, other)| one.max(other));
        self.limits.extend(other.limits);
        self.limits.sort_by_key(|told| told.plan);
        self
    }
}

fn joined(mut one: Hold, other: Hold) -> Hold {
    one.held.join(other.held);
    Hold {
        outcome: one.outcome.and(other.outcome),
        held: one.held,
    }
}
