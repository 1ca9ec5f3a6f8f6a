//! The sweeper: a task that refunds what is left of leases whose end no hit has noticed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::store::StateStore;
use crate::store::background::Background;
use crate::store::leases::leasing_store::LeasingStore;
use crate::store::leases::table::LeaseTable;
use crate::store::leases::terms::Leftover;
use crate::store::local_refusals::LocalRefusals;
use crate::store::plan::Plan;
use crate::timer;

/// The longest pause between two sweeps, and the shortest.
const LONGEST_PAUSE: u64 = 100_000;
const SHORTEST_PAUSE: u64 = 5_000;

/// The sweeper of a table, which runs while there are leases.
#[derive(Debug)]
pub(crate) struct Sweeper {
    is_running: Mutex<bool>,
    /// The shortest life of a lease so far, in microseconds.
    shortest_life: AtomicU64,
}

/// The task. It keeps no store alive: what a dropped backend had leased is spent.
struct Task {
    sweeper: Arc<Sweeper>,
    table: Weak<LeaseTable>,
    states: Weak<dyn StateStore>,
    clock: Option<Arc<dyn Clock>>,
    background: Arc<Background>,
    refusals: LocalRefusals,
    /// Set once it has ended by itself.
    is_over: bool,
}

impl Sweeper {
    pub(crate) fn new() -> Self {
        Self {
            is_running: Mutex::new(false),
            shortest_life: AtomicU64::new(LONGEST_PAUSE),
        }
    }

    /// Starts the task, unless it is running. To be called after leases of these plans were put
    /// into the table.
    pub(crate) fn ensure(
        self: &Arc<Self>,
        table: &Arc<LeaseTable>,
        store: &LeasingStore,
        plans: &[Plan<'_>],
    ) {
        let lives = plans.iter().map(|plan| plan.lease);
        let shortest = lives.min().unwrap_or(LONGEST_PAUSE);
        self.shortest_life.fetch_min(shortest, Ordering::Relaxed);
        let mut is_running = self.is_running.lock();
        if *is_running {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        *is_running = true;
        let task = Task {
            sweeper: self.clone(),
            table: Arc::downgrade(table),
            states: Arc::downgrade(&store.states),
            clock: store.clock.clone(),
            background: store.background.clone(),
            refusals: store.refusals.clone(),
            is_over: false,
        };
        runtime.spawn(task.run());
    }

    fn pause(&self) -> Duration {
        let shortest = self.shortest_life.load(Ordering::Relaxed);
        Duration::from_micros(shortest.max(SHORTEST_PAUSE))
    }
}

impl Task {
    async fn run(mut self) {
        while timer::sleep(self.sweeper.pause()).await.is_ok() {
            let Some((table, store)) = self.parts() else {
                return;
            };
            let now = store.store_clock().now();
            let Some(leftovers) = table.sweep(now).or_else(|| self.end(&table, now)) else {
                return;
            };
            store.refund(&table, leftovers).await;
        }
    }

    /// Returns the table and the store, unless they were dropped.
    fn parts(&self) -> Option<(Arc<LeaseTable>, LeasingStore)> {
        let store = LeasingStore {
            states: self.states.upgrade()?,
            clock: self.clock.clone(),
            background: self.background.clone(),
            refusals: self.refusals.clone(),
        };
        Some((self.table.upgrade()?, store))
    }

    /// Ends the task if there are still no leases. Returns the leftovers of those that there are.
    fn end(&mut self, table: &LeaseTable, now: u64) -> Option<Vec<Leftover>> {
        let mut is_running = self.sweeper.is_running.lock();
        let leftovers = table.sweep(now);
        *is_running = leftovers.is_some();
        self.is_over = !*is_running;
        leftovers
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if !self.is_over {
            // Its runtime or its backend has ended, or there are no timers.
            *self.sweeper.is_running.lock() = false;
        }
    }
}
