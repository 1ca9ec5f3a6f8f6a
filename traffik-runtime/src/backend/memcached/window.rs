//! A window's count, which Memcached adds to by itself: in one exchange it is made or added to, and told.
//!
//! The window is part of the key, so that nothing has to be forgotten in time. What a refusal added is taken back at once;
//! until then, and if that is lost, others are refused that would not have been, but never is more admitted.

use std::time::Duration;

use super::error::Failed;
use super::request::{Reply, Request, Status};
use super::store::Asking;
use super::ttl::at_least;
use crate::backend::outcome::Outcome;
use crate::backend::plan::{Plan, Term};
use crate::backend::swap::slack;
use crate::error::Error;
use crate::observe;
use crate::strategy::State;
use crate::strategy::kernel::{EXACT, Kind, Law, Packed};

/// How far the clocks of those who share a window may be apart before one finds a count gone that is still its own.
const MARGIN: Duration = Duration::from_secs(10);

/// The window in which a plan counts at a moment.
pub(super) struct Window<'p> {
    plan: &'p Plan<'p>,
    term: &'p Term,
    now: u64,
    start: u64,
    key: String,
}

impl<'p> Window<'p> {
    /// None if its law is no count of windows.
    pub(super) fn of(plan: &'p Plan<'p>, now: u64) -> Option<Self> {
        let [term] = &*plan.terms else { return None };
        if !matches!(term.law, Law::Window(_) | Law::Hours(_)) {
            return None;
        }
        let period = term.rate.period_micros();
        let start = now - now % period;
        Some(Self {
            plan,
            term,
            now,
            start,
            // No part of a name has such a sign.
            key: format!("{}@{period}.{}", plan.name, start / period),
        })
    }

    pub(super) async fn decide(
        &self,
        asking: &Asking<'_>,
        at: Option<u64>,
        refused: impl Fn(&Outcome),
    ) -> Result<Outcome, Error> {
        let Self {
            plan, term, now, ..
        } = *self;
        let cost = plan.cost;
        if cost == 0 {
            let state = self.read(asking).await?;
            return Ok(self.admitted(&state));
        }
        // What even an empty window refuses is not sent.
        let admits = |count| term.law.decide_packed(&self.packed(count), now, cost);
        if admits(0).is_none() {
            return Ok(self.refused(&self.read(asking).await?));
        }
        let taken = self.add(asking, at).await?;
        let before = taken.saturating_sub(cost);
        match admits(before) {
            Some(after) => Ok(self.admitted(&State::Packed(after))),
            None => {
                let refusal = self.refused(&self.state(before));
                refused(&refusal);
                // That it could not be taken back changes nothing of this decision.
                if let Err(failed) = self.give_back(&asking.afresh()).await {
                    observe::not_refunded("memcached", &failed);
                }
                Ok(refusal)
            }
        }
    }

    /// Takes the cost, whether there is room or not.
    pub(super) async fn charge(&self, asking: &Asking<'_>, at: Option<u64>) -> Result<(), Error> {
        self.add(asking, at).await?;
        Ok(())
    }

    /// Whether the window has ended at a moment: then nothing is given back (L32).
    pub(super) const fn is_over(&self, now: u64) -> bool {
        now >= self.end()
    }

    const fn end(&self) -> u64 {
        self.start.saturating_add(self.term.rate.period_micros())
    }

    pub(super) async fn give_back(&self, asking: &Asking<'_>) -> Result<(), Failed> {
        let reply = asking
            .ask(Request::take_from(&self.key, self.plan.cost))
            .await;
        reply.map(|_| ())
    }

    pub(super) async fn read(&self, asking: &Asking<'_>) -> Result<State, Failed> {
        let reply = asking.ask(Request::get(&self.key)).await?;
        Ok(self.state(number(&reply).unwrap_or(0)))
    }

    /// The count with the cost in it.
    async fn add(&self, asking: &Asking<'_>, at: Option<u64>) -> Result<u64, Failed> {
        let left = Duration::from_micros(self.end() - self.now);
        let seconds = at_least(left + MARGIN + slack(at));
        let cost = self.plan.cost;
        let add = Request::add_to(&self.key, cost).or_new(cost, seconds);
        let reply = match asking.ask(add.clone()).await {
            Err(Failed::Refused(_)) => {
                // It is no number, so it is no count: whoever wrote it, it is as if it were not there.
                asking.ask(Request::delete(&self.key)).await?;
                asking.ask(add).await?
            }
            reply => reply?,
        };
        number(&reply)
            .filter(|_| reply.status == Status::Done)
            .ok_or(Failed::Astray)
    }

    fn admitted(&self, after: &State) -> Outcome {
        let told = self.plan.told(0, after, self.now);
        Outcome::admitted(self.now, told.collect())
    }

    fn refused(&self, state: &State) -> Outcome {
        let plans = std::slice::from_ref(self.plan);
        Outcome::refused(plans, std::iter::once(state), self.now)
    }

    fn state(&self, count: u64) -> State {
        State::Packed(self.packed(count))
    }

    /// Returns the state of a count, which no law lets grow beyond [`EXACT`].
    fn packed(&self, count: u64) -> Packed {
        let count = count.min(EXACT);
        if count == 0 {
            return Packed::NOTHING;
        }
        let rate = self.term.rate;
        Packed {
            kind: Kind::Window,
            tick_power: 0,
            limit: rate.limit(),
            period: rate.period_micros(),
            at: self.start,
            amount: count,
            extra: 0,
        }
    }
}

/// Reads a count. What was made smaller may end in spaces.
fn number(reply: &Reply) -> Option<u64> {
    let value = str::from_utf8(reply.value.as_deref()?).ok()?;
    value.trim_end().parse().ok()
}
