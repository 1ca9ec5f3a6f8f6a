//! The state of a client under a throttle.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::decision::Report;
use crate::engine::hit::ThrottleHit;
use crate::engine::look::BatchStates;
use crate::engine::report::{LimitStatus, binding};
use crate::identity::Identity;
use crate::inline_vec::InlineVec4;
use crate::rate::Rate;
use crate::store::plan::{Limit, Plan};
use crate::strategy;
use crate::strategy::Who;
use crate::strategy::erased::Describe;
use crate::strategy::kernel::state::State;

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
    /// The reports for header fields, with the name of the policy.
    pub(crate) limits: Vec<LimitStatus<Cow<'static, str>>>,
    /// The time at which the state was read, in microseconds of Unix time.
    #[serde(skip)]
    pub(crate) now: u64,
}

impl<M> Stat<M> {
    fn new(uid: Cow<'static, str>, rate: Rate, report: &Report, now: u64, metadata: M) -> Self {
        Self {
            uid,
            rate,
            hits_remaining: report.remaining,
            wait: report.wait,
            reset: report.reset,
            metadata,
            members: Vec::new(),
            limits: Vec::new(),
            now,
        }
    }
}

/// The states that were read for the throttles of a set, in order.
#[doc(hidden)]
pub struct Readings<'a> {
    states: BatchStates<'a, 'a>,
    /// The index of the next throttle's hit.
    next: usize,
}

impl<'a> Readings<'a> {
    pub(super) const fn new(states: BatchStates<'a, 'a>) -> Self {
        Self { states, next: 0 }
    }

    /// Returns how the client stands with the next throttle.
    pub(super) fn next<S: Describe + ?Sized>(&mut self, strategy: &S) -> Stat<S::Metadata> {
        let BatchStates {
            batch,
            times,
            states,
        } = &self.states;
        let hit = &batch.hits[self.next];
        let mut indices = batch.hit_indices.iter();
        let plan = indices.position(|index| *index == self.next);
        self.next += 1;
        let Some(index) = plan else {
            return unlimited(hit, times.first().copied().unwrap_or(0), strategy);
        };
        // The next unit costs 1.
        let plan = Plan {
            cost: 1,
            ..batch.plans[index].clone()
        };
        limited(hit, &plan, &states[index], times[index], strategy)
    }
}

/// Returns how a client stands that is limited.
fn limited<S: Describe + ?Sized>(
    hit: &ThrottleHit<'_>,
    plan: &Plan<'_>,
    state: &State,
    now: u64,
    strategy: &S,
) -> Stat<S::Metadata> {
    let limits: InlineVec4<_> = (plan.limits.iter().zip(plan.states_for(state)))
        .map(|(limit, state)| (limit, state, plan.report(limit, state, now, 1)))
        .collect();
    let stat_of = |(limit, state, report): &(&Limit, &State, Report)| {
        let metadata = strategy.describe(state, &plan.hit(limit, now, 1));
        Stat::new(
            hit.throttle.uid().clone(),
            limit.rate,
            report,
            now,
            metadata,
        )
    };
    let binds = binding(limits.iter().map(|(.., report)| report)).unwrap_or_default();
    let listed = limits.len() > 1;
    let reports = limits.iter().map(|(limit, _, report)| LimitStatus {
        throttle: hit.throttle.policy().clone(),
        rate: limit.rate,
        quota: limit.law.quota(limit.rate, report),
        listed,
        fits: true,
        report: Some(*report),
    });
    Stat {
        wait: plan.wait(state, now),
        members: if listed {
            limits.iter().map(stat_of).collect()
        } else {
            Vec::new()
        },
        limits: reports.collect(),
        ..stat_of(&limits[binds])
    }
}

impl fmt::Debug for Readings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readings")
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

/// Returns how a client stands that is exempt, or whose throttle is unlimited or disabled.
fn unlimited<S: Describe + ?Sized>(
    hit: &ThrottleHit<'_>,
    now: u64,
    strategy: &S,
) -> Stat<S::Metadata> {
    let rate = match &*hit.identity {
        Identity::Exempt => Rate::UNLIMITED,
        Identity::Client(_) => hit.first_rate(),
    };
    let uid = hit.throttle.uid().clone();
    let hit = strategy::Hit {
        rate,
        now,
        cost: 0,
        who: Who::default(),
    };
    let metadata = strategy.describe(&State::Bytes(None), &hit);
    Stat::new(uid, rate, &Report::UNLIMITED, now, metadata)
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
