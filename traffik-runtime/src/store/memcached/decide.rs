//! Plans are decided one after the other: what Memcached counts by itself in one exchange, all else by reading and
//! comparing.

use std::time::Duration;

use crate::error::Error;
use crate::inline_vec::InlineVec4;
use crate::store::Decide;
use crate::store::caller::Caller;
use crate::store::cas::{
    Cells, OneByOne, catch_up, decide_each, now, settle_each, state_of, states, swap, swap_settled,
};
use crate::store::cas_retry::Retries;
use crate::store::entry_limit::fits;
use crate::store::erased::Answer;
use crate::store::memcached::byte_store::Seen;
use crate::store::memcached::client::{Asking, Memcached};
use crate::store::memcached::counter::Windows;
use crate::store::memcached::meta_protocol::Lives;
use crate::store::memcached::ttl::at_least;
use crate::store::outcome::Outcome;
use crate::store::plan::Plan;
use crate::store::settlement::{Change, Settling};
use crate::strategy::kernel::state::State;
use crate::strategy::kernel::tick::EXACT;

/// A value may be a megabyte, less what Memcached keeps of it; an entry is 16 bytes.
const LONGEST: u64 = 60_000;

impl Decide for Memcached {
    fn kind(&self) -> &'static str {
        "memcached"
    }

    fn subtracts(&self) -> bool {
        true
    }

    fn decide<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        at: Option<u64>,
        caller: &'a Caller,
    ) -> Answer<'a, Outcome> {
        Box::pin(async move {
            fits(plans, LONGEST, "Memcached")?;
            let asking = self.now()?.for_caller(caller);
            decide_each(&asking, plans, at, caller).await
        })
    }

    fn settle<'a>(
        &'a self,
        settling: &'a [Settling<'a>],
        at: Option<u64>,
        caller: &'a Caller,
    ) -> Answer<'a, ()> {
        Box::pin(async move {
            let asking = self.now()?.for_caller(caller);
            settle_each(&asking, settling, at, caller).await
        })
    }

    fn read<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        at: Option<u64>,
    ) -> Answer<'a, (u64, InlineVec4<State>)> {
        Box::pin(async move {
            fits(plans, LONGEST, "Memcached")?;
            let now = at.unwrap_or_else(now);
            let asking = self.now()?;
            Ok((now, states(&asking, plans, now).await?))
        })
    }
}

impl OneByOne for Asking<'_> {
    const KIND: &'static str = "memcached";

    async fn decide_one(
        &self,
        plan: &Plan<'_>,
        at: Option<u64>,
        refused: impl Fn(&Outcome) + Send,
    ) -> Result<Outcome, Error> {
        match Windows::of(plan, at.unwrap_or_else(now)) {
            Some(windows) => windows.decide(self, at, refused).await,
            None => {
                let _gate = self.pass_gate(&plan.name).await?;
                swap(self, plan, at).await
            }
        }
    }

    async fn settle_one(&self, settling: &Settling<'_>, at: Option<u64>) -> Result<(), Error> {
        // It has a time of its own: that of the decision may be over.
        let this = &self.afresh();
        let now = at.unwrap_or_else(now);
        let (change, rates) = (settling.change, &settling.rates);
        let cost = match change {
            Change::GiveBack(taken) => taken.cost,
            Change::Charge(cost) => cost.min(EXACT),
        };
        let plan = &Plan {
            cost,
            ..settling.plan.clone()
        };
        // What is given back goes to where the hit was counted, whichever rates hold now.
        let windows = match change {
            Change::GiveBack(taken) => Windows::of_rates(plan, rates, taken.at),
            Change::Charge(_) => Windows::of(plan, now),
        };
        match (windows, change) {
            (Some(windows), Change::GiveBack(_)) => {
                let taken = (&**rates, &*settling.made);
                Ok(windows.give_back(this, taken, now).await?)
            }
            (Some(windows), Change::Charge(_)) => windows.charge(this, at).await,
            (None, _) => {
                let _gate = this.pass_gate(&plan.name).await?;
                swap_settled(this, settling, at).await
            }
        }
    }

    async fn state(&self, plan: &Plan<'_>, now: u64) -> Result<State, Error> {
        match Windows::of(plan, now) {
            Some(windows) => Ok(windows.read(self).await?),
            None => Ok(state_of::<Self>(plan, &self.see(&plan.name).await?, now)),
        }
    }

    async fn catch_up(&self, plan: &Plan<'_>, at: Option<u64>) -> Result<(), Error> {
        if Windows::of(plan, at.unwrap_or_else(now)).is_some() {
            // A window's key ends with it, whatever is asked of it, and none is ahead of the clock.
            return Ok(());
        }
        let _gate = self.pass_gate(&plan.name).await?;
        catch_up(self, plan, at).await
    }
}

impl Cells for Asking<'_> {
    type Seen = Seen;

    async fn look(&self, name: &str) -> Result<Seen, Error> {
        Ok(self.see(name).await?)
    }

    fn bytes(seen: &Seen) -> Option<&[u8]> {
        seen.value.as_deref()
    }

    async fn write(
        &self,
        name: &str,
        seen: &Seen,
        new: &[u8],
        ttl: Option<Duration>,
    ) -> Result<bool, Error> {
        // Laws know by themselves what has ended; the server only has to drop it some time.
        let lives = ttl.map(|ttl| Lives {
            seconds: at_least(ttl),
            flags: 0,
        });
        Ok(self.replace(name, seen, new, lives).await?)
    }

    fn retries<'k>(&self, name: &'k str) -> Retries<'k> {
        Retries::of(name).until(self.deadline())
    }
}
