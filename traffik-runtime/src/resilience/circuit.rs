//! The state of a circuit breaker: a pure machine that is told the time, and one word that holds its state.

#[cfg(not(all(test, traffik_loom)))]
use std::sync::atomic::AtomicU64;
#[cfg(not(all(test, traffik_loom)))]
use std::sync::atomic::Ordering;
use std::time::Duration;

#[cfg(all(test, traffik_loom))]
use loom::sync::atomic::AtomicU64;
#[cfg(all(test, traffik_loom))]
use loom::sync::atomic::Ordering;

/// Whether a circuit lets calls through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BreakerState {
    /// All pass.
    Closed,
    /// None does.
    Open,
    /// One at a time does, to find out whether more may.
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

/// A change of state, from what it was to what it is.
pub(crate) type Change = (BreakerState, BreakerState);

/// When a circuit opens and closes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// So many failures in a row open it.
    pub(crate) failures: u32,
    /// After this time one call is let through.
    pub(crate) recovery: Duration,
    /// So many successes of such calls in a row close it.
    pub(crate) successes: u32,
}

/// Everything there is to know, in 64 bits: what the state is, how often it has changed, and a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Word {
    state: State,
    /// How often the state has changed, so that an answer that comes late is known to be about another time.
    epoch: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// So many failures in a row.
    Closed(u32),
    /// Until this time, in microseconds since 1970, of which 48 bits are kept.
    Open(u64),
    /// Until it is closed by hand.
    Held,
    /// So many successes in a row, and whether a probe is under way.
    HalfOpen(u32, bool),
}

const NUMBER_BITS: u32 = 48;
const TAG_BITS: u32 = 2;
const NUMBER: u64 = (1 << NUMBER_BITS) - 1;
const EPOCHS: u16 = 1 << (64 - NUMBER_BITS - TAG_BITS);

/// Times are compared by their difference, so that 48 bits of microseconds are enough for four years to either side.
const LATER: u64 = 1 << (NUMBER_BITS - 1);

/// No recovery takes longer than this: a year.
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
            State::Held => (2, 0),
            State::HalfOpen(successes, probe) => (3, (successes as u64) << 1 | probe as u64),
        };
        (tag << NUMBER_BITS) | number | (self.epoch as u64) << (NUMBER_BITS + TAG_BITS)
    }

    const fn unpack(word: u64) -> Self {
        let number = word & NUMBER;
        let state = match (word >> NUMBER_BITS) & 3 {
            0 => State::Closed(number as u32),
            1 => State::Open(number),
            2 => State::Held,
            _ => State::HalfOpen((number >> 1) as u32, number & 1 == 1),
        };
        Self {
            state,
            epoch: (word >> (NUMBER_BITS + TAG_BITS)) as u16,
        }
    }

    /// The next epoch, which begins with this state.
    const fn turn(self, state: State) -> Self {
        Self {
            state,
            epoch: (self.epoch + 1) % EPOCHS,
        }
    }

    const fn with(self, state: State) -> Self {
        Self { state, ..self }
    }

    const fn seen(self) -> BreakerState {
        match self.state {
            State::Closed(_) => BreakerState::Closed,
            State::Open(_) | State::Held => BreakerState::Open,
            State::HalfOpen(..) => BreakerState::HalfOpen,
        }
    }

    /// What is left of an open circuit's recovery.
    const fn left(until: u64, now: u64) -> u64 {
        let left = until.wrapping_sub(now) & NUMBER;
        if left < LATER { left } else { 0 }
    }

    /// A call asks to pass.
    const fn try_acquire(self, now: u64) -> Option<Self> {
        match self.state {
            State::Closed(_) => Some(self),
            State::Open(until) if Self::left(until, now) == 0 => {
                Some(self.turn(State::HalfOpen(0, true)))
            }
            State::HalfOpen(successes, false) => Some(self.with(State::HalfOpen(successes, true))),
            State::Open(_) | State::Held | State::HalfOpen(_, true) => None,
        }
    }

    /// A call that passed in an epoch has succeeded.
    const fn succeeded(self, epoch: u16, limits: &Limits) -> Self {
        match self.state {
            _ if self.epoch != epoch => self,
            State::Closed(_) => self.with(State::Closed(0)),
            State::HalfOpen(before, true) if before + 1 >= limits.successes => {
                self.turn(State::Closed(0))
            }
            State::HalfOpen(before, true) => self.with(State::HalfOpen(before + 1, false)),
            _ => self,
        }
    }

    /// A call that passed in an epoch has failed.
    fn failed(self, epoch: u16, limits: &Limits, now: u64) -> Self {
        match self.state {
            _ if self.epoch != epoch => self,
            State::Closed(before) if before + 1 < limits.failures => {
                self.with(State::Closed(before + 1))
            }
            State::Closed(_) | State::HalfOpen(_, true) => {
                let recovery = limits.recovery.min(LONGEST).as_micros() as u64;
                self.turn(State::Open(now.wrapping_add(recovery) & NUMBER))
            }
            _ => self,
        }
    }

    /// Of a call that passed in an epoch nothing will be heard.
    const fn forgotten(self, epoch: u16) -> Self {
        match self.state {
            State::HalfOpen(successes, true) if self.epoch == epoch => {
                self.with(State::HalfOpen(successes, false))
            }
            _ => self,
        }
    }
}

/// The state that callers share.
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

    /// The state, as the next caller will find it.
    pub(crate) fn state(&self, now: u64) -> BreakerState {
        let word = self.load();
        match word.state {
            State::Open(until) if Word::left(until, now) == 0 => BreakerState::HalfOpen,
            _ => word.seen(),
        }
    }

    /// Lets a call pass or not: the epoch it passes in, and what that changed.
    ///
    /// # Errors
    ///
    /// How long none will; `None` where that depends on others.
    pub(crate) fn try_acquire(&self, now: u64) -> Result<(u16, Option<Change>), Option<Duration>> {
        let mut passed = None;
        let (before, after) = self.change(|word| {
            passed = word.try_acquire(now);
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
        let (before, after) = self.change(|word| word.turn(State::Held));
        changed(before, after)
    }

    pub(crate) fn close(&self) -> Option<Change> {
        let (before, after) = self.change(|word| word.turn(State::Closed(0)));
        changed(before, after)
    }

    fn load(&self) -> Word {
        Word::unpack(self.0.load(Ordering::Acquire))
    }

    /// Makes a step, and says what was before and is after it. Nothing is written that is there already: of a circuit that
    /// is closed and has seen no failure, callers only read.
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
    let (before, after) = (before.seen(), after.seen());
    (before != after).then_some((before, after))
}

#[cfg(all(test, not(traffik_loom)))]
#[path = "circuit_tests.rs"]
mod tests;

#[cfg(all(test, traffik_loom))]
#[path = "circuit_loom.rs"]
mod loom_tests;
