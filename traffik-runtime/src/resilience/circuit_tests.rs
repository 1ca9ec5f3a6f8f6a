//! Every sequence of events up to a length, against a breaker without packing; then each
//! transition.

use std::time::Duration;

use crate::resilience::circuit::{BreakerState, Circuit, EPOCHS, Limits, State, Word};

const START: u64 = 1_000_000;

const fn limits(failures: u32, successes: u32) -> Limits {
    Limits {
        failures,
        recovery: Duration::from_micros(10),
        successes,
    }
}

/// An event. Results are those of the oldest or the newest call that is under way.
#[derive(Clone, Copy, Debug)]
enum Event {
    Ask,
    OldSucceeds,
    OldFails,
    NewSucceeds,
    NewFails,
    OldIsForgotten,
    /// Less than the recovery.
    Wait,
    /// The rest of it.
    Recover,
    Open,
    Close,
}

const EVENTS: [Event; 10] = [
    Event::Ask,
    Event::OldSucceeds,
    Event::OldFails,
    Event::NewSucceeds,
    Event::NewFails,
    Event::OldIsForgotten,
    Event::Wait,
    Event::Recover,
    Event::Open,
    Event::Close,
];

/// A breaker that follows its documentation, without packing.
#[derive(Clone, Debug)]
struct Reference {
    state: BreakerState,
    /// The number of changes of the state; calls belong to the era they passed in.
    era: u64,
    failures: u32,
    successes: u32,
    probe: bool,
    opens_at: Option<u64>,
}

impl Reference {
    const fn new() -> Self {
        Self {
            state: BreakerState::Closed,
            era: 0,
            failures: 0,
            successes: 0,
            probe: false,
            opens_at: None,
        }
    }

    fn enter(&mut self, state: BreakerState) {
        *self = Self {
            state,
            era: self.era + 1,
            ..Self::new()
        };
    }

    fn try_acquire(&mut self, now: u64) -> Option<u64> {
        if self.state == BreakerState::Open && self.opens_at.is_some_and(|at| now >= at) {
            self.enter(BreakerState::HalfOpen);
        }
        match self.state {
            BreakerState::Closed => Some(self.era),
            BreakerState::Open => None,
            BreakerState::HalfOpen if self.probe => None,
            BreakerState::HalfOpen => {
                self.probe = true;
                Some(self.era)
            }
        }
    }

    fn succeeded(&mut self, era: u64, limits: Limits) {
        if era != self.era {
            return;
        }
        match self.state {
            BreakerState::Closed => self.failures = 0,
            BreakerState::HalfOpen => {
                self.probe = false;
                self.successes += 1;
                if self.successes == limits.successes {
                    self.enter(BreakerState::Closed);
                }
            }
            BreakerState::Open => {}
        }
    }

    fn failed(&mut self, era: u64, limits: Limits, now: u64) {
        if era != self.era || self.state == BreakerState::Open {
            return;
        }
        self.failures += 1;
        if self.state == BreakerState::HalfOpen || self.failures == limits.failures {
            self.enter(BreakerState::Open);
            self.opens_at = Some(now + 10);
        }
    }
}

/// A breaker, the same in reference words, and the calls that are under way in both.
#[derive(Clone)]
struct Pair {
    word: u64,
    reference: Reference,
    calls: Vec<(u16, u64)>,
    now: u64,
}

impl Pair {
    fn step(&mut self, event: Event, limits: Limits) {
        let circuit = Circuit::of(self.word);
        let old = |calls: &mut Vec<_>| (!calls.is_empty()).then(|| calls.remove(0));
        match event {
            Event::Ask => {
                let acquired = circuit.try_acquire(self.now).ok().map(|(epoch, _)| epoch);
                let expected = self.reference.try_acquire(self.now);
                assert_eq!(acquired.is_some(), expected.is_some());
                self.calls.extend(acquired.zip(expected));
            }
            Event::OldSucceeds | Event::NewSucceeds => {
                let call = match event {
                    Event::OldSucceeds => old(&mut self.calls),
                    _ => self.calls.pop(),
                };
                if let Some((epoch, era)) = call {
                    circuit.succeeded(epoch, &limits);
                    self.reference.succeeded(era, limits);
                }
            }
            Event::OldFails | Event::NewFails => {
                let call = match event {
                    Event::OldFails => old(&mut self.calls),
                    _ => self.calls.pop(),
                };
                if let Some((epoch, era)) = call {
                    circuit.failed(epoch, &limits, self.now);
                    self.reference.failed(era, limits, self.now);
                }
            }
            Event::OldIsForgotten => {
                if let Some((epoch, era)) = old(&mut self.calls) {
                    circuit.forgotten(epoch);
                    if era == self.reference.era {
                        self.reference.probe = false;
                    }
                }
            }
            Event::Wait => self.now += 3,
            Event::Recover => self.now += 10,
            Event::Open => {
                circuit.open();
                self.reference.enter(BreakerState::Open);
            }
            Event::Close => {
                circuit.close();
                self.reference.enter(BreakerState::Closed);
            }
        }
        self.word = circuit.word();
        let after = self.reference.opens_at.is_some_and(|at| self.now >= at);
        let expected = match self.reference.state {
            BreakerState::Open if after => BreakerState::HalfOpen,
            state => state,
        };
        assert_eq!(circuit.state(self.now), expected, "after {event:?}");
    }
}

impl Circuit {
    fn of(word: u64) -> Self {
        Self(super::AtomicU64::new(word))
    }

    fn word(&self) -> u64 {
        self.load().pack()
    }
}

fn explore(pair: &Pair, limits: Limits, depth: u32, visited: &mut u64) {
    if depth == 0 {
        *visited += 1;
        return;
    }
    for event in EVENTS {
        let mut next = pair.clone();
        next.step(event, limits);
        explore(&next, limits, depth - 1, visited);
    }
}

#[test]
fn every_sequence_of_events() {
    for limits in [limits(1, 1), limits(2, 1), limits(1, 2), limits(2, 2)] {
        let start = Pair {
            word: Word::NEW.pack(),
            reference: Reference::new(),
            calls: Vec::new(),
            now: START,
        };
        let mut visited = 0;
        explore(&start, limits, 5, &mut visited);
        assert_eq!(visited, 100_000);
        // Deeper from where it is interesting: open, with a call under way since before.
        let mut open = start;
        for event in [Event::Ask, Event::Ask, Event::Ask, Event::NewFails] {
            open.step(event, limits);
        }
        open.step(Event::NewFails, limits);
        assert_eq!(open.reference.state, BreakerState::Open);
        open.step(Event::Recover, limits);
        explore(&open, limits, 5, &mut visited);
    }
}

#[test]
fn words_are_what_was_put_in() {
    let states = [
        State::Closed(0),
        State::Closed(u32::MAX),
        State::Open((1 << 48) - 1),
        State::Forced,
        State::HalfOpen(u32::MAX, true),
        State::HalfOpen(0, false),
    ];
    for state in states {
        for epoch in [0, 1, EPOCHS - 1] {
            let word = Word { state, epoch };
            assert_eq!(Word::unpack(word.pack()), word);
        }
    }
}

#[test]
fn epochs_come_round() {
    let circuit = Circuit::new();
    for _ in 0..EPOCHS {
        circuit.close();
    }
    assert_eq!(circuit.try_acquire(START).map(|(epoch, _)| epoch), Ok(0));
}

/// Times are kept in 48 bits, which today's do not fit.
#[test]
fn recovery_ends_at_its_microsecond_whatever_the_date() {
    for start in [0, START, 1_800_000_000_000_000, (1 << 48) - 5, u64::MAX - 5] {
        let (circuit, limits) = (Circuit::new(), limits(1, 1));
        let (epoch, _) = circuit.try_acquire(start).unwrap();
        circuit.failed(epoch, &limits, start);
        let left = circuit.try_acquire(start.wrapping_add(9)).unwrap_err();
        assert_eq!(left, Some(Duration::from_micros(1)), "{start}");
        // A clock that is set back a little finds it open still.
        assert!(circuit.try_acquire(start.wrapping_sub(1_000)).is_err());
        assert!(
            circuit.try_acquire(start.wrapping_add(10)).is_ok(),
            "{start}"
        );
    }
}

#[test]
fn a_recovery_beyond_all_bounds_is_a_year() {
    let circuit = Circuit::new();
    let limits = Limits {
        recovery: Duration::MAX,
        ..limits(1, 1)
    };
    circuit.failed(0, &limits, START);
    let year = 365 * 24 * 60 * 60 * 1_000_000;
    assert!(circuit.try_acquire(START + year - 1).is_err());
    assert!(circuit.try_acquire(START + year).is_ok());
}

#[test]
fn reports_each_change_once() {
    use BreakerState::{Closed, HalfOpen, Open};
    let (circuit, limits) = (Circuit::new(), limits(2, 1));
    let acquire = |now| circuit.try_acquire(now).unwrap();
    assert_eq!(acquire(START), (0, None));
    assert_eq!(circuit.failed(0, &limits, START), None);
    assert_eq!(circuit.failed(0, &limits, START), Some((Closed, Open)));
    assert_eq!(circuit.failed(0, &limits, START), None);
    let (probe, change) = acquire(START + 10);
    assert_eq!(change, Some((Open, HalfOpen)));
    assert_eq!(circuit.succeeded(probe, &limits), Some((HalfOpen, Closed)));
    assert_eq!(circuit.open(), Some((Closed, Open)));
    assert_eq!(circuit.open(), None);
    assert_eq!(circuit.close(), Some((Open, Closed)));
}
