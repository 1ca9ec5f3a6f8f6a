//! The state of a circuit breaker: a pure state machine over one atomic word, with the time as an
//! argument.

#[cfg(not(all(test, traffik_loom)))]
use std::sync::atomic::AtomicU64;
#[cfg(not(all(test, traffik_loom)))]
use std::sync::atomic::Ordering;
use std::time::Duration;

#[cfg(all(test, traffik_loom))]
use loom::sync::atomic::AtomicU64;
#[cfg(all(test, traffik_loom))]
use loom::sync::atomic::Ordering;

/// The state of a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BreakerState {
    /// All calls pass.
    Closed,
    /// No call passes.
    Open,
    /// One call passes at a time, as a probe.
    HalfOpen,
}

impl BreakerState {
    #[cfg(any(feature = "tracing", feature = "metrics"))]
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// A change of state: before and after.
pub(crate) type Change = (BreakerState, BreakerState);

/// The conditions for a circuit to open and to close.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The number of failures in a row that open it.
    pub(crate) failures: u32,
    /// The time after which one call passes.
    pub(crate) recovery: Duration,
    /// The number of successes of such calls in a row that close it.
    pub(crate) successes: u32,
}

/// The whole state in 64 bits: the state's tag, its epoch, and a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Word {
    state: State,
    /// The number of changes of the state, so that a late result is recognised as one of an earlier
    /// epoch.
    epoch: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Closed after this many failures in a row.
    Closed(u32),
    /// Open until this time: the low 48 bits of the microseconds since 1970.
    Open(u64),
    /// Open until it is closed by hand.
    Forced,
    /// Half-open after this many successes in a row; `true` while a probe is under way.
    HalfOpen(u32, bool),
}

const NUMBER_BITS: u32 = 48;
const TAG_BITS: u32 = 2;
const NUMBER: u64 = (1 << NUMBER_BITS) - 1;
const EPOCHS: u16 = 1 << (64 - NUMBER_BITS - TAG_BITS);

/// Times are compared by their difference, so that 48 bits of microseconds suffice for four years
/// in either direction.
const LATER: u64 = 1 << (NUMBER_BITS - 1);

/// The longest recovery: a year.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Word {
    const NEW: Self = Self {
        state: State::Closed(0),
        epoch: 0,
    };

    const fn pack(self) -> u64 {
        let (tag, number) = match self.state {
            State::Closed(failures) => (0, failures as u64),
            State::Open(until) => (1, until & NUMBER),
            State::Forced => (2, 0),
            State::HalfOpen(successes, probe) => (3, (successes as u64) << 1 | probe as u64),
        };
        (tag << NUMBER_BITS) | number | (self.epoch as u64) << (NUMBER_BITS + TAG_BITS)
    }

    const fn unpack(word: u64) -> Self {
        let number = word & NUMBER;
        let state = match (word >> NUMBER_BITS) & 3 {
            0 => State::Closed(number as u32),
            1 => State::Open(number),
            2 => State::Forced,
            _ => State::HalfOpen((number >> 1) as u32, number & 1 == 1),
        };
        Self {
            state,
            epoch: (word >> (NUMBER_BITS + TAG_BITS)) as u16,
        }
    }

    /// Returns the next epoch, which begins with this state.
    const fn next_epoch(self, state: State) -> Self {
        Self {
            state,
            epoch: (self.epoch + 1) % EPOCHS,
        }
    }

    const fn with(self, state: State) -> Self {
        Self { state, ..self }
    }

    const fn public_state(self) -> BreakerState {
        match self.state {
            State::Closed(_) => BreakerState::Closed,
            State::Open(_) | State::Forced => BreakerState::Open,
            State::HalfOpen(..) => BreakerState::HalfOpen,
        }
    }

    /// Returns the rest of an open circuit's recovery in microseconds.
    const fn left(until: u64, now: u64) -> u64 {
        let left = until.wrapping_sub(now) & NUMBER;
        if left < LATER { left } else { 0 }
    }

    /// Returns the word after a call passes, if it may.
    const fn acquired(self, now: u64) -> Option<Self> {
        match self.state {
            State::Closed(_) => Some(self),
            State::Open(until) if Self::left(until, now) == 0 => {
                Some(self.next_epoch(State::HalfOpen(0, true)))
            }
            State::HalfOpen(successes, false) => Some(self.with(State::HalfOpen(successes, true))),
            State::Open(_) | State::Forced | State::HalfOpen(_, true) => None,
        }
    }

    /// Returns the word after the success of a call that passed in an epoch.
    const fn succeeded(self, epoch: u16, limits: &Limits) -> Self {
        match self.state {
            _ if self.epoch != epoch => self,
            State::Closed(_) => self.with(State::Closed(0)),
            State::HalfOpen(before, true) if before + 1 >= limits.successes => {
                self.next_epoch(State::Closed(0))
            }
            State::HalfOpen(before, true) => self.with(State::HalfOpen(before + 1, false)),
            _ => self,
        }
    }

    /// Returns the word after the failure of a call that passed in an epoch.
    fn failed(self, epoch: u16, limits: &Limits, now: u64) -> Self {
        match self.state {
            _ if self.epoch != epoch => self,
            State::Closed(before) if before + 1 < limits.failures => {
                self.with(State::Closed(before + 1))
            }
            State::Closed(_) | State::HalfOpen(_, true) => {
                let recovery = limits.recovery.min(LONGEST).as_micros() as u64;
                self.next_epoch(State::Open(now.wrapping_add(recovery) & NUMBER))
            }
            _ => self,
        }
    }

    /// Returns the word after a call that passed in an epoch was cancelled.
    const fn forgotten(self, epoch: u16) -> Self {
        match self.state {
            State::HalfOpen(successes, true) if self.epoch == epoch => {
                self.with(State::HalfOpen(successes, false))
            }
            _ => self,
        }
    }
}

/// A state that callers share.
#[derive(Debug)]
pub(crate) struct Circuit(AtomicU64);

impl Circuit {
    #[cfg(not(all(test, traffik_loom)))]
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(Word::NEW.pack()))
    }

    #[cfg(all(test, traffik_loom))]
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(Word::NEW.pack()))
    }

    /// Returns the state for the next caller.
    pub(crate) fn state(&self, now: u64) -> BreakerState {
        let word = self.load();
        match word.state {
            State::Open(until) if Word::left(until, now) == 0 => BreakerState::HalfOpen,
            _ => word.public_state(),
        }
    }

    /// Admits a call, and returns the epoch it passes in and the change of state.
    ///
    /// # Errors
    ///
    /// The time for which no call passes; `None` where that depends on a probe or an operator.
    pub(crate) fn try_acquire(&self, now: u64) -> Result<(u16, Option<Change>), Option<Duration>> {
        let mut passed = None;
        let (before, after) = self.change(|word| {
            passed = word.acquired(now);
            passed.unwrap_or(word)
        });
        match (passed, before.state) {
            (Some(passed), _) => Ok((passed.epoch, changed(before, after))),
            (None, State::Open(until)) => Err(Some(Duration::from_micros(Word::left(until, now)))),
            (None, _) => Err(None),
        }
    }

    pub(crate) fn succeeded(&self, epoch: u16, limits: &Limits) -> Option<Change> {
        let (before, after) = self.change(|word| word.succeeded(epoch, limits));
        changed(before, after)
    }

    pub(crate) fn failed(&self, epoch: u16, limits: &Limits, now: u64) -> Option<Change> {
        let (before, after) = self.change(|word| word.failed(epoch, limits, now));
        changed(before, after)
    }

    pub(crate) fn forgotten(&self, epoch: u16) {
        self.change(|word| word.forgotten(epoch));
    }

    pub(crate) fn open(&self) -> Option<Change> {
        let (before, after) = self.change(|word| word.next_epoch(State::Forced));
        changed(before, after)
    }

    pub(crate) fn close(&self) -> Option<Change> {
        let (before, after) = self.change(|word| word.next_epoch(State::Closed(0)));
        changed(before, after)
    }

    fn load(&self) -> Word {
        Word::unpack(self.0.load(Ordering::Acquire))
    }

    /// Makes a step, and returns the words before and after it. An unchanged word is not written,
    /// so that callers of a closed circuit without failures only read.
    fn change(&self, mut step: impl FnMut(Word) -> Word) -> (Word, Word) {
        let mut before = self.0.load(Ordering::Acquire);
        loop {
            let word = Word::unpack(before);
            let after = step(word);
            if after == word {
                return (word, after);
            }
            let swapped = self.0.compare_exchange_weak(
                before,
                after.pack(),
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            match swapped {
                Ok(_) => return (word, after),
                Err(now) => before = now,
            }
        }
    }
}

fn changed(before: Word, after: Word) -> Option<Change> {
    let (before, after) = (before.public_state(), after.public_state());
    (before != after).then_some((before, after))
}

#[cfg(all(test, not(traffik_loom)))]
#[path = "circuit_tests.rs"]
mod tests;

#[cfg(all(test, traffik_loom))]
#[path = "circuit_loom.rs"]
mod loom_tests;
