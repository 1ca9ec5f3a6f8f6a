//! Decides in this process on states that were read, and writes them if they have not changed. This
//! serves the laws that the server does not know.
//!
//! Numbers such as L4 are laws of the guide's chapter
//! [laws](https://docs.rs/traffik/latest/traffik/guide/laws/index.html#l4).

use std::time::Duration;

use crate::error::Error;
use crate::store::caller::Caller;
use crate::store::cas::{decide_on, slack};
use crate::store::cas_retry::Retries;
use crate::store::codec::{encode, lengthened};
use crate::store::outcome::StoreOutcome;
use crate::store::plan::Plan;
use crate::store::redis::client::Redis;
use crate::store::redis::lua::REPLACE;
use crate::store::redis::protocol::{ScriptGroup, ScriptReply};
use crate::strategy::kernel::state::State;

impl Redis {
    /// Decides in this process, for laws that the server does not know: on the states that were
    /// read, which are written if they have not changed.
    pub(crate) async fn decide_in_process(
        &self,
        plans: &[Plan<'_>],
        at: Option<u64>,
        caller: &Caller,
    ) -> Result<StoreOutcome, Error> {
        let mut retries = Retries::new(&plans[0].name);
        loop {
            let reply = self
                .run_script(ScriptGroup::Read(plans), at, Some(caller))
                .await?;
            let (outcome, after) = decide_on(plans, &reply.states(plans), reply.now);
            if !outcome.admitted {
                self.catch_up(plans, &reply, at).await?;
                self.extend_lives(plans, &reply, at).await;
                return Ok(outcome);
            }
            let new = plans.iter().zip(&after).enumerate();
            let new = new.map(|(index, (plan, state))| {
                let limits = outcome.limits.iter().filter(|limit| limit.plan == index);
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

    /// Replaces the states that are far ahead of the clock, after a hit on them was refused
    /// (law L4). If another writer changes them meanwhile, that is a hit which has done so.
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
        let reply = self.run_script(ScriptGroup::Read(plans), at, None).await?;
        self.catch_up(plans, &reply, at).await?;
        self.extend_lives(plans, &reply, at).await;
        Ok(())
    }

    /// Extends the lives of the states with which a hit was refused, for as long as the plans'
    /// rates need them (law L30). A state that another writer has changed has a life of its own,
    /// and a refusal stays one if this fails.
    async fn extend_lives(&self, plans: &[Plan<'_>], reply: &ScriptReply, at: Option<u64>) {
        let mut is_extended = false;
        let new = plans.iter().zip(&reply.values).map(|(plan, value)| {
            let extended = lengthened(plan, value, reply.now).filter(|_| plan.cost > 0);
            is_extended |= extended.is_some();
            let (bytes, ttl) = extended.unzip();
            (plan, bytes, millis(ttl.unwrap_or_default(), at))
        });
        let new: Vec<_> = new.collect();
        if is_extended {
            let _ = self.replace(reply, None, new.into_iter()).await;
        }
    }

    /// Writes the new states, each with milliseconds to live, if none has changed since it was
    /// read. Returns `true` if they were written.
    pub(crate) async fn replace<'p>(
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
pub(crate) fn millis(ttl: Duration, at: Option<u64>) -> u64 {
    let nanos = (ttl + slack(at)).as_nanos().div_ceil(1_000_000);
    u64::try_from(nanos).unwrap_or(u64::MAX).clamp(1, 1 << 60)
}
