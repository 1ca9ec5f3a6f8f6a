//! How plans are decided where one key can be compared and swapped, and nothing more: stores of the user's own, and what
//! Memcached cannot count by itself.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::clock::system::SystemClock;
use crate::error::Error;
use crate::inline_vec::InlineVec4;
use crate::observe;
use crate::store::Decide;
use crate::store::caller::Caller;
use crate::store::cas_apply::apply;
use crate::store::cas_retry::Retries;
use crate::store::codec::{decode, encode, lengthened, no_state};
use crate::store::erased::{Answer, Primitives};
use crate::store::outcome::Outcome;
use crate::store::plan::Plan;
use crate::store::sequential::{InTurn, decide_in_turn};
use crate::store::settlement::Settling;
use crate::strategy::kernel::state::State;

/// Bytes that are read, and written if nobody has written meanwhile.
pub(crate) trait Cells: Sync {
    /// What was read, and what it takes to tell whether it still stands.
    type Seen: Send + Sync;

    fn look(&self, name: &str) -> impl Future<Output = Result<Self::Seen, Error>> + Send;

    fn bytes(seen: &Self::Seen) -> Option<&[u8]>;

    /// Writes over what was read, if it still stands, and says whether it did. Without a `ttl` the end stays as it was.
    fn write(
        &self,
        name: &str,
        seen: &Self::Seen,
        new: &[u8],
        ttl: Option<Duration>,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// How often, and for how long, to try again.
    fn retries<'k>(&self, name: &'k str) -> Retries<'k> {
        Retries::of(name)
    }
}

/// What decides about one plan at a time.
pub(crate) trait OneByOne: Sync {
    /// The kind of store, in a word for logs.
    const KIND: &'static str;

    /// Decides a plan. `refused` is told of a refusal after which there is still something to take back.
    fn decide_one(
        &self,
        plan: &Plan<'_>,
        at: Option<u64>,
        refused: impl Fn(&Outcome) + Send,
    ) -> impl Future<Output = Result<Outcome, Error>> + Send;

    /// Settles what a plan took.
    fn settle_one(
        &self,
        settling: &Settling<'_>,
        at: Option<u64>,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// The state of a plan at a moment.
    fn state(&self, plan: &Plan<'_>, now: u64)
    -> impl Future<Output = Result<State, Error>> + Send;

    /// Fills the state of a plan that a refused hit has found far ahead of the clock (L4).
    fn catch_up(
        &self,
        plan: &Plan<'_>,
        at: Option<u64>,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Decides plans in turn, and refunds those before the one that is refused or fails.
pub(crate) async fn decide_each(
    one_by_one: &impl OneByOne,
    plans: &[Plan<'_>],
    at: Option<u64>,
    caller: &Caller,
) -> Result<Outcome, Error> {
    if let [plan] = plans {
        let decided = one_by_one.decide_one(plan, at, |refusal| caller.refuse(refusal));
        return caller.answer(pin!(decided)).await;
    }
    let turns = Turns {
        one_by_one,
        plans,
        at,
        caller,
    };
    match decide_in_turn(&turns, plans.len()).await {
        Ok(taken) => {
            let now = taken.iter().map(|outcome| outcome.now).max();
            let told = taken.into_iter().flat_map(|outcome| outcome.told);
            Ok(Outcome::admitted(now.unwrap_or_default(), told.collect()))
        }
        Err((_, stopped)) => {
            let refusal = stopped?;
            let now = refusal.now;
            // It stays a refusal, also where the others cannot be read.
            let states = caller
                .answer(pin!(refused_states(one_by_one, plans, now, at)))
                .await;
            Ok(states.map_or(refusal, |states| {
                Outcome::refused(plans, states.iter(), now)
            }))
        }
    }
}

/// The plans of a set on a store that decides one at a time.
struct Turns<'t, O> {
    one_by_one: &'t O,
    plans: &'t [Plan<'t>],
    at: Option<u64>,
    caller: &'t Caller,
}

impl<O: OneByOne> InTurn for Turns<'_, O> {
    type Taken = Outcome;
    type Stop = Result<Outcome, Error>;

    async fn decide(&self, member: usize) -> Result<Outcome, Self::Stop> {
        if self.caller.is_gone() {
            return Err(Err(Error::abandoned()));
        }
        let refused = |refusal: &Outcome| self.caller.refuse(&refusal.clone().of_plan(member));
        let plan = &self.plans[member];
        let decided = self.one_by_one.decide_one(plan, self.at, refused);
        let outcome = self.caller.answer(pin!(decided)).await.map_err(Err)?;
        let outcome = outcome.of_plan(member);
        if outcome.admitted {
            return Ok(outcome);
        }
        self.caller.refuse(&outcome);
        Err(Ok(outcome))
    }

    async fn refund(&self, member: usize, taken: Outcome) {
        let plan = &self.plans[member];
        if plan.cost > 0 {
            let refund = plan.given_back(&taken, member);
            let refunded = self.one_by_one.settle_one(&refund, self.at);
            observe::refunded(O::KIND, self.caller.answer(pin!(refunded)).await);
        }
    }
}

/// The states of plans at a moment.
pub(crate) async fn states(
    one_by_one: &impl OneByOne,
    plans: &[Plan<'_>],
    now: u64,
) -> Result<InlineVec4<State>, Error> {
    let mut states = InlineVec4::new();
    for plan in plans {
        states.push(one_by_one.state(plan, now).await?);
    }
    Ok(states)
}

/// The states of plans as a hit has found them that one of them refused: those far ahead of the clock are filled (L4).
async fn refused_states(
    one_by_one: &impl OneByOne,
    plans: &[Plan<'_>],
    now: u64,
    at: Option<u64>,
) -> Result<InlineVec4<State>, Error> {
    let states = states(one_by_one, plans, now).await?;
    for (plan, state) in plans.iter().zip(&states) {
        let is_written = plan.caught_up(state, now).is_some() || plan.is_changed(state);
        if plan.cost > 0 && is_written {
            one_by_one.catch_up(plan, at).await?;
        }
    }
    Ok(states)
}

/// Fills a state that is far ahead of the clock, or lets one of another rate live for longer (L30). If another process writes
/// meanwhile, that is a hit which has done it.
pub(crate) async fn catch_up<C: Cells>(
    cells: &C,
    plan: &Plan<'_>,
    at: Option<u64>,
) -> Result<(), Error> {
    let seen = cells.look(&plan.name).await?;
    let now = at.unwrap_or_else(now);
    if let Some(filled) = plan.caught_up(&state_of::<C>(plan, &seen, now), now) {
        let lives = Some(lives(plan, &filled, now, at));
        let new = encode(plan, &filled);
        cells.write(&plan.name, &seen, &new, lives).await?;
    } else {
        lengthen(cells, plan, &seen, (now, at)).await;
    }
    Ok(())
}

/// Decides one plan on what was read, written if it still stands.
pub(crate) async fn swap<C: Cells>(
    cells: &C,
    plan: &Plan<'_>,
    at: Option<u64>,
) -> Result<Outcome, Error> {
    let plans = std::slice::from_ref(plan);
    let mut retries = cells.retries(&plan.name);
    loop {
        let seen = cells.look(&plan.name).await?;
        let now = at.unwrap_or_else(now);
        let state = state_of::<C>(plan, &seen, now);
        let (outcome, after) = apply(plans, std::slice::from_ref(&state), now);
        if plan.cost == 0 {
            return Ok(outcome);
        }
        let (new, ttl) = if outcome.admitted {
            (encode(plan, &after[0]), ttl(&outcome, at))
        } else if let Some(filled) = plan.caught_up(&state, now) {
            (encode(plan, &filled), lives(plan, &filled, now, at))
        } else {
            lengthen(cells, plan, &seen, (now, at)).await;
            return Ok(outcome);
        };
        let ttl = Some(ttl);
        if cells.write(&plan.name, &seen, &new, ttl).await? {
            return Ok(outcome);
        }
        retries.again().await?;
    }
}

/// Lets a state live for as long as rates need it that were refused with it (L30). What others have written meanwhile has a
/// life of its own; and a refusal stays one, even if this fails.
pub(crate) async fn lengthen<C: Cells>(
    cells: &C,
    plan: &Plan<'_>,
    seen: &C::Seen,
    (now, at): (u64, Option<u64>),
) {
    let bytes = C::bytes(seen).filter(|_| plan.cost > 0);
    if let Some((bytes, life)) = bytes.and_then(|bytes| lengthened(plan, bytes, now)) {
        let life = Some(life.max(SHORTEST) + slack(at));
        let _ = cells.write(&plan.name, seen, &bytes, life).await;
    }
}

/// Settles what a plan took, on what was read, written if it still stands.
pub(crate) async fn swap_settled<C: Cells>(
    cells: &C,
    settling: &Settling<'_>,
    at: Option<u64>,
) -> Result<(), Error> {
    let plan = &settling.plan;
    let mut retries = cells.retries(&plan.name);
    loop {
        let seen = cells.look(&plan.name).await?;
        if settling.change.gives_back() && C::bytes(&seen).is_none() {
            return Ok(());
        }
        let now = at.unwrap_or_else(now);
        let mut state = settling.state_of(C::bytes(&seen).unwrap_or_default(), now);
        if !settling.apply(&mut state, now) {
            return Ok(());
        }
        let new = encode(plan, &state);
        let lives = Some(lives(plan, &state, now, at));
        if cells.write(&plan.name, &seen, &new, lives).await? {
            return Ok(());
        }
        retries.again().await?;
    }
}

/// Settles one plan after the other, all of them whatever becomes of one.
pub(crate) async fn settle_each(
    one_by_one: &impl OneByOne,
    settling: &[Settling<'_>],
    at: Option<u64>,
    caller: &Caller,
) -> Result<(), Error> {
    let mut all = Ok(());
    for settling in settling {
        let settled = one_by_one.settle_one(settling, at);
        all = all.and(caller.answer(pin!(settled)).await);
    }
    all
}

/// The state that is read; what is none of the plan's is none.
pub(crate) fn state_of<C: Cells>(plan: &Plan<'_>, seen: &C::Seen, now: u64) -> State {
    C::bytes(seen).map_or_else(no_state, |bytes| decode(plan, bytes, now))
}

pub(crate) fn now() -> u64 {
    SystemClock::new().now_micros()
}

/// A time that was brought along may stand still while the store's goes on.
pub(crate) fn slack(at: Option<u64>) -> Duration {
    at.map_or(Duration::ZERO, |_| Duration::from_secs(86_400))
}

/// The shortest time for which stores keep something.
const SHORTEST: Duration = Duration::from_millis(1);

/// How long what was decided matters.
fn ttl(outcome: &Outcome, at: Option<u64>) -> Duration {
    let resets = outcome.told.iter().map(|told| told.report.reset);
    let longest = resets.max().unwrap_or_default();
    longest.max(SHORTEST) + slack(at)
}

/// How long a state is stored that no admitted hit has just written.
fn lives(plan: &Plan<'_>, state: &State, now: u64, at: Option<u64>) -> Duration {
    plan.matters(state, now).max(SHORTEST) + slack(at)
}

/// A store of the user's own.
#[derive(Debug)]
pub(crate) struct Swap {
    store: Arc<dyn Primitives>,
}

impl Swap {
    pub(crate) fn new(store: Arc<dyn Primitives>) -> Self {
        Self { store }
    }
}

/// A store's bytes.
pub(crate) struct Through<'a>(pub(crate) &'a dyn Primitives);

impl Cells for Through<'_> {
    type Seen = Option<Vec<u8>>;

    async fn look(&self, name: &str) -> Result<Self::Seen, Error> {
        self.0.get(name).await
    }

    fn bytes(seen: &Self::Seen) -> Option<&[u8]> {
        seen.as_deref()
    }

    async fn write(
        &self,
        name: &str,
        seen: &Self::Seen,
        new: &[u8],
        ttl: Option<Duration>,
    ) -> Result<bool, Error> {
        let swapped = self
            .0
            .compare_and_swap(name, seen.as_deref(), Some(new), ttl);
        swapped.await
    }
}

impl OneByOne for Through<'_> {
    const KIND: &'static str = "custom";

    async fn decide_one(
        &self,
        plan: &Plan<'_>,
        at: Option<u64>,
        _: impl Fn(&Outcome) + Send,
    ) -> Result<Outcome, Error> {
        swap(self, plan, at).await
    }

    async fn settle_one(&self, settling: &Settling<'_>, at: Option<u64>) -> Result<(), Error> {
        swap_settled(self, settling, at).await
    }

    async fn state(&self, plan: &Plan<'_>, now: u64) -> Result<State, Error> {
        Ok(state_of::<Self>(plan, &self.look(&plan.name).await?, now))
    }

    async fn catch_up(&self, plan: &Plan<'_>, at: Option<u64>) -> Result<(), Error> {
        catch_up(self, plan, at).await
    }
}

impl Decide for Swap {
    fn decide<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        at: Option<u64>,
        caller: &'a Caller,
    ) -> Answer<'a, Outcome> {
        Box::pin(async move { decide_each(&Through(&*self.store), plans, at, caller).await })
    }

    fn settle<'a>(
        &'a self,
        settling: &'a [Settling<'a>],
        at: Option<u64>,
        caller: &'a Caller,
    ) -> Answer<'a, ()> {
        Box::pin(async move { settle_each(&Through(&*self.store), settling, at, caller).await })
    }

    fn read<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        at: Option<u64>,
    ) -> Answer<'a, (u64, InlineVec4<State>)> {
        Box::pin(async move {
            let now = at.unwrap_or_else(now);
            let states = states(&Through(&*self.store), plans, now).await?;
            Ok((now, states))
        })
    }
}
