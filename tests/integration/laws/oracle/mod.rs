//! An oracle of the laws, written from the design and sharing nothing with the code: naive, slow,
//! exact.
//!
//! It defines only *what is admitted when* ([`terms`], [`state`]). Every other part of a report
//! follows from that: `remaining` is the largest admitted cost, `wait` the first microsecond that
//! admits.

mod facts;
mod hours;
mod refund;
mod several;
mod state;
mod terms;

use state::{Memory, View};

pub(crate) use facts::{Fact, Value};
pub(crate) use several::Several;
pub(crate) use terms::{Adaptive, Law, Rule, TIERS, Terms};

/// Times in microseconds, counts, and their sums and products, none of which overflows.
pub(crate) type Int = i128;

/// The state of a law for one client.
#[derive(Clone, Debug, Default)]
pub(crate) struct Oracle {
    memory: Option<Memory>,
    /// The time at which the memory expires, unless a hit under a law that needs it for longer
    /// reads it earlier (L30).
    life: Int,
}

/// The report of a hit or of a client's state. Times are microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) admitted: bool,
    pub(crate) limit: Int,
    pub(crate) remaining: Int,
    pub(crate) wait: Option<Int>,
    pub(crate) next: Option<Int>,
    pub(crate) reset: Int,
    pub(crate) delay: Int,
}

impl Oracle {
    /// Decides a hit. A refusal and a cost of 0 change nothing (L8, L33), except that the first hit
    /// that reads a state far ahead of the clock fills it (L4), and that a refused hit extends the
    /// life of the state it reads (L30).
    pub(crate) fn hit(&mut self, terms: &Terms, now: Int, cost: Int) -> Verdict {
        if cost > 0 && self.life > now {
            *self = self.caught_up(terms, now);
        }
        let mut living = self.at(now);
        let admitted = living.admits(terms, now, cost);
        let verdict = living.decide(terms, now, cost);
        if admitted && cost > 0 {
            *self = living;
        } else if cost > 0 {
            self.lives_for(terms, now);
        }
        verdict
    }

    /// Extends the life of the memory to the time that a law needs it.
    pub(crate) fn lives_for(&mut self, terms: &Terms, now: Int) {
        if self.life > now {
            self.life = self.life.max(self.needed(terms, now));
        }
    }

    /// Returns the time until which a law needs the memory.
    fn needed(&self, terms: &Terms, now: Int) -> Int {
        match terms.law {
            // The memory is kept for the slowest recovery.
            Law::Adaptive(_) => Int::MAX,
            _ => now + self.reset(terms, now),
        }
    }

    /// Returns the oracle without an expired memory.
    pub(crate) fn at(&self, now: Int) -> Self {
        let memory = self.memory.clone().filter(|_| self.life > now);
        Self {
            memory,
            life: self.life,
        }
    }

    fn decide(&mut self, terms: &Terms, now: Int, cost: Int) -> Verdict {
        let admitted = self.admits(terms, now, cost);
        let mut delay = 0;
        if admitted && cost > 0 {
            if let Law::LeakyBucketWithQueue { .. } = terms.law {
                // The hits in the queue run first, from the law's own moment on (L16).
                delay = self.reset(terms, self.view(terms, now).moment(now));
            }
            let view = self.view(terms, now);
            self.memory = Some(view.record(terms, self.memory.take(), cost));
            self.life = self.needed(terms, now);
        }
        let verdict = self.verdict(terms, now, if admitted { 0 } else { cost });
        Verdict { delay, ..verdict }
    }

    /// Returns the report of a hit of this cost.
    pub(crate) fn verdict(&self, terms: &Terms, now: Int, cost: Int) -> Verdict {
        let view = self.at(now).caught_up(terms, now);
        Verdict {
            admitted: view.admits(terms, now, cost),
            limit: view.limit(terms, now),
            remaining: view.remaining(terms, now),
            wait: view.wait(terms, now, cost),
            next: view.next(terms, now),
            reset: view.reset(terms, now),
            delay: 0,
        }
    }

    /// Returns the oracle with a state more than a period ahead of the clock replaced by one that
    /// is full now (L4).
    pub(super) fn caught_up(&self, terms: &Terms, now: Int) -> Self {
        let ahead = self
            .memory
            .as_ref()
            .filter(|memory| memory.is_ahead(terms, now));
        let filled = ahead.map(|memory| memory.filled(terms, now));
        let Some(memory) = filled else {
            return self.clone();
        };
        let mut filled = Self {
            memory: Some(memory),
            life: 0,
        };
        filled.life = filled.needed(terms, now);
        filled
    }

    /// The effective limit, or what a fresh state admits at once (L11).
    fn limit(&self, terms: &Terms, now: Int) -> Int {
        let effective = self.view(terms, now).limit(terms);
        effective.unwrap_or_else(|| Self::default().remaining(terms, now))
    }

    /// The first moment at which the state equals the initial one (L12).
    fn reset(&self, terms: &Terms, now: Int) -> Int {
        least(|w| self.view(terms, now + w).is_nothing())
    }

    pub(crate) fn admits(&self, terms: &Terms, now: Int, cost: Int) -> bool {
        cost == 0 || self.view(terms, now).admits(terms, cost)
    }

    /// The largest admitted cost (L7), or for GCRA the number of admitted hits of cost 1 (L17).
    pub(crate) fn remaining(&self, terms: &Terms, now: Int) -> Int {
        let view = self.view(terms, now);
        view.single_hits(terms)
            .unwrap_or_else(|| least(|cost| !view.admits(terms, cost + 1)))
    }

    /// The first moment that admits the cost, or `None` if not even a fresh state does (L6, L9).
    pub(crate) fn wait(&self, terms: &Terms, now: Int, cost: Int) -> Option<Int> {
        if let Law::TimeOfDay { .. } = terms.law {
            return self.first_with(terms, now, cost);
        }
        let ever = Self::default().admits(terms, now, cost);
        ever.then(|| least(|w| self.admits(terms, now + w, cost)))
    }

    /// The first moment at which more remains than now, if ever.
    pub(crate) fn next(&self, terms: &Terms, now: Int) -> Option<Int> {
        let remaining = self.remaining(terms, now);
        if let Law::TimeOfDay { .. } = terms.law {
            return self.first_with(terms, now, remaining + 1);
        }
        let grows = Self::default().remaining(terms, now) > remaining;
        grows.then(|| least(|w| self.remaining(terms, now + w) > remaining))
    }

    pub(crate) fn view(&self, terms: &Terms, now: Int) -> View {
        View::at(terms, self.memory.as_ref(), now)
    }
}

/// Returns the least number from 0 on that satisfies a monotonic condition.
fn least(is_true: impl Fn(Int) -> bool) -> Int {
    let mut beyond = 1;
    if is_true(0) {
        return 0;
    }
    while !is_true(beyond) {
        beyond *= 2;
    }
    let mut below = beyond / 2;
    while beyond - below > 1 {
        let middle = below + (beyond - below) / 2;
        if is_true(middle) {
            beyond = middle;
        } else {
            below = middle;
        }
    }
    beyond
}
