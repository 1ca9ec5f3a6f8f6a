//! A store with the clock of its laws and the namespace of its keys.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::clock::reading::Reading;
use crate::error::Error;
use crate::flow::{BoxFuture, Flow};
use crate::inline_vec::InlineVec4;
use crate::store::StateStore;
use crate::store::background::{Background, DetachableOperation, QueuedRefund};
use crate::store::byte_store::Store;
use crate::store::caller::Caller;
use crate::store::cas::CasStore;
use crate::store::erased::DynStore;
use crate::store::key::Key;
use crate::store::leases::Leases;
use crate::store::leases::leasing_store::LeasingStore;
use crate::store::local_refusals::store_time::{Sent, StoreClock};
use crate::store::local_refusals::{Effects, LocalRefusals};
use crate::store::memory::Memory;
use crate::store::memory::bytes::Bytes;
use crate::store::outcome::StoreOutcome;
use crate::store::plan::Plan;
use crate::store::settlement::Settlement;
use crate::strategy::kernel::state::State;

/// The namespace of a store that is configured without one.
pub(crate) const NAMESPACE: &str = "traffik";

/// A store, the clock of its laws, and the namespace of its keys.
///
/// It is what a decision needs of a backend. Several handles may share one store.
#[derive(Clone, Debug)]
pub(crate) struct StoreHandle {
    location: Location,
    /// `None` for the store's own clock: the system's in memory, the server's elsewhere.
    clock: Option<Arc<dyn Clock>>,
    /// The tasks that outlive their callers, of all handles that share the store.
    background: Arc<Background>,
    /// The percent-encoded prefix of every key.
    namespace: String,
    /// The states of a shared store by which hits are refused in this process.
    refusals: LocalRefusals,
    /// The leases of a shared store.
    leases: Option<Leases>,
}

/// The place of states and bytes.
#[derive(Clone, Debug)]
enum Location {
    /// This process, where every operation ends before it returns.
    Local { states: Arc<Memory>, bytes: Bytes },
    /// A server, or a store of the user's own.
    Remote {
        states: Arc<dyn StateStore>,
        bytes: Arc<dyn DynStore>,
    },
}

impl StoreHandle {
    /// A handle to states in this process.
    pub(crate) fn local(
        memory: Arc<Memory>,
        capacity: usize,
        clock: Option<Arc<dyn Clock>>,
    ) -> Self {
        let location = Location::Local {
            states: memory,
            bytes: Bytes::new(capacity, clock.clone()),
        };
        Self {
            clock,
            ..Self::new(location, NAMESPACE)
        }
    }

    /// A handle to states on a server, under an encoded namespace.
    #[cfg(any(feature = "memcached", feature = "redis"))]
    pub(crate) fn remote<S: StateStore + Store>(store: Arc<S>, namespace: &str) -> Self {
        let location = Location::Remote {
            states: store.clone(),
            bytes: store,
        };
        Self::new(location, namespace)
    }

    /// A handle to states in a store of the user's own.
    pub(crate) fn custom(store: impl Store) -> Self {
        let bytes: Arc<dyn DynStore> = Arc::new(store);
        let location = Location::Remote {
            states: Arc::new(CasStore::new(bytes.clone())),
            bytes,
        };
        Self::new(location, NAMESPACE)
    }

    fn new(location: Location, namespace: &str) -> Self {
        let (refusals, leases) = match location {
            Location::Local { .. } => (LocalRefusals::none(), None),
            Location::Remote { .. } => (LocalRefusals::of_shared_store(), Some(Leases::new())),
        };
        Self {
            location,
            clock: None,
            background: Arc::new(Background::new()),
            namespace: namespace.to_owned(),
            refusals,
            leases,
        }
    }

    /// Returns a handle to these states whose laws are evaluated at the time of another clock.
    pub(crate) fn with_clock(&self, clock: Arc<dyn Clock>) -> Self {
        let mut handle = self.clone();
        if let Location::Local { bytes, .. } = &mut handle.location {
            *bytes = bytes.clock(clock.clone());
        }
        handle.clock = Some(clock);
        handle.refusals.set_new_clock();
        if let Some(leases) = &mut handle.leases {
            leases.set_new_clock();
        }
        handle
    }

    /// Returns a handle to these states that refuses hits locally for this time.
    pub(crate) fn with_local_refusals(&self, life: Duration) -> Self {
        let mut handle = self.clone();
        handle.refusals.set_life(life);
        handle
    }

    /// Returns a handle to these states whose throttles have leases of this life, unless they set
    /// it themselves.
    pub(crate) fn with_lease(&self, life: Duration) -> Self {
        let mut handle = self.clone();
        if let Some(leases) = &mut handle.leases {
            leases.set_default_life(life);
        }
        handle
    }

    /// Returns `true` if both handles refer to one store.
    pub(crate) fn shares_states(&self, other: &Self) -> bool {
        match (&self.location, &other.location) {
            (Location::Local { states: one, .. }, Location::Local { states: other, .. }) => {
                Arc::ptr_eq(one, other)
            }
            (Location::Remote { states: one, .. }, Location::Remote { states: other, .. }) => {
                Arc::ptr_eq(one, other)
            }
            _ => false,
        }
    }

    /// Returns the states, if they are in this process.
    pub(crate) fn memory(&self) -> Option<&Arc<Memory>> {
        match &self.location {
            Location::Local { states, .. } => Some(states),
            Location::Remote { .. } => None,
        }
    }

    /// Returns `true` if the states are in this process, so that every operation ends at once.
    pub(crate) const fn is_local(&self) -> bool {
        matches!(self.location, Location::Local { .. })
    }

    /// Returns the kind of store, in one word for logs, metrics and handlers.
    pub(crate) fn kind(&self) -> &'static str {
        self.states().kind()
    }

    /// Returns `true` if refunds of one key can be made side by side.
    pub(crate) fn subtracts(&self) -> bool {
        self.states().subtracts()
    }

    fn states(&self) -> &dyn StateStore {
        match &self.location {
            Location::Local { states, .. } => &**states,
            Location::Remote { states, .. } => &**states,
        }
    }

    /// Decides all plans at one moment, and counts all or none; see [`StateStore::decide`].
    pub(crate) fn decide<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        caller: &'a Caller,
    ) -> Flow<'a, Result<StoreOutcome, Error>> {
        self.states().decide(plans, self.clock.as_deref(), caller)
    }

    /// Decides as [`decide`](Self::decide) does, and takes leases where the plans have some.
    pub(crate) fn decide_and_lease<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
        sent: &'a Sent,
        caller: &'a Caller,
    ) -> Flow<'a, Result<StoreOutcome, Error>> {
        match self.leases_of(plans) {
            Some((leases, store)) => Flow::pending(leases.decide(store, plans, (sent, caller))),
            None => self.decide(plans, caller),
        }
    }

    /// Returns the leases and their store, if all plans have leases.
    fn leases_of(&self, plans: &[Plan<'_>]) -> Option<(&Leases, LeasingStore)> {
        if !plans.iter().all(Plan::is_leasable) || !self.states().can_lease(plans) {
            return None;
        }
        self.leasing()
    }

    /// Returns the leases and their store, if that is shared.
    fn leasing(&self) -> Option<(&Leases, LeasingStore)> {
        let (leases, Location::Remote { states, .. }) = (self.leases.as_ref()?, &self.location)
        else {
            return None;
        };
        let store = LeasingStore {
            states: states.clone(),
            clock: self.clock.clone(),
            background: self.background.clone(),
            refusals: self.refusals.clone(),
        };
        Some((leases, store))
    }

    /// Returns the leases of the store, if it is shared.
    pub(crate) const fn leases(&self) -> Option<&Leases> {
        self.leases.as_ref()
    }

    /// Returns `true` if the client of this key has a lease.
    pub(crate) fn has_lease(&self, key: Key) -> bool {
        self.leases
            .as_ref()
            .is_some_and(|leases| leases.contains(key))
    }

    /// Admits plans by the leases of their clients, without a call of the store.
    pub(crate) fn admit_by_lease(&self, plans: &[Plan<'_>]) -> Option<StoreOutcome> {
        self.leases.as_ref()?.admit(plans, self.store_clock())
    }

    /// Refunds what is left of all leases, and takes no others.
    pub(crate) async fn close_leases(&self) {
        if let Some((leases, store)) = self.leasing() {
            leases.close(&store).await;
        }
    }

    /// Returns the clock at whose time the store decides.
    fn store_clock(&self) -> StoreClock<'_> {
        StoreClock::of(self.clock.as_deref(), self.states().has_server_time())
    }

    /// Returns `true` if a state of this key is remembered by which hits may be refused.
    pub(crate) fn remembers(&self, key: Key) -> bool {
        self.refusals.contains(key)
    }

    /// Refuses plans without a call of the store, if it is certain that the store refuses them.
    pub(crate) fn refuse_locally(&self, plans: &[Plan<'_>]) -> Option<StoreOutcome> {
        let clock = self.store_clock();
        // The servers of a Cluster have clocks of their own.
        let has_one_time =
            plans.len() == 1 || self.states().is_atomic() || matches!(clock, StoreClock::Caller(_));
        self.refusals.refuse(plans, clock).filter(|_| has_one_time)
    }

    /// Begins a decision: to be called before [`decide`](Self::decide).
    pub(crate) fn begin(&self) -> Sent {
        self.refusals.begin(self.store_clock())
    }

    /// Ends a decision: remembers the states of a refusal, and forgets those that have changed.
    pub(crate) fn end(
        &self,
        plans: &[Plan<'_>],
        decided: &mut Result<StoreOutcome, Error>,
        sent: &Sent,
    ) {
        let states = self.states();
        // Such a store may have counted a part of a refused hit for a moment.
        let is_counted_first = |plan: &Plan<'_>| plan.cost > 1 || plan.limits.len() > 1;
        let undoes = (plans.len() > 1 && !states.is_atomic())
            || (states.subtracts() && plans.iter().any(is_counted_first));
        let effects = Effects {
            undoes,
            summarizes_logs: states.summarizes_logs(),
        };
        self.refusals
            .end(plans, decided, sent, self.store_clock(), effects);
    }

    /// Returns the states by which hits are refused locally.
    pub(crate) const fn local_refusals(&self) -> &LocalRefusals {
        &self.refusals
    }

    /// Applies every settlement; see [`StateStore::settle`].
    pub(crate) fn settle<'a>(
        &'a self,
        settlements: &'a [Settlement<'a>],
        caller: &'a Caller,
    ) -> Flow<'a, Result<(), Error>> {
        let clock = self.clock.as_deref();
        self.states().settle(settlements, clock, caller)
    }

    /// Reads the states of all plans, and the time at which they were like that.
    pub(crate) fn read<'a>(
        &'a self,
        plans: &'a [Plan<'a>],
    ) -> Flow<'a, Result<(u64, InlineVec4<State>), Error>> {
        self.states().read(plans, self.clock.as_deref())
    }

    /// Decides as [`decide`](Self::decide) does, if the states are in this process.
    pub(crate) fn decide_local(&self, plans: &[Plan<'_>]) -> Option<Result<StoreOutcome, Error>> {
        let (memory, clock) = (self.memory()?, self.clock.as_deref());
        memory.decide(plans, clock, &Caller::default()).into_ready()
    }

    /// Settles as [`settle`](Self::settle) does, if the states are in this process.
    pub(crate) fn settle_local(&self, settlements: &[Settlement<'_>]) -> Option<Result<(), Error>> {
        let (memory, clock) = (self.memory()?, self.clock.as_deref());
        memory
            .settle(settlements, clock, &Caller::default())
            .into_ready()
    }

    /// Reads as [`read`](Self::read) does, if the states are in this process.
    pub(crate) fn read_local(
        &self,
        plans: &[Plan<'_>],
    ) -> Option<Result<(u64, InlineVec4<State>), Error>> {
        let clock = self.clock.as_deref();
        self.memory()?.read(plans, clock).into_ready()
    }

    /// Returns the store of keys and values.
    pub(crate) fn bytes(&self) -> &dyn DynStore {
        match &self.location {
            Location::Local { bytes, .. } => bytes,
            Location::Remote { bytes, .. } => &**bytes,
        }
    }

    /// Returns the encoded namespace of all keys.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Returns the encoded namespace of the names of states; `None` in memory, where states have
    /// hashes instead of names.
    pub(crate) fn state_namespace(&self) -> Option<&str> {
        (!self.is_local()).then_some(&*self.namespace)
    }

    /// Returns the present time of the handle's clock, in microseconds since 1970.
    #[inline(always)]
    pub(crate) fn now(&self) -> u64 {
        self.reading().now
    }

    /// Reads the handle's clock, else the system's.
    #[inline]
    pub(crate) fn reading(&self) -> Reading<'_> {
        match &self.clock {
            None => Reading::of_system(),
            Some(clock) => Reading::of(&**clock),
        }
    }

    /// Returns `true` if laws are evaluated at the time of another clock than the store's.
    pub(crate) const fn has_own_clock(&self) -> bool {
        self.clock.is_some()
    }

    /// Returns the clock at whose time laws are evaluated, if it is not the store's own.
    pub(crate) fn own_clock(&self) -> Option<Arc<dyn Clock>> {
        self.clock.clone()
    }

    /// Creates an operation on this store. Its caller waits until the given moment, if any.
    pub(crate) fn operation<T: Send + 'static>(
        &self,
        running: BoxFuture<'static, Result<T, Error>>,
        caller: Arc<Caller>,
        until: Option<Instant>,
        refused: fn(StoreOutcome) -> T,
    ) -> DetachableOperation<T> {
        let background = (self.background.clone(), self.kind());
        DetachableOperation::new(running, caller, until, background, refused)
    }

    /// Returns the tasks that outlive their callers.
    pub(crate) fn background(&self) -> &Arc<Background> {
        &self.background
    }

    /// Makes a refund of a key in the background. In memory there is nothing to wait for, so
    /// refunds there are made by their callers.
    pub(crate) fn refund_in_background(
        &self,
        runtime: &Handle,
        key: &str,
        refund: Box<dyn QueuedRefund>,
    ) {
        if let Location::Remote { states, .. } = &self.location {
            let store = (states.clone(), self.clock.clone(), self.refusals.clone());
            self.background.refund(runtime, store, key, refund);
        }
    }
}
