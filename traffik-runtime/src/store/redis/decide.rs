//! Decides plans by one script, in one round trip. The reply holds the states, which are
//! interpreted here.

use std::time::Duration;

use crate::clock::Clock;
use crate::clock::reading::Reading;
use crate::error::Error;
use crate::flow::Flow;
use crate::inline_vec::InlineVec4;
use crate::store::StateStore;
use crate::store::caller::Caller;
use crate::store::cas::{decide_on, slack};
use crate::store::cas_retry::Retries;
use crate::store::codec::{encode, lengthened};
use crate::store::entry_limit::check_entries;
use crate::store::outcome::StoreOutcome;
use crate::store::plan::Plan;
use crate::store::redis::client::Redis;
use crate::store::redis::lua::{REPLACE, decide};
use crate::store::redis::protocol::{ScriptArgs, ScriptReply};
use crate::store::settlement::Settlement;
use crate::strategy::kernel::state::State;

/// The greatest number of entries in a log or a mean. It is written whole at each hit, so a larger
/// one would delay all other operations.
const MAX_ENTRIES: u64 = 65_536;

impl StateStore for Redis {
    fn kind(&self) -> &'static str {
        "redis"
    }

    fn decide<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        clock: Option<&'a dyn Clock>,
        caller: &'a Caller,
    ) -> Flow<'a, Result<StoreOutcome, Error>> {
        Flow::pending(async move {
            check_entries(plans, MAX_ENTRIES, "Redis")?;
            let at = clock.map(Reading::now_of);
            match self.slots(plans) {
                None => self.decide_slot(plans, at, caller).await,
                Some(slots) => self.decide_slots(plans, &slots, at, caller).await,
            }
        })
    }

    fn settle<'a>(
        &'a self,
        settlements: &'a [Settlement<'a>],
        clock: Option<&'a dyn Clock>,
        caller: &'a Caller,
    ) -> Flow<'a, Result<(), Error>> {
        Flow::pending(async move {
            let at = clock.map(Reading::now_of);
            let plans: Vec<_> = settlements.iter().map(|it| it.plan.clone()).collect();
            match self.slots(&plans) {
                None => self.settle_slot(settlements, at, caller).await,
                Some(slots) => self.settle_slots(settlements, &slots, at, caller).await,
            }
        })
    }

    fn read<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        clock: Option<&'a dyn Clock>,
    ) -> Flow<'a, Result<(u64, InlineVec4<State>), Error>> {
        Flow::pending(async move {
            check_entries(plans, MAX_ENTRIES, "Redis")?;
            let at = clock.map(Reading::now_of);
            match self.slots(plans) {
                None => self.read_slot(plans, at).await,
                Some(slots) => self.read_slots(plans, &slots, at).await,
            }
        })
    }
}

impl Redis {
    /// Decides plans whose keys are on one server.
    pub(crate) async fn decide_slot(
        &self,
        plans: &[Plan<'_>],
        at: Option<u64>,
        caller: &Caller,
    ) -> Result<StoreOutcome, Error> {
        if plans.iter().any(Plan::is_custom) {
            return self.decide_in_process(plans, at, caller).await;
        }
        let reply = self
            .run_script(plans, at, Some(caller), |plan| plan.cost)
            .await?;
        let states = reply.states(plans);
        if !reply.admitted {
            if reply.has_malformed_state(plans) {
                // The script reads only a part of a state, so it may have refused by bytes that are
                // no state. Those are replaced.
                return self.decide_in_process(plans, at, caller).await;
            }
            return Ok(StoreOutcome::refused(plans, states.iter(), reply.now));
        }
        let lines = plans.iter().zip(&states).enumerate();
        let limits =
            lines.flat_map(|(place, (plan, state))| plan.limit_reports(place, state, reply.now));
        Ok(StoreOutcome::admitted(reply.now, limits.collect()))
    }

    /// Reads states whose keys are on one server.
    pub(crate) async fn read_slot(
        &self,
        plans: &[Plan<'_>],
        at: Option<u64>,
    ) -> Result<(u64, InlineVec4<State>), Error> {
        let reply = self.run_script(plans, at, None, |_| 0).await?;
        Ok((reply.now, reply.states(plans)))
    }

    /// Runs the script that decides these plans at the given costs; at a cost of 0 it only reads.
    async fn run_script(
        &self,
        plans: &[Plan<'_>],
        at: Option<u64>,
        caller: Option<&Caller>,
        cost: impl Fn(&Plan<'_>) -> u64,
    ) -> Result<ScriptReply, Error> {
        let time = at.map_or_else(String::new, |at| at.to_string());
        let reply = if let [plan] = plans
            && let [limit] = &*plan.limits
            && let Some(script) = decide::one(&limit.law)
        {
            let args = ScriptArgs::one(&limit.law, cost(plan));
            let answer: Vec<u8> = self
                .script(script, caller, |cmd| {
                    cmd.arg(1).arg(&plan.name).arg(&args.numbers);
                    if !time.is_empty() || !args.pairs.is_empty() {
                        cmd.arg(&time).arg(&args.pairs);
                    }
                })
                .await?;
            ScriptReply::one(answer)
        } else {
            let args = ScriptArgs::many(plans, cost);
            let answer: Vec<Vec<u8>> = self
                .script(&decide::MANY, caller, |cmd| {
                    cmd.arg(plans.len());
                    for plan in plans {
                        cmd.arg(&plan.name);
                    }
                    cmd.arg(&args.numbers).arg(&time);
                })
                .await?;
            ScriptReply::many(answer, plans.len())
        };
        reply.ok_or_else(|| Error::backend("the script's answer makes no sense"))
    }

    /// Decides in this process, for laws that the server does not know: on the states that were
    /// read, which are written if they have not changed.
    async fn decide_in_process(
        &self,
        plans: &[Plan<'_>],
        at: Option<u64>,
        caller: &Caller,
    ) -> Result<StoreOutcome, Error> {
        let mut retries = Retries::new(&plans[0].name);
        loop {
            let reply = self.run_script(plans, at, Some(caller), |_| 0).await?;
            let (outcome, after) = decide_on(plans, &reply.states(plans), reply.now);
            if !outcome.admitted {
                self.catch_up(plans, &reply, at).await?;
                self.lengthen(plans, &reply, at).await;
                return Ok(outcome);
            }
            let new = plans.iter().zip(&after).enumerate();
            let new = new.map(|(place, (plan, state))| {
                let limits = outcome.limits.iter().filter(|limit| limit.plan == place);
                let resets = limits.map(|limit| limit.report.reset);
                let bytes = (plan.cost > 0).then(|| encode(plan, state));
                (plan, bytes, millis(resets.max().unwrap_or_default(), at))
            });
            if self.replace(&reply, Some(caller), new).await? {
                return Ok(outcome);
            }
            retries.again().await?;
        }
    }

    /// Replaces the states that are far ahead of the clock (L4), after a hit on them was refused.
    /// If another writer changes them meanwhile, that is a hit which has done so.
    async fn catch_up(
        &self,
        plans: &[Plan<'_>],
        reply: &ScriptReply,
        at: Option<u64>,
    ) -> Result<(), Error> {
        let filled = |(plan, state): (&Plan<'_>, &State)| {
            let filled = plan.caught_up(state, reply.now);
            let filled = filled.filter(|_| plan.cost > 0)?;
            let ttl = plan.retention(&filled, reply.now);
            Some((encode(plan, &filled), millis(ttl, at)))
        };
        let states = reply.states(plans);
        let filled: Vec<_> = plans.iter().zip(&states).map(filled).collect();
        if filled.iter().any(Option::is_some) {
            let new = plans.iter().zip(filled).map(|(plan, filled)| {
                let (bytes, ttl) = filled.unzip();
                (plan, bytes, ttl.unwrap_or_default())
            });
            self.replace(reply, None, new).await?;
        }
        Ok(())
    }

    /// Replaces states that are far ahead of the clock, of plans that were only read because a plan
    /// in another slot was refused.
    pub(crate) async fn catch_up_slot(
        &self,
        plans: &[Plan<'_>],
        at: Option<u64>,
    ) -> Result<(), Error> {
        let reply = self.run_script(plans, at, None, |_| 0).await?;
        self.catch_up(plans, &reply, at).await?;
        self.lengthen(plans, &reply, at).await;
        Ok(())
    }

    /// Extends the life of states for as long as rates need them that were refused with them (L30).
    /// A state that another writer has changed has a life of its own, and a refusal stays one if
    /// this fails.
    async fn lengthen(&self, plans: &[Plan<'_>], reply: &ScriptReply, at: Option<u64>) {
        let mut lengthens = false;
        let lines = plans.iter().zip(&reply.values);
        let new = lines.map(|(plan, value)| {
            let longer = lengthened(plan, value, reply.now).filter(|_| plan.cost > 0);
            lengthens |= longer.is_some();
            let (bytes, life) = longer.unzip();
            (plan, bytes, millis(life.unwrap_or_default(), at))
        });
        let new: Vec<_> = new.collect();
        if lengthens {
            let _ = self.replace(reply, None, new.into_iter()).await;
        }
    }

    /// Settles plans whose keys are on one server: on the states that were read, which are written
    /// if they have not changed.
    pub(crate) async fn settle_slot(
        &self,
        settlements: &[Settlement<'_>],
        at: Option<u64>,
        caller: &Caller,
    ) -> Result<(), Error> {
        let Some(first) = settlements.first() else {
            return Ok(());
        };
        let plans: Vec<_> = settlements.iter().map(|it| it.plan.clone()).collect();
        let mut retries = Retries::new(&first.plan.name);
        loop {
            let reply = self.run_script(&plans, at, Some(caller), |_| 0).await?;
            let states = settlements.iter().zip(&reply.values);
            let states = states.map(|(it, value)| it.state_of(value, reply.now));
            let mut states: InlineVec4<State> = states.collect();
            let mut new = Vec::with_capacity(settlements.len());
            for (place, settlement) in settlements.iter().enumerate() {
                let name = &settlement.plan.name;
                // The second of two settlements on one key finds the state that the first leaves.
                let earlier = plans[..place].iter().rposition(|plan| plan.name == *name);
                let mut state = states[earlier.unwrap_or(place)].clone();
                let is_gone = settlement.adjustment.is_refund() && reply.values[place].is_empty();
                let changes = !is_gone && settlement.apply(&mut state, reply.now);
                let bytes = changes.then(|| encode(&settlement.plan, &state));
                let matters = millis(settlement.plan.retention(&state, reply.now), at);
                new.push((&settlement.plan, bytes, matters));
                states[place] = state;
            }
            let changes = new.iter().any(|(_, bytes, _)| bytes.is_some());
            if !changes || self.replace(&reply, Some(caller), new.into_iter()).await? {
                return Ok(());
            }
            retries.again().await?;
        }
    }

    /// Writes the new states, each with milliseconds to live, if none has changed since it was
    /// read. Returns `true` if they were written.
    async fn replace<'p>(
        &self,
        reply: &ScriptReply,
        caller: Option<&Caller>,
        new: impl Iterator<Item = (&'p Plan<'p>, Option<Vec<u8>>, u64)>,
    ) -> Result<bool, Error> {
        let new: Vec<_> = new.collect();
        let replaced = self.script(&REPLACE, caller, |cmd| {
            cmd.arg(new.len());
            for (plan, ..) in &new {
                cmd.arg(&plan.name);
            }
            for ((_, bytes, millis), value) in new.iter().zip(&reply.values) {
                cmd.arg(value)
                    .arg(bytes.as_deref().unwrap_or_default())
                    .arg(millis);
            }
        });
        Ok(replaced.await?)
    }
}

/// Returns a time to live in milliseconds, longer for states that are written at the time of
/// another clock.
fn millis(longest: Duration, at: Option<u64>) -> u64 {
    let nanos = (longest + slack(at)).as_nanos().div_ceil(1_000_000);
    u64::try_from(nanos).unwrap_or(u64::MAX).clamp(1, 1 << 60)
}
