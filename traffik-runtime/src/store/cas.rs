//! Decisions by read and compare-and-swap: for stores of the user's own, and for what Memcached
//! cannot count by itself.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::clock::reading::Reading;
use crate::clock::system::SystemClock;
use crate::error::Error;
use crate::flow::Flow;
use crate::inline_vec::InlineVec4;
use crate::store::StateStore;
use crate::store::caller::Caller;
use crate::store::cas_retry::Retries;
use crate::store::codec::{decode, encode, lengthened, next_incarnation, no_state};
use crate::store::erased::DynStore;
use crate::store::outcome::StoreOutcome;
use crate::store::plan::Plan;
use crate::store::sequential::{Sequence, decide_in_sequence};
use crate::store::settlement::Settlement;
use crate::strategy::kernel::state::State;

/// A store of bytes under names, which writes only over bytes that have not changed.
pub(crate) trait CasCell: Sync {
    /// The bytes that were read, and what identifies their version.
    type Snapshot: Send + Sync;

    /// Reads the bytes of a name.
    fn read(&self, name: &str) -> impl Future<Output = Result<Self::Snapshot, Error>> + Send;

    /// Returns the bytes that were read; `None` if there were none.
    fn bytes(snapshot: &Self::Snapshot) -> Option<&[u8]>;

    /// Replaces the bytes that were read. Returns `false` if another writer has changed them.
    /// Without a `ttl` they expire as the old ones would have.
    fn write_if_unchanged(
        &self,
        name: &str,
        snapshot: &Self::Snapshot,
        new: &[u8],
        ttl: Option<Duration>,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Returns the retries of an operation on a name.
    fn retries<'k>(&self, name: &'k str) -> Retries<'k> {
        Retries::new(name)
    }
}

/// A store that decides one plan at a time.
pub(crate) trait PerPlan: Sync {
    /// The kind of store, in one word for logs and metrics.
    const KIND: &'static str;

    /// Decides a plan. Calls `refused` with a refusal before it undoes what it has written.
    fn decide_plan(
        &self,
        plan: &Plan<'_>,
        at: Option<u64>,
        refused: impl Fn(&StoreOutcome) + Send,
    ) -> impl Future<Output = Result<StoreOutcome, Error>> + Send;

    /// Applies one settlement.
    fn settle_plan(
        &self,
        settlement: &Settlement<'_>,
        at: Option<u64>,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Reads the state of a plan at a moment.
    fn read_plan(
        &self,
        plan: &Plan<'_>,
        now: u64,
    ) -> impl Future<Output = Result<State, Error>> + Send;

    /// Replaces a state that is far ahead of the clock (L4), after a hit on it was refused.
    fn catch_up(
        &self,
        plan: &Plan<'_>,
        at: Option<u64>,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Decides plans one after the other, and refunds the earlier ones if one is refused or fails.
pub(crate) async fn decide_plans(
    store: &impl PerPlan,
    plans: &[Plan<'_>],
    at: Option<u64>,
    caller: &Caller,
) -> Result<StoreOutcome, Error> {
    if let [plan] = plans {
        let decided = store.decide_plan(plan, at, |refusal| caller.refuse(refusal));
        return caller.answer(pin!(decided)).await;
    }
    let members = Members {
        store,
        plans,
        at,
        caller,
    };
    match decide_in_sequence(&members).await {
        Ok(admitted) => {
            let now = admitted.iter().map(|outcome| outcome.now).max();
            let limits = admitted.into_iter().flat_map(|outcome| outcome.limits);
            Ok(StoreOutcome::admitted(
                now.unwrap_or_default(),
                limits.collect(),
            ))
        }
        Err((_, stop)) => {
            let refusal = stop?;
            let now = refusal.now;
            // It stays a refusal if the other states cannot be read.
            let states = caller
                .answer(pin!(read_refused(store, plans, now, at)))
                .await;
            Ok(states.map_or(refusal, |states| {
                StoreOutcome::refused_by(plans, states, now)
            }))
        }
    }
}

/// The plans of a set on a store that decides one at a time.
struct Members<'m, S> {
    store: &'m S,
    plans: &'m [Plan<'m>],
    at: Option<u64>,
    caller: &'m Caller,
}

impl<S: PerPlan> Sequence for Members<'_, S> {
    type Admitted = StoreOutcome;
    type Stop = Result<StoreOutcome, Error>;

    fn len(&self) -> usize {
        self.plans.len()
    }

    fn kind(&self, _: usize) -> &'static str {
        S::KIND
    }

    async fn decide(&self, member: usize) -> Result<StoreOutcome, Self::Stop> {
        if self.caller.is_gone() {
            return Err(Err(Error::abandoned()));
        }
        let refused =
            |refusal: &StoreOutcome| self.caller.refuse(&refusal.clone().reindexed(&[member]));
        let plan = &self.plans[member];
        let decided = self.store.decide_plan(plan, self.at, refused);
        let outcome = self.caller.answer(pin!(decided)).await.map_err(Err)?;
        let outcome = outcome.reindexed(&[member]);
        if outcome.admitted {
            return Ok(outcome);
        }
        self.caller.refuse(&outcome);
        Err(Ok(outcome))
    }

    async fn refund(&self, member: usize, admitted: StoreOutcome) -> Option<Result<(), Error>> {
        let plan = &self.plans[member];
        if plan.cost == 0 {
            return None;
        }
        let refund = plan.full_refund(&admitted, member);
        let refunded = self.store.settle_plan(&refund, self.at);
        Some(self.caller.answer(pin!(refunded)).await)
    }
}

/// Reads the states of plans at a moment.
pub(crate) async fn read_plans(
    store: &impl PerPlan,
    plans: &[Plan<'_>],
    now: u64,
) -> Result<InlineVec4<State>, Error> {
    let mut states = InlineVec4::new();
    for plan in plans {
        states.push(store.read_plan(plan, now).await?);
    }
    Ok(states)
}

/// Reads the states of plans of which one was refused. States far ahead of the clock are replaced
/// (L4).
async fn read_refused(
    store: &impl PerPlan,
    plans: &[Plan<'_>],
    now: u64,
    at: Option<u64>,
) -> Result<InlineVec4<State>, Error> {
    let states = read_plans(store, plans, now).await?;
    for (plan, state) in plans.iter().zip(&states) {
        let is_written = plan.caught_up(state, now).is_some() || plan.is_changed(state);
        if plan.cost > 0 && is_written {
            store.catch_up(plan, at).await?;
        }
    }
    Ok(states)
}

/// Applies settlements one after the other, all of them even if one fails.
pub(crate) async fn settle_plans(
    store: &impl PerPlan,
    settlements: &[Settlement<'_>],
    at: Option<u64>,
    caller: &Caller,
) -> Result<(), Error> {
    let mut all = Ok(());
    for settlement in settlements {
        let settled = store.settle_plan(settlement, at);
        all = all.and(caller.answer(pin!(settled)).await);
    }
    all
}

/// Decides plans on states that were read at this time. Returns the states afterwards, or none
/// after a refusal.
pub(crate) fn decide_on(
    plans: &[Plan<'_>],
    states: &[State],
    now: u64,
) -> (StoreOutcome, InlineVec4<State>) {
    let mut after: InlineVec4<State> = InlineVec4::new();
    let mut limits = InlineVec4::new();
    for (place, plan) in plans.iter().enumerate() {
        // The second of two hits on one key finds the state that the first leaves.
        let earlier = plans[..place].iter().rposition(|it| it.name == plan.name);
        let mut state = earlier
            .map_or(&states[place], |earlier| &after[earlier])
            .clone();
        let Some(steps) = plan.evaluate(&state, now) else {
            let refused = StoreOutcome::refused(plans, states.iter(), now);
            return (refused, InlineVec4::new());
        };
        plan.apply(steps, &mut state, now);
        if plan.cost > 0 {
            state.set_missing_incarnations(next_incarnation);
        }
        limits.extend(plan.limit_reports(place, &state, now));
        after.push(state);
    }
    (StoreOutcome::admitted(now, limits), after)
}

/// Decides one plan on the bytes that were read, and retries if they have changed meanwhile.
pub(crate) async fn decide_cell<C: CasCell>(
    cells: &C,
    plan: &Plan<'_>,
    at: Option<u64>,
) -> Result<StoreOutcome, Error> {
    let plans = std::slice::from_ref(plan);
    let mut retries = cells.retries(&plan.name);
    loop {
        let snapshot = cells.read(&plan.name).await?;
        let now = at.unwrap_or_else(now);
        let state = state_of::<C>(plan, &snapshot, now);
        let (mut outcome, after) = decide_on(plans, std::slice::from_ref(&state), now);
        if plan.lease > 0 && outcome.admitted {
            outcome.states = after.to_vec();
        }
        if plan.cost == 0 {
            return Ok(outcome);
        }
        let (new, ttl) = if outcome.admitted {
            (encode(plan, &after[0]), ttl(&outcome, at))
        } else if let Some(filled) = plan.caught_up(&state, now) {
            (encode(plan, &filled), lifetime(plan, &filled, now, at))
        } else {
            lengthen(cells, plan, &snapshot, (now, at)).await;
            let states = vec![state];
            return Ok(StoreOutcome { states, ..outcome });
        };
        let ttl = Some(ttl);
        let written = cells.write_if_unchanged(&plan.name, &snapshot, &new, ttl);
        if written.await? {
            return Ok(outcome);
        }
        retries.again().await?;
    }
}

/// Settles one plan on the bytes that were read, and retries if they have changed meanwhile.
pub(crate) async fn settle_cell<C: CasCell>(
    cells: &C,
    settlement: &Settlement<'_>,
    at: Option<u64>,
) -> Result<(), Error> {
    let plan = &settlement.plan;
    let mut retries = cells.retries(&plan.name);
    loop {
        let snapshot = cells.read(&plan.name).await?;
        if settlement.adjustment.is_refund() && C::bytes(&snapshot).is_none() {
            return Ok(());
        }
        let now = at.unwrap_or_else(now);
        let bytes = C::bytes(&snapshot).unwrap_or_default();
        let mut state = settlement.state_of(bytes, now);
        if !settlement.apply(&mut state, now) {
            return Ok(());
        }
        let new = encode(plan, &state);
        let ttl = Some(lifetime(plan, &state, now, at));
        let written = cells.write_if_unchanged(&plan.name, &snapshot, &new, ttl);
        if written.await? {
            return Ok(());
        }
        retries.again().await?;
    }
}

/// Replaces a state that is far ahead of the clock, or extends the life of one of another rate
/// (L30). If another writer changes it meanwhile, that is a hit which has done so.
pub(crate) async fn catch_up_cell<C: CasCell>(
    cells: &C,
    plan: &Plan<'_>,
    at: Option<u64>,
) -> Result<(), Error> {
    let snapshot = cells.read(&plan.name).await?;
    let now = at.unwrap_or_else(now);
    if let Some(filled) = plan.caught_up(&state_of::<C>(plan, &snapshot, now), now) {
        let ttl = Some(lifetime(plan, &filled, now, at));
        let new = encode(plan, &filled);
        cells
            .write_if_unchanged(&plan.name, &snapshot, &new, ttl)
            .await?;
    } else {
        lengthen(cells, plan, &snapshot, (now, at)).await;
    }
    Ok(())
}

/// Extends the life of a state for as long as rates need it that were refused with it (L30). A
/// state that another writer has changed has a life of its own, and a refusal stays one if this
/// fails.
async fn lengthen<C: CasCell>(
    cells: &C,
    plan: &Plan<'_>,
    snapshot: &C::Snapshot,
    (now, at): (u64, Option<u64>),
) {
    let bytes = C::bytes(snapshot).filter(|_| plan.cost > 0);
    if let Some((bytes, life)) = bytes.and_then(|bytes| lengthened(plan, bytes, now)) {
        let ttl = Some(life.max(SHORTEST_TTL) + slack(at));
        let _ = cells
            .write_if_unchanged(&plan.name, snapshot, &bytes, ttl)
            .await;
    }
}

/// Returns the state that was read. Bytes that are no state of the plan are an empty state.
pub(crate) fn state_of<C: CasCell>(plan: &Plan<'_>, snapshot: &C::Snapshot, now: u64) -> State {
    C::bytes(snapshot).map_or_else(no_state, |bytes| decode(plan, bytes, now))
}

/// Returns the present time of the system, which is the clock of stores without one.
pub(crate) fn now() -> u64 {
    SystemClock::new().now_micros()
}

/// Returns an extra time to live for states that are written at the time of another clock, which
/// may stand still while the store's goes on.
pub(crate) fn slack(at: Option<u64>) -> Duration {
    at.map_or(Duration::ZERO, |_| Duration::from_secs(86_400))
}

/// The shortest time to live.
const SHORTEST_TTL: Duration = Duration::from_millis(1);

/// Returns the time to live of a state that counts an admitted hit.
fn ttl(outcome: &StoreOutcome, at: Option<u64>) -> Duration {
    let resets = outcome.limits.iter().map(|limit| limit.report.reset);
    let longest = resets.max().unwrap_or_default();
    longest.max(SHORTEST_TTL) + slack(at)
}

/// Returns the time to live of a state that is written without a hit.
fn lifetime(plan: &Plan<'_>, state: &State, now: u64, at: Option<u64>) -> Duration {
    plan.retention(state, now).max(SHORTEST_TTL) + slack(at)
}

/// A store of the user's own, which decides by compare-and-swap.
#[derive(Debug)]
pub(crate) struct CasStore {
    store: Arc<dyn DynStore>,
}

impl CasStore {
    pub(crate) fn new(store: Arc<dyn DynStore>) -> Self {
        Self { store }
    }
}

/// The cells of a byte store of any type.
struct DynCas<'a>(&'a dyn DynStore);

impl CasCell for DynCas<'_> {
    type Snapshot = Option<Vec<u8>>;

    async fn read(&self, name: &str) -> Result<Self::Snapshot, Error> {
        self.0.get(name).await
    }

    fn bytes(snapshot: &Self::Snapshot) -> Option<&[u8]> {
        snapshot.as_deref()
    }

    async fn write_if_unchanged(
        &self,
        name: &str,
        snapshot: &Self::Snapshot,
        new: &[u8],
        ttl: Option<Duration>,
    ) -> Result<bool, Error> {
        let swapped = self
            .0
            .compare_and_swap(name, snapshot.as_deref(), Some(new), ttl);
        swapped.await
    }
}

impl PerPlan for DynCas<'_> {
    const KIND: &'static str = "custom";

    async fn decide_plan(
        &self,
        plan: &Plan<'_>,
        at: Option<u64>,
        _: impl Fn(&StoreOutcome) + Send,
    ) -> Result<StoreOutcome, Error> {
        decide_cell(self, plan, at).await
    }

    async fn settle_plan(&self, settlement: &Settlement<'_>, at: Option<u64>) -> Result<(), Error> {
        settle_cell(self, settlement, at).await
    }

    async fn read_plan(&self, plan: &Plan<'_>, now: u64) -> Result<State, Error> {
        Ok(state_of::<Self>(plan, &self.read(&plan.name).await?, now))
    }

    async fn catch_up(&self, plan: &Plan<'_>, at: Option<u64>) -> Result<(), Error> {
        catch_up_cell(self, plan, at).await
    }
}

impl StateStore for CasStore {
    fn decide<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        clock: Option<&'a dyn Clock>,
        caller: &'a Caller,
    ) -> Flow<'a, Result<StoreOutcome, Error>> {
        Flow::pending(async move {
            let at = clock.map(Reading::now_of);
            decide_plans(&DynCas(&*self.store), plans, at, caller).await
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
            settle_plans(&DynCas(&*self.store), settlements, at, caller).await
        })
    }

    fn read<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        clock: Option<&'a dyn Clock>,
    ) -> Flow<'a, Result<(u64, InlineVec4<State>), Error>> {
        Flow::pending(async move {
            let now = clock.map_or_else(now, Reading::now_of);
            let states = read_plans(&DynCas(&*self.store), plans, now).await?;
            Ok((now, states))
        })
    }
}
