//! Plans are decided by one script, in one round trip; what its states mean is said here.

use std::sync::LazyLock;
use std::time::Duration;

use crate::error::Error;
use crate::inline_vec::InlineVec4;
use crate::store::Decide;
use crate::store::caller::Caller;
use crate::store::cas_apply::apply;
use crate::store::cas_retry::Retries;
use crate::store::codec::{encode, lengthened};
use crate::store::entry_limit::fits;
use crate::store::erased::Answer;
use crate::store::outcome::Outcome;
use crate::store::plan::Plan;
use crate::store::redis::client::Redis;
use crate::store::redis::lua::{Script, decide};
use crate::store::redis::protocol::{Asked, Said};
use crate::store::settlement::Settling;
use crate::strategy::kernel::state::State;

/// Writes states if none has changed since it was read. Keys; for each the value that was read or nothing, the new one or
/// nothing to leave it, and milliseconds to live.
pub(crate) const REPLACE_SOURCE: &str = "\
for place, key in ipairs(KEYS) do
  if (redis.call('GET', key) or '') ~= ARGV[3 * place - 2] then return 0 end
end
for place, key in ipairs(KEYS) do
  local new = ARGV[3 * place - 1]
  if new ~= '' then redis.call('SET', key, new, 'PX', ARGV[3 * place]) end
end
return 1";

static REPLACE: LazyLock<Script> = LazyLock::new(|| Script::new(REPLACE_SOURCE));

/// A log or a mean is written whole at each hit, so one larger than this would hold up all others.
const LONGEST: u64 = 65_536;

impl Decide for Redis {
    fn kind(&self) -> &'static str {
        "redis"
    }

    fn decide<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        at: Option<u64>,
        caller: &'a Caller,
    ) -> Answer<'a, Outcome> {
        Box::pin(async move {
            fits(plans, LONGEST, "Redis")?;
            match self.slots(plans) {
                None => self.decide_at_once(plans, at, caller).await,
                Some(slots) => self.decide_each(plans, &slots, at, caller).await,
            }
        })
    }

    fn settle<'a>(
        &'a self,
        settling: &'a [Settling<'a>],
        at: Option<u64>,
        caller: &'a Caller,
    ) -> Answer<'a, ()> {
        Box::pin(async move {
            let plans: Vec<_> = settling.iter().map(|it| it.plan.clone()).collect();
            match self.slots(&plans) {
                None => self.settle_at_once(settling, at, caller).await,
                Some(slots) => {
                    let mut all = Ok(());
                    for slot in slots {
                        let own: Vec<_> = slot.iter().map(|it| settling[*it].clone()).collect();
                        all = all.and(self.settle_at_once(&own, at, caller).await);
                    }
                    all
                }
            }
        })
    }

    fn read<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        at: Option<u64>,
    ) -> Answer<'a, (u64, InlineVec4<State>)> {
        Box::pin(async move {
            fits(plans, LONGEST, "Redis")?;
            match self.slots(plans) {
                None => self.read_at_once(plans, at).await,
                Some(slots) => self.read_each(plans, &slots, at).await,
            }
        })
    }
}

impl Redis {
    /// Decides plans whose keys are on one server.
    pub(crate) async fn decide_at_once(
        &self,
        plans: &[Plan<'_>],
        at: Option<u64>,
        caller: &Caller,
    ) -> Result<Outcome, Error> {
        if plans.iter().any(Plan::is_custom) {
            return self.decide_here(plans, at, caller).await;
        }
        let said = self.ask(plans, at, Some(caller), |plan| plan.cost).await?;
        let states = said.states(plans);
        if !said.admitted {
            if said.misleads(plans) {
                // The script reads no more of a state than it needs, so it may refuse by what is none: that is replaced.
                return self.decide_here(plans, at, caller).await;
            }
            return Ok(Outcome::refused(plans, states.iter(), said.now));
        }
        let lines = plans.iter().zip(&states).enumerate();
        let told = lines.flat_map(|(place, (plan, state))| plan.told(place, state, said.now));
        Ok(Outcome::admitted(said.now, told.collect()))
    }
}

impl Redis {
    /// Reads states whose keys are on one server.
    pub(crate) async fn read_at_once(
        &self,
        plans: &[Plan<'_>],
        at: Option<u64>,
    ) -> Result<(u64, InlineVec4<State>), Error> {
        let said = self.ask(plans, at, None, |_| 0).await?;
        Ok((said.now, said.states(plans)))
    }

    async fn ask(
        &self,
        plans: &[Plan<'_>],
        at: Option<u64>,
        caller: Option<&Caller>,
        cost: impl Fn(&Plan<'_>) -> u64,
    ) -> Result<Said, Error> {
        let time = at.map_or_else(String::new, |at| at.to_string());
        let said = if let [plan] = plans
            && let [term] = &*plan.terms
            && let Some(script) = decide::one(&term.law)
        {
            let asked = Asked::one(&term.law, cost(plan));
            let answer: Vec<u8> = self
                .script(script, caller, |cmd| {
                    cmd.arg(1).arg(&plan.name).arg(&asked.numbers);
                    if !time.is_empty() || !asked.pairs.is_empty() {
                        cmd.arg(&time).arg(&asked.pairs);
                    }
                })
                .await?;
            Said::one(answer)
        } else {
            let asked = Asked::many(plans, cost);
            let answer: Vec<Vec<u8>> = self
                .script(&decide::MANY, caller, |cmd| {
                    cmd.arg(plans.len());
                    for plan in plans {
                        cmd.arg(&plan.name);
                    }
                    cmd.arg(&asked.numbers).arg(&time);
                })
                .await?;
            Said::many(answer, plans.len())
        };
        said.ok_or_else(|| Error::backend("the script's answer makes no sense"))
    }

    /// Decides with laws that the server does not know: on what was read, written if it is still there.
    async fn decide_here(
        &self,
        plans: &[Plan<'_>],
        at: Option<u64>,
        caller: &Caller,
    ) -> Result<Outcome, Error> {
        let mut retries = Retries::of(&plans[0].name);
        loop {
            let said = self.ask(plans, at, Some(caller), |_| 0).await?;
            let (outcome, after) = apply(plans, &said.states(plans), said.now);
            if !outcome.admitted {
                self.catch_up(plans, &said, at).await?;
                self.lengthen(plans, &said, at).await;
                return Ok(outcome);
            }
            let new = plans.iter().zip(&after).enumerate();
            let new = new.map(|(place, (plan, state))| {
                let told = outcome.told.iter().filter(|told| told.plan == place);
                let resets = told.map(|told| told.report.reset);
                let bytes = (plan.cost > 0).then(|| encode(plan, state));
                (plan, bytes, millis(resets.max().unwrap_or_default(), at))
            });
            if self.replace(&said, Some(caller), new).await? {
                return Ok(outcome);
            }
            retries.again().await?;
        }
    }

    /// Fills the states that a refused hit has found far ahead of the clock (L4). If anybody writes meanwhile, that is a hit
    /// which has done it.
    async fn catch_up(
        &self,
        plans: &[Plan<'_>],
        said: &Said,
        at: Option<u64>,
    ) -> Result<(), Error> {
        let filled = |(plan, state): (&Plan<'_>, &State)| {
            let filled = plan.caught_up(state, said.now);
            let filled = filled.filter(|_| plan.cost > 0)?;
            let lives = plan.matters(&filled, said.now);
            Some((encode(plan, &filled), millis(lives, at)))
        };
        let states = said.states(plans);
        let filled: Vec<_> = plans.iter().zip(&states).map(filled).collect();
        if filled.iter().any(Option::is_some) {
            let new = plans.iter().zip(filled).map(|(plan, filled)| {
                let (bytes, lives) = filled.unzip();
                (plan, bytes, lives.unwrap_or_default())
            });
            self.replace(said, None, new).await?;
        }
        Ok(())
    }

    /// The same for plans that were only read, because others in other slots refused before.
    pub(crate) async fn catch_up_at_once(
        &self,
        plans: &[Plan<'_>],
        at: Option<u64>,
    ) -> Result<(), Error> {
        let said = self.ask(plans, at, None, |_| 0).await?;
        self.catch_up(plans, &said, at).await?;
        self.lengthen(plans, &said, at).await;
        Ok(())
    }

    /// Lets states live for as long as rates need them that were refused with them (L30). What others have written
    /// meanwhile has a life of its own; and a refusal stays one, even if this fails.
    async fn lengthen(&self, plans: &[Plan<'_>], said: &Said, at: Option<u64>) {
        let mut lengthens = false;
        let lines = plans.iter().zip(&said.values);
        let new = lines.map(|(plan, value)| {
            let longer = lengthened(plan, value, said.now).filter(|_| plan.cost > 0);
            lengthens |= longer.is_some();
            let (bytes, life) = longer.unzip();
            (plan, bytes, millis(life.unwrap_or_default(), at))
        });
        let new: Vec<_> = new.collect();
        if lengthens {
            let _ = self.replace(said, None, new.into_iter()).await;
        }
    }

    /// Settles plans whose keys are on one server: on what was read, written if it is still there.
    pub(crate) async fn settle_at_once(
        &self,
        settling: &[Settling<'_>],
        at: Option<u64>,
        caller: &Caller,
    ) -> Result<(), Error> {
        let Some(first) = settling.first() else {
            return Ok(());
        };
        let plans: Vec<_> = settling.iter().map(|it| it.plan.clone()).collect();
        let mut retries = Retries::of(&first.plan.name);
        loop {
            let said = self.ask(&plans, at, Some(caller), |_| 0).await?;
            let states = settling.iter().zip(&said.values);
            let states = states.map(|(settling, value)| settling.state_of(value, said.now));
            let mut states: InlineVec4<State> = states.collect();
            let mut new = Vec::with_capacity(settling.len());
            for (place, settling) in settling.iter().enumerate() {
                let name = &settling.plan.name;
                // Of two on one key, the second goes on from the first.
                let earlier = plans[..place].iter().rposition(|plan| plan.name == *name);
                let mut state = states[earlier.unwrap_or(place)].clone();
                let gone = settling.change.gives_back() && said.values[place].is_empty();
                let changes = !gone && settling.apply(&mut state, said.now);
                let bytes = changes.then(|| encode(&settling.plan, &state));
                let matters = millis(settling.plan.matters(&state, said.now), at);
                new.push((&settling.plan, bytes, matters));
                states[place] = state;
            }
            let changes = new.iter().any(|(_, bytes, _)| bytes.is_some());
            if !changes || self.replace(&said, Some(caller), new.into_iter()).await? {
                return Ok(());
            }
            retries.again().await?;
        }
    }

    /// Writes the new states, each with milliseconds to live, if none has changed since it was read.
    async fn replace<'p>(
        &self,
        said: &Said,
        caller: Option<&Caller>,
        new: impl Iterator<Item = (&'p Plan<'p>, Option<Vec<u8>>, u64)>,
    ) -> Result<bool, Error> {
        let new: Vec<_> = new.collect();
        let replaced = self.script(&REPLACE, caller, |cmd| {
            cmd.arg(new.len());
            for (plan, ..) in &new {
                cmd.arg(&plan.name);
            }
            for ((_, bytes, millis), value) in new.iter().zip(&said.values) {
                cmd.arg(value)
                    .arg(bytes.as_deref().unwrap_or_default())
                    .arg(millis);
            }
        });
        Ok(replaced.await?)
    }
}

/// So long a time in milliseconds.
fn millis(longest: Duration, at: Option<u64>) -> u64 {
    // A time that was brought along may stand still while the server's goes on.
    let late = at.map_or(Duration::ZERO, |_| Duration::from_secs(86_400));
    let nanos = (longest + late).as_nanos().div_ceil(1_000_000);
    u64::try_from(nanos).unwrap_or(u64::MAX).clamp(1, 1 << 60)
}
