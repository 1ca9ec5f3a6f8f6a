//! An oracle of the laws, written from the design alone and sharing nothing with the code: naive,
//! slow, exact.
//!
//! It knows only *what is admitted when* ([`terms`], [`seen`]). Everything else that a decision
//! tells is found by asking that question again: `remaining` is the largest cost that is admitted,
//! `wait` the first microsecond that admits.

mod facts;
mod hours;
mod refund;
mod seen;
mod several;
mod terms;

use seen::{Memory, Seen};

pub(crate) use facts::{Fact, Value};
pub(crate) use several::Several;
pub(crate) use terms::{Adaptive, Law, Rule, TIERS, Terms};

/// Moments and stretches of time in microseconds, counts, and whatever is made of them: no sum or
/// product of what the laws hold comes near the end of it.
pub(crate) type Int = i128;

/// What a law remembers of one client, and answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Oracle {
    memory: Option<Memory>,
    /// When the memory is lost, unless a hit sees it earlier under a law that needs it for longer
    /// (L30).
    life: Int,
}

/// What is told of a hit, or of how a client stands. Times are microseconds.
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
    /// Decides a hit: what is refused, and a cost of 0, changes nothing (L8, L33), but that a state
    /// far ahead of the clock is filled by the first hit that sees it (L4), and a refused hit has
    /// seen the state (L30).
    pub(crate) fn hit(&mut self, terms: &Terms, now: Int, cost: Int) -> Verdict {
        if cost > 0 && self.life > now {
            *self = self.caught_up(terms, now);
        }
        let mut living = self.at(now);
        let admitted = living.admits(terms, now, cost);
        let told = living.decide(terms, now, cost);
        if admitted && cost > 0 {
            *self = living;
        } else if cost > 0 {
            self.lives_for(terms, now);
        }
        told
    }

    /// Lets the memory live for as long as a law needs it that has seen it.
    pub(crate) fn lives_for(&mut self, terms: &Terms, now: Int) {
        if self.life > now {
            self.life = self.life.max(self.needed(terms, now));
        }
    }

    /// When a law needs the memory no longer.
    fn needed(&self, terms: &Terms, now: Int) -> Int {
        match terms.law {
            // It is kept for as long as the slowest recovery would need it.
            Law::Adaptive(_) => Int::MAX,
            _ => now + self.reset(terms, now),
        }
    }

    /// What is left of it at a moment; that is what it goes by at later moments too, until a hit
    /// changes it.
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
                // L16: what is in the queue runs first, from the law's own moment on.
                delay = self.reset(terms, self.seen(terms, now).moment(now));
            }
            let seen = self.seen(terms, now);
            self.memory = Some(seen.record(terms, self.memory.take(), cost));
            self.life = self.needed(terms, now);
        }
        let told = self.verdict(terms, now, if admitted { 0 } else { cost });
        Verdict { delay, ..told }
    }

    /// How the client stands, as a hit of this cost would see it.
    pub(crate) fn verdict(&self, terms: &Terms, now: Int, cost: Int) -> Verdict {
        let seen = self.at(now).caught_up(terms, now);
        Verdict {
            admitted: seen.admits(terms, now, cost),
            limit: seen.limit(terms, now),
            remaining: seen.remaining(terms, now),
            wait: seen.wait(terms, now, cost),
            next: seen.next(terms, now),
            reset: seen.reset(terms, now),
            delay: 0,
        }
    }

    /// The same with a state that is more than a period ahead of the clock taken for one that was
    /// filled at now (L4).
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

    /// The effective limit in force, or what a fresh state admits at once (L11).
    fn limit(&self, terms: &Terms, now: Int) -> Int {
        let effective = self.seen(terms, now).limit(terms);
        effective.unwrap_or_else(|| Self::default().remaining(terms, now))
    }

    /// The first moment at which nothing is left of the state (L12).
    fn reset(&self, terms: &Terms, now: Int) -> Int {
        least(|w| self.seen(terms, now + w).is_nothing())
    }

    pub(crate) fn admits(&self, terms: &Terms, now: Int, cost: Int) -> bool {
        cost == 0 || self.seen(terms, now).admits(terms, cost)
    }

    /// The largest cost that is admitted (L7); of GCRA, how many hits of cost 1 (L17).
    pub(crate) fn remaining(&self, terms: &Terms, now: Int) -> Int {
        let seen = self.seen(terms, now);
        seen.single_hits(terms)
            .unwrap_or_else(|| least(|cost| !seen.admits(terms, cost + 1)))
    }

    /// The first moment that admits the cost; none if not even a fresh state does (L6, L9).
    pub(crate) fn wait(&self, terms: &Terms, now: Int, cost: Int) -> Option<Int> {
        if let Law::TimeOfDay { .. } = terms.law {
            return self.first_with(terms, now, cost);
        }
        let ever = Self::default().admits(terms, now, cost);
        ever.then(|| least(|w| self.admits(terms, now + w, cost)))
    }

    /// The first moment at which more remains than now, if ever more can remain (D2).
    pub(crate) fn next(&self, terms: &Terms, now: Int) -> Option<Int> {
        let remaining = self.remaining(terms, now);
        if let Law::TimeOfDay { .. } = terms.law {
            return self.first_with(terms, now, remaining + 1);
        }
        let grows = Self::default().remaining(terms, now) > remaining;
        grows.then(|| least(|w| self.remaining(terms, now + w) > remaining))
    }

    pub(crate) fn seen(&self, terms: &Terms, now: Int) -> Seen {
        Seen::at(terms, self.memory.as_ref(), now)
    }
}

/// The least number, not below 0, from which on something is true.
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
