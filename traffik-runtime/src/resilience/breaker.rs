//! A circuit breaker, as users see it.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::clock::system::SystemClock;
use crate::resilience::circuit::{BreakerState, Change, Circuit, Limits};

/// Stops calling what keeps failing, and finds out by one call at a time whether it works again.
///
/// It is *closed* at first: all calls pass. So many failures in a row *open* it: none passes. After its recovery time it
/// is *half-open*: one call passes, and while that is under way no other. If the call fails, the circuit opens again; so
/// many successes in a row close it. A success of a closed circuit forgets the failures before it.
///
/// It may be a `static`, and any number of throttles may share it: what one of them finds out, all know. By default it
/// opens after 10 failures, for 60 seconds, and closes after 3 successes.
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
    /// A closed breaker: 10 failures open it for 60 seconds, 3 successes close it.
    #[cfg(not(all(test, traffik_loom)))]
    #[must_use]
    pub const fn new() -> Self {
        Self {
            limits: LIMITS,
            circuit: Circuit::new(),
        }
    }

    /// The same where atomics cannot be constants.
    #[cfg(all(test, traffik_loom))]
    pub fn new() -> Self {
        Self {
            limits: LIMITS,
            circuit: Circuit::new(),
        }
    }

    /// How many failures in a row open it, at least 1; default 10.
    #[must_use]
    pub const fn failures(mut self, failures: u32) -> Self {
        self.limits.failures = at_least_one(failures);
        self
    }

    /// After what time one call may pass, at most a year; default 60 seconds.
    #[must_use]
    pub const fn recovery(mut self, recovery: Duration) -> Self {
        self.limits.recovery = recovery;
        self
    }

    /// How many successes in a row close it again, at least 1; default 3.
    #[must_use]
    pub const fn successes(mut self, successes: u32) -> Self {
        self.limits.successes = at_least_one(successes);
        self
    }

    /// Whether a call may pass now. Its outcome has to be told to the [`Permit`]; one that is dropped was no call.
    pub fn try_acquire(&self, clock: &impl Clock) -> Option<Permit<'_>> {
        self.try_acquire_at(clock.now_micros()).ok()
    }

    /// The state that the next caller will find.
    pub fn state(&self, clock: &impl Clock) -> BreakerState {
        self.circuit.state(clock.now_micros())
    }

    /// The state that the next caller will find, by the system's clock.
    pub fn state_now(&self) -> BreakerState {
        self.state(&SystemClock::new())
    }

    /// Opens it until [`force_close`](Self::force_close): no call passes, however long it takes.
    pub fn force_open(&self) {
        self.circuit.open();
    }

    /// Closes it, whatever it was. It opens again by itself after as many failures as ever.
    pub fn force_close(&self) {
        self.circuit.close();
    }

    pub(crate) fn try_acquire_at(&self, now: u64) -> Result<Permit<'_>, Option<Duration>> {
        let (epoch, change) = self.circuit.try_acquire(now)?;
        Ok(Permit {
            breaker: self,
            epoch,
            change,
            told: false,
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

/// A call that a [`CircuitBreaker`] let pass.
///
/// Dropped without a word, it counts neither as a success nor as a failure, and the next call may pass: a request that went
/// away says nothing about what it was going to call.
#[derive(Debug)]
#[must_use = "the breaker is to be told how the call went"]
pub struct Permit<'a> {
    breaker: &'a CircuitBreaker,
    epoch: u16,
    /// What it changed that the call passed.
    pub(crate) change: Option<Change>,
    told: bool,
}

impl Permit<'_> {
    /// The call has succeeded.
    pub fn succeeded(self) {
        self.success();
    }

    /// The call has failed.
    pub fn failed(self, clock: &impl Clock) {
        self.failure(clock.now_micros());
    }

    pub(crate) fn success(mut self) -> Option<Change> {
        self.told = true;
        self.breaker
            .circuit
            .succeeded(self.epoch, &self.breaker.limits)
    }

    pub(crate) fn failure(mut self, now: u64) -> Option<Change> {
        self.told = true;
        self.breaker
            .circuit
            .failed(self.epoch, &self.breaker.limits, now)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.told {
            self.breaker.circuit.forgotten(self.epoch);
        }
    }
}

/// A breaker of a policy's own, or one that others have too.
#[derive(Clone, Debug)]
pub struct SharedBreaker(Held);

#[derive(Clone, Debug)]
enum Held {
    Static(&'static CircuitBreaker),
    Counted(Arc<CircuitBreaker>),
}

impl SharedBreaker {
    pub(crate) fn get(&self) -> &CircuitBreaker {
        match &self.0 {
            Held::Static(breaker) => breaker,
            Held::Counted(breaker) => breaker,
        }
    }
}

impl From<&'static CircuitBreaker> for SharedBreaker {
    fn from(breaker: &'static CircuitBreaker) -> Self {
        Self(Held::Static(breaker))
    }
}

impl From<Arc<CircuitBreaker>> for SharedBreaker {
    fn from(breaker: Arc<CircuitBreaker>) -> Self {
        Self(Held::Counted(breaker))
    }
}

impl From<CircuitBreaker> for SharedBreaker {
    fn from(breaker: CircuitBreaker) -> Self {
        Arc::new(breaker).into()
    }
}
