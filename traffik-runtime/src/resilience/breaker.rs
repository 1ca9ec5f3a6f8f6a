//! `CircuitBreaker`: stops calls to a backend that keeps failing.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::clock::system::SystemClock;
use crate::resilience::circuit::{BreakerState, Change, Circuit, Limits};

/// Stops calls to a backend that keeps failing, and probes it with one call at a time.
///
/// It is *closed* at first: all calls pass. After a number of failures in a row it is *open*: no
/// call passes. After its recovery time it is *half-open*: one call passes at a time. If that call
/// fails, the circuit opens again; after a number of successes in a row it closes. A success of a
/// closed circuit resets the count of failures.
///
/// It may be a `static`, and any number of throttles may share it. By default it opens after 10
/// failures, for 60 seconds, and closes after 3 successes.
///
/// ```
/// use std::time::Duration;
/// use traffik::{CircuitBreaker, ManualClock, failure::BreakerState};
///
/// static BREAKER: CircuitBreaker =
///     CircuitBreaker::new().failures(2).recovery(Duration::from_secs(60)).successes(1);
///
/// let clock = ManualClock::new();
/// for _ in 0..2 {
///     BREAKER.try_acquire(&clock).expect("it is closed").failed(&clock);
/// }
/// assert!(BREAKER.try_acquire(&clock).is_none());
///
/// clock.advance(Duration::from_secs(60));
/// let probe = BREAKER.try_acquire(&clock).expect("one call");
/// assert!(BREAKER.try_acquire(&clock).is_none());
/// probe.succeeded();
/// assert_eq!(BREAKER.state(&clock), BreakerState::Closed);
/// ```
#[derive(Debug)]
pub struct CircuitBreaker {
    limits: Limits,
    circuit: Circuit,
}

impl CircuitBreaker {
    /// Makes a closed breaker: 10 failures open it for 60 seconds, and 3 successes close it.
    #[cfg(not(all(test, traffik_loom)))]
    #[must_use]
    pub const fn new() -> Self {
        Self {
            limits: LIMITS,
            circuit: Circuit::new(),
        }
    }

    /// Makes a closed breaker where atomics cannot be constants.
    #[cfg(all(test, traffik_loom))]
    pub fn new() -> Self {
        Self {
            limits: LIMITS,
            circuit: Circuit::new(),
        }
    }

    /// Sets how many failures in a row open it, at least 1; default 10.
    #[must_use]
    pub const fn failures(mut self, failures: u32) -> Self {
        self.limits.failures = at_least_one(failures);
        self
    }

    /// Sets the time after which one call may pass, at most a year; default 60 seconds.
    #[must_use]
    pub const fn recovery(mut self, recovery: Duration) -> Self {
        self.limits.recovery = recovery;
        self
    }

    /// Sets how many successes in a row close it again, at least 1; default 3.
    #[must_use]
    pub const fn successes(mut self, successes: u32) -> Self {
        self.limits.successes = at_least_one(successes);
        self
    }

    /// Returns a permit if a call may pass now. Report the call's result to the [`Permit`]; a
    /// permit that is dropped counts as no call.
    pub fn try_acquire(&self, clock: &impl Clock) -> Option<Permit<'_>> {
        self.try_acquire_at(clock.now_micros()).ok()
    }

    /// Returns the state for the next caller.
    pub fn state(&self, clock: &impl Clock) -> BreakerState {
        self.circuit.state(clock.now_micros())
    }

    /// Returns the state for the next caller by the system's clock.
    pub fn state_now(&self) -> BreakerState {
        self.state(&SystemClock::new())
    }

    /// Opens it until [`force_close`](Self::force_close): no call passes until then.
    pub fn force_open(&self) {
        self.circuit.open();
    }

    /// Closes it from any state. It opens again after the configured number of failures.
    pub fn force_close(&self) {
        self.circuit.close();
    }

    pub(crate) fn is_closed_at(&self, now: u64) -> bool {
        self.circuit.state(now) == BreakerState::Closed
    }

    pub(crate) fn try_acquire_at(&self, now: u64) -> Result<Permit<'_>, Option<Duration>> {
        let (epoch, change) = self.circuit.try_acquire(now)?;
        Ok(Permit {
            breaker: self,
            epoch,
            change,
            reported: false,
        })
    }
}

const LIMITS: Limits = Limits {
    failures: 10,
    recovery: Duration::from_secs(60),
    successes: 3,
};

const fn at_least_one(number: u32) -> u32 {
    if number == 0 { 1 } else { number }
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self::new()
    }
}

/// A call that a [`CircuitBreaker`] admits.
///
/// A permit that is dropped counts neither as a success nor as a failure, and the next call may
/// pass: a request that was cancelled is no evidence about the backend.
#[derive(Debug)]
#[must_use = "report the result of the call to the permit"]
pub struct Permit<'a> {
    breaker: &'a CircuitBreaker,
    epoch: u16,
    /// The change of state by which the call passed.
    pub(crate) change: Option<Change>,
    reported: bool,
}

impl Permit<'_> {
    /// Reports a success.
    pub fn succeeded(self) {
        self.success();
    }

    /// Reports a failure.
    pub fn failed(self, clock: &impl Clock) {
        self.failure(clock.now_micros());
    }

    pub(crate) fn success(mut self) -> Option<Change> {
        self.reported = true;
        self.breaker
            .circuit
            .succeeded(self.epoch, &self.breaker.limits)
    }

    pub(crate) fn failure(mut self, now: u64) -> Option<Change> {
        self.reported = true;
        self.breaker
            .circuit
            .failed(self.epoch, &self.breaker.limits, now)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.reported {
            self.breaker.circuit.forgotten(self.epoch);
        }
    }
}

/// A breaker of one policy, or of several.
#[derive(Clone, Debug)]
pub struct SharedBreaker(Reference);

#[derive(Clone, Debug)]
enum Reference {
    Static(&'static CircuitBreaker),
    Counted(Arc<CircuitBreaker>),
}

impl SharedBreaker {
    pub(crate) fn get(&self) -> &CircuitBreaker {
        match &self.0 {
            Reference::Static(breaker) => breaker,
            Reference::Counted(breaker) => breaker,
        }
    }
}

impl From<&'static CircuitBreaker> for SharedBreaker {
    fn from(breaker: &'static CircuitBreaker) -> Self {
        Self(Reference::Static(breaker))
    }
}

impl From<Arc<CircuitBreaker>> for SharedBreaker {
    fn from(breaker: Arc<CircuitBreaker>) -> Self {
        Self(Reference::Counted(breaker))
    }
}

impl From<CircuitBreaker> for SharedBreaker {
    fn from(breaker: CircuitBreaker) -> Self {
        Arc::new(breaker).into()
    }
}
