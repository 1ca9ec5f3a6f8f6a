//! A simulated process: a runtime of its own on virtual time, a backend, throttles and tasks.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::Instant;
use traffik::Backend;
use traffik::testing::simulation;

use super::desk::Desk;
use super::laws::LIMITS;
use super::sabotage::Sabotage;
use super::stream::SimulatedStream;
use super::weather::Weather;
use super::workload::Task;
use crate::chance::Chance;

/// The largest difference between the pace of a process's clock and that of the server, in
/// millionths. Local refusals allow for a thousandth.
const DRIFT: u64 = 900;

/// A process.
pub(super) struct Process {
    runtime: Runtime,
    idle: Arc<Idle>,
    tasks: JoinSet<()>,
    /// Without its backend, a process would refund nothing after its last task has ended.
    _backend: Backend,
    /// The pace of its clock, in millionths.
    pace: u64,
    /// The time of the world until which it has run.
    ran_until: u64,
    /// The time of its own clock, in millionths of a microsecond.
    own: u64,
    /// The time of its timers, in microseconds since it started.
    timers: u64,
    started: Instant,
    sabotage: Option<Sabotage>,
}

/// Notices that a runtime has nothing left to do.
#[derive(Default)]
struct Idle {
    parked: AtomicU32,
    waker: Mutex<Option<Waker>>,
}

impl Process {
    /// Starts a process.
    pub(super) fn start(
        number: usize,
        weather: &Weather,
        desk: &Arc<Desk>,
        chance: &mut Chance,
        sabotage: Option<Sabotage>,
    ) -> Self {
        let idle = Arc::new(Idle::default());
        let parked = idle.clone();
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .on_thread_park(move || parked.park())
            .build()
            .expect("a runtime");
        let opener = desk.clone();
        let open = move || {
            if opener.is_down() {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let stream = SimulatedStream::default();
            opener.requests().opened.push(stream.pipe());
            Ok::<_, io::Error>(stream)
        };
        let backend = Backend::redis_over(open)
            .connections(weather.connections)
            .local_refusals(Duration::from_micros(weather.local_refusals))
            .lease(Duration::from_micros(weather.lease))
            .lazy();
        let throttles = LIMITS.iter().map(|limit| limit.throttle(&backend));
        let throttles = Arc::new(throttles.collect::<Vec<_>>());
        let mut tasks = JoinSet::new();
        let is_ready = Arc::<AtomicBool>::default();
        for task in 0..weather.tasks {
            let task = Task {
                desk: desk.clone(),
                process: number,
                backend: backend.clone(),
                throttles: throttles.clone(),
                chance: chance.fork(),
                clients: weather.clients,
                pause: weather.pause,
                has_leases: weather.lease > 0,
                is_ready: is_ready.clone(),
                is_first: task == 0,
            };
            tasks.spawn_on(task.run(), runtime.handle());
        }
        let started = runtime.block_on(async { Instant::now() });
        Self {
            runtime,
            idle,
            timers: 0,
            started,
            tasks,
            _backend: backend,
            pace: chance.between(1_000_000 - DRIFT, 1_000_000 + DRIFT),
            ran_until: desk.now(),
            own: chance.below(1 << 50),
            sabotage,
        }
    }

    /// Lets the process run until it has nothing to do, at a time of the world.
    pub(super) fn run(&mut self, now: u64) {
        let elapsed = now - self.ran_until;
        self.ran_until = now;
        let before = self.own / 1_000_000;
        self.own += elapsed * self.pace;
        let steady = match self.sabotage {
            Some(Sabotage::StopsSteadyClocks) => 1,
            _ => self.own / 1_000_000,
        };
        let mut advance = self.own / 1_000_000 - before;
        if self.sabotage == Some(Sabotage::SlowsTimers) {
            advance /= 3;
        }
        simulation::set_steady_micros(Some(steady));
        self.timers += advance;
        let (idle, started) = (self.idle.clone(), self.started);
        let elapsed = self.runtime.block_on(async {
            if advance > 0 {
                tokio::time::advance(Duration::from_micros(advance)).await;
            }
            // Timers that are due fire when the runtime parks for the first time.
            idle.parks(2).await;
            started.elapsed()
        });
        assert_eq!(
            elapsed,
            Duration::from_micros(self.timers),
            "virtual time leaped"
        );
        while let Some(ended) = self.tasks.try_join_next() {
            ended.expect("tasks do not panic");
        }
        simulation::set_steady_micros(None);
    }

    /// Returns `true` if all tasks have ended.
    pub(super) fn is_done(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Ends the process at once.
    pub(super) fn crash(self) {
        simulation::set_steady_micros(Some(self.own / 1_000_000));
        drop(self);
        simulation::set_steady_micros(None);
    }
}

impl Idle {
    fn park(&self) {
        self.parked.fetch_add(1, Ordering::Relaxed);
        let waker = self
            .waker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Waits until the runtime has parked this many times.
    async fn parks(&self, times: u32) {
        self.parked.store(0, Ordering::Relaxed);
        poll_fn(|context| {
            if self.parked.load(Ordering::Relaxed) >= times {
                return Poll::Ready(());
            }
            let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
            *waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").finish_non_exhaustive()
    }
}
