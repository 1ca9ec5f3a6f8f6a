//! The state of a client under a throttle.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http::request::Parts;
use serde::{Serialize, Serializer};

use crate::decision::Report;
use crate::engine::batch::Case;
use crate::engine::hit::{Asked, Asking};
use crate::engine::report::{Policy, binding};
use crate::error::Error;
use crate::identity::Identity;
use crate::inline_vec::InlineVec4;
use crate::rate::Rate;

use crate::store::plan::{Limit, Plan};
use crate::strategy::erased::Describe;
use crate::strategy::kernel::state::State;
use crate::strategy::{Hit, Who};
use crate::throttle::Throttle;

/// The state of a client under a throttle. Times are serialized as seconds.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Stat<M> {
    /// The uid of the throttle.
    pub uid: Cow<'static, str>,
    /// The rate of the throttle; of several rates, the binding one.
    pub rate: Rate,
    /// The maximum cost that would be admitted now.
    pub hits_remaining: u64,
    /// The time until one more unit is admitted; zero if it would be admitted now, `None` if never.
    #[serde(serialize_with = "optional_seconds")]
    pub wait: Option<Duration>,
    /// The time until the state equals its initial state.
    #[serde(serialize_with = "seconds")]
    pub reset: Duration,
    /// The state in the terms of the strategy.
    pub metadata: M,
    /// The state under each rate, if the throttle has several; otherwise empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Stat<M>>,
    #[serde(skip)]
    pub(crate) policies: Vec<Policy<'static>>,
    /// The time at which the state was read, in microseconds of Unix time.
    #[serde(skip)]
    pub(crate) now: u64,
}

impl<M> Stat<M> {
    fn new(uid: Cow<'static, str>, rate: Rate, said: &Report, now: u64, metadata: M) -> Self {
        Self {
            uid,
            rate,
            hits_remaining: said.remaining,
            wait: said.wait,
            reset: said.reset,
            metadata,
            members: Vec::new(),
            policies: Vec::new(),
            now,
        }
    }
}

pub(crate) async fn stat_of<T: Throttle>(asking: &Asking, parts: &Parts) -> Result<T::Stat, Error> {
    let asked = asking.standings();
    let mut readings = Box::pin(Readings::take(&asked, Some(parts))).await?;
    Ok(T::read(&mut readings))
}

/// The states of a client under the throttles of a set, in order.
#[doc(hidden)]
pub struct Readings<'a> {
    asked: &'a [Asked<'a>],
    case: Case<'a>,
    times: InlineVec4<u64>,
    states: InlineVec4<State>,
    place: usize,
}

impl<'a> Readings<'a> {
    pub(super) async fn take(
        asked: &'a [Asked<'a>],
        parts: Option<&'a Parts>,
    ) -> Result<Self, Error> {
        let mut case = Case::new(asked, parts)?;
        let (times, states) = case.read().await?;
        Ok(Self {
            asked,
            case,
            times,
            states,
            place: 0,
        })
    }

    /// Returns the state under the next throttle.
    pub(super) fn next<S: Describe + ?Sized>(&mut self, strategy: &S) -> Stat<S::Metadata> {
        let asked = &self.asked[self.place];
        let found = self
            .case
            .askers
            .iter()
            .position(|asker| *asker == self.place);
        self.place += 1;
        match found {
            None => unlimited(asked, self.times.first().copied().unwrap_or(0), strategy),
            Some(found) => {
                // The report is on one more unit.
                let plan = Plan {
                    cost: 1,
                    ..self.case.plans[found].clone()
                };
                told(
                    asked,
                    &plan,
                    &self.states[found],
                    self.times[found],
                    strategy,
                )
            }
        }
    }
}

/// Returns the state of a client that has a limit.
fn told<S: Describe + ?Sized>(
    asked: &Asked<'_>,
    plan: &Plan<'_>,
    state: &State,
    now: u64,
    strategy: &S,
) -> Stat<S::Metadata> {
    let lines: InlineVec4<_> = (plan.limits.iter().zip(plan.states_for(state)))
        .map(|(limit, state)| (limit, state, plan.report(limit, state, now, 1)))
        .collect();
    let of = |(limit, state, said): &(&Limit, &State, Report)| {
        let metadata = strategy.describe(state, &plan.hit(limit, now, 1));
        Stat::new(
            asked.definition.uid().clone(),
            limit.rate,
            said,
            now,
            metadata,
        )
    };
    let binds = binding(lines.iter().map(|(.., said)| said)).unwrap_or_default();
    let listed = lines.len() > 1;
    let policies = lines.iter().map(|(limit, _, said)| Policy {
        name: asked.definition.policy().clone(),
        rate: limit.rate,
        quota: limit.law.quota(limit.rate, said),
        listed,
        report: Some(*said),
    });
    Stat {
        wait: plan.wait(state, now),
        members: if listed {
            lines.iter().map(of).collect()
        } else {
            Vec::new()
        },
        policies: policies.collect(),
        ..of(&lines[binds])
    }
}

impl fmt::Debug for Readings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readings")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// Returns the state of a client without a limit: it is exempt, or the throttle is unlimited or
/// disabled.
fn unlimited<S: Describe + ?Sized>(asked: &Asked<'_>, now: u64, strategy: &S) -> Stat<S::Metadata> {
    let rate = match asked.identity {
        Identity::Exempt => Rate::UNLIMITED,
        Identity::Client(_) => asked.first_rate(),
    };
    let hit = Hit {
        rate,
        now,
        cost: 0,
        who: Who::default(),
    };
    let metadata = strategy.describe(&State::Bytes(None), &hit);
    Stat::new(
        asked.definition.uid().clone(),
        rate,
        &Report::UNLIMITED,
        now,
        metadata,
    )
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

#[expect(
    clippy::ref_option,
    reason = "serde hands over a reference to the field"
)]
fn optional_seconds<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration
        .map(|duration| duration.as_secs_f64())
        .serialize(serializer)
}
