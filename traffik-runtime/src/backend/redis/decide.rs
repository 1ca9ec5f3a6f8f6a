//! Plans are decided by one script, in one round trip; what its states mean is said here.

use std::sync::LazyLock;
use std::time::Duration;

use redis::{Cmd, Value, from_redis_value_ref};

use super::scripts::Script;
use super::store::Redis;
use crate::backend::apply::apply;
use crate::backend::erased::Answer;
use crate::backend::longest::fits;
use crate::backend::outcome::{Outcome, Several};
use crate::backend::plan::Plan;
use crate::backend::retry::Retries;
use crate::backend::store::Decide;
use crate::backend::wire::{decode, encode};
use crate::error::Error;
use crate::strategy::State;
use crate::strategy::kernel::EXACT;

/// Every kernel, and what decides with them.
pub(super) const DECIDE_SOURCE: &str = concat!(
    include_str!("../../strategy/kernel/state.lua"),
    include_str!("../../strategy/kernel/exact.lua"),
    include_str!("../../strategy/kernel/window.lua"),
    include_str!("../../strategy/kernel/hours.lua"),
    include_str!("../../strategy/kernel/counter.lua"),
    include_str!("../../strategy/kernel/meter.lua"),
    include_str!("../../strategy/kernel/rollover.lua"),
    include_str!("../../strategy/kernel/adaptive.lua"),
    include_str!("../../strategy/kernel/log.lua"),
    include_str!("../../strategy/kernel/mean.lua"),
    include_str!("decide.lua"),
);

/// Writes states if none has changed since it was read. Keys; for each the value that was read or nothing, the new one or
/// nothing to leave it, and milliseconds to live.
pub(super) const REPLACE_SOURCE: &str = "\
for place, key in ipairs(KEYS) do
  if (redis.call('GET', key) or '') ~= ARGV[3 * place - 2] then return 0 end
end
for place, key in ipairs(KEYS) do
  local new = ARGV[3 * place - 1]
  if new ~= '' then redis.call('SET', key, new, 'PX', ARGV[3 * place]) end
end
return 1";

static DECIDE: LazyLock<Script> = LazyLock::new(|| Script::new(DECIDE_SOURCE));
static REPLACE: LazyLock<Script> = LazyLock::new(|| Script::new(REPLACE_SOURCE));

/// A log or a mean is written whole at each hit, so one larger than this would hold up all others.
const LONGEST: u64 = 65_536;

/// What the script answered.
struct Said {
    now: u64,
    admitted: bool,
    values: Vec<Vec<u8>>,
}

impl Decide for Redis {
    fn decide<'a>(&'a self, plans: &'a [Plan<'a>], at: Option<u64>) -> Answer<'a, Outcome> {
        Box::pin(async move {
            fits(plans, LONGEST, "Redis")?;
            if plans.iter().any(Plan::is_custom) {
                return self.decide_here(plans, at).await;
            }
            let said = self.ask(plans, at, |plan| plan.cost).await?;
            let states = said.states(plans);
            if !said.admitted {
                return Ok(Outcome::refused(plans, states.iter(), said.now));
            }
            let lines = plans.iter().zip(&states).enumerate();
            let told = lines.flat_map(|(place, (plan, state))| plan.told(place, state, said.now));
            Ok(Outcome::admitted(said.now, told.collect()))
        })
    }

    fn read<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        at: Option<u64>,
    ) -> Answer<'a, (u64, Several<State>)> {
        Box::pin(async move {
            fits(plans, LONGEST, "Redis")?;
            let said = self.ask(plans, at, |_| 0).await?;
            Ok((said.now, said.states(plans)))
        })
    }
}

impl Redis {
    async fn ask(
        &self,
        plans: &[Plan<'_>],
        at: Option<u64>,
        cost: impl Fn(&Plan<'_>) -> u64,
    ) -> Result<Said, Error> {
        let told: Vec<_> = plans
            .iter()
            .map(|plan| {
                let laws = plan.terms.iter().map(|term| term.law.numbers());
                (cost(plan).min(EXACT), laws)
            })
            .map(|(cost, laws)| Asked(cost, laws.collect()))
            .collect();
        let told = rmp_serde::to_vec(&told).map_err(|error| Error::backend(error.to_string()))?;
        let at = at.map_or_else(String::new, |at| at.to_string());
        let fill = |cmd: &mut Cmd| {
            cmd.arg(plans.len());
            plans.iter().for_each(|plan| {
                cmd.arg(&plan.name);
            });
            cmd.arg(&at).arg(&told);
        };
        let answer: Vec<Value> = self.script(&DECIDE, fill).await?;
        Said::read(&answer, plans.len())
            .ok_or_else(|| Error::backend("the script's answer makes no sense"))
    }

    /// Decides with laws that the server does not know: on what was read, written if it is still there.
    async fn decide_here(&self, plans: &[Plan<'_>], at: Option<u64>) -> Result<Outcome, Error> {
        let mut retries = Retries::of(&plans[0].name);
        loop {
            let said = self.ask(plans, at, |_| 0).await?;
            let (after, outcome) = match apply(plans, &said.states(plans), said.now) {
                Ok(applied) => applied,
                Err(refused) => return Ok(refused),
            };
            let replaced = self.script(&REPLACE, |cmd| {
                cmd.arg(plans.len());
                plans.iter().for_each(|plan| {
                    cmd.arg(&plan.name);
                });
                for (place, (plan, state)) in plans.iter().zip(&after).enumerate() {
                    let new = if plan.cost == 0 {
                        Vec::new()
                    } else {
                        encode(plan, state)
                    };
                    cmd.arg(&said.values[place])
                        .arg(new)
                        .arg(millis(&outcome, place, at));
                }
            });
            if replaced.await? {
                return Ok(outcome);
            }
            retries.again().await?;
        }
    }
}

/// A plan as the script is told of it: its cost, then its laws.
struct Asked(u64, Vec<Vec<u64>>);

impl serde::Serialize for Asked {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq;
        let mut list = serializer.serialize_seq(Some(1 + self.1.len()))?;
        list.serialize_element(&self.0)?;
        for law in &self.1 {
            list.serialize_element(law)?;
        }
        list.end()
    }
}

impl Said {
    fn read(answer: &[Value], plans: usize) -> Option<Self> {
        let [Value::Int(now), Value::Int(admitted), values @ ..] = answer else {
            return None;
        };
        let values = values.iter().map(from_redis_value_ref::<Vec<u8>>);
        let values: Vec<_> = values.collect::<Result<_, _>>().ok()?;
        (values.len() == plans).then_some(Self {
            now: u64::try_from(*now).ok()?,
            admitted: *admitted == 1,
            values,
        })
    }

    fn states(&self, plans: &[Plan<'_>]) -> Several<State> {
        let lines = plans.iter().zip(&self.values);
        let states = lines.map(|(plan, value)| decode(plan, value).unwrap_or_default());
        states.collect()
    }
}

/// How long what was decided of a plan matters, in milliseconds.
fn millis(outcome: &Outcome, plan: usize, at: Option<u64>) -> u64 {
    let told = outcome.told.iter().filter(|told| told.plan == plan);
    let longest = told.map(|told| told.report.reset).max().unwrap_or_default();
    // A time that was brought along may stand still while the server's goes on.
    let late = at.map_or(Duration::ZERO, |_| Duration::from_secs(86_400));
    let nanos = (longest + late).as_nanos().div_ceil(1_000_000);
    u64::try_from(nanos).unwrap_or(u64::MAX).clamp(1, 1 << 60)
}
