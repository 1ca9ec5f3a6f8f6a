//! Several laws, decided together (L28).

use super::{Int, Oracle, Terms, Verdict, least};

/// A client's states under a list of rates, or in a set of throttles.
#[derive(Clone, Debug)]
pub(crate) struct Several {
    members: Vec<(Terms, Oracle)>,
}

impl Several {
    pub(crate) fn new(terms: impl IntoIterator<Item = Terms>) -> Self {
        let fresh = |terms| (terms, Oracle::default());
        Self {
            members: terms.into_iter().map(fresh).collect(),
        }
    }

    /// Counted by all, or by none.
    pub(crate) fn hit(&mut self, now: Int, cost: Int) -> Verdict {
        if cost > 0 {
            *self = self.caught_up(now);
        }
        if !self.admits(now, cost) {
            return self.verdict(now, cost);
        }
        let mut delay = 0;
        for (terms, oracle) in &mut self.members {
            delay = oracle.hit(terms, now, cost).delay.max(delay);
        }
        let told = self.verdict(now, 0);
        Verdict { delay, ..told }
    }

    pub(crate) fn admits(&self, now: Int, cost: Int) -> bool {
        let mut members = self.members.iter();
        members.all(|(terms, oracle)| oracle.admits(terms, now, cost))
    }

    /// The member with the longest wait speaks, "never" being the longest and the first winning a tie; if nothing has to be
    /// waited for, the one with the least remaining, which is what the code's own documentation adds.
    pub(crate) fn verdict(&self, now: Int, cost: Int) -> Verdict {
        self.caught_up(now).told(now, cost)
    }

    /// Every state that is far ahead of the clock as one that is filled (L4).
    fn caught_up(&self, now: Int) -> Self {
        let members = self.members.iter();
        let members = members.map(|(terms, oracle)| (*terms, oracle.caught_up(terms, now)));
        Self {
            members: members.collect(),
        }
    }

    fn told(&self, now: Int, cost: Int) -> Verdict {
        let verdicts = self.members.iter();
        let verdicts = verdicts.map(|(terms, oracle)| oracle.verdict(terms, now, cost));
        let speaker = verdicts.reduce(|first, other| {
            let (long, longer) = (
                first.wait.unwrap_or(Int::MAX),
                other.wait.unwrap_or(Int::MAX),
            );
            let scarcer = longer == 0 && other.remaining < first.remaining;
            if longer > long || longer == long && scarcer {
                other
            } else {
                first
            }
        });
        Verdict {
            admitted: self.admits(now, cost),
            remaining: self.remaining(now),
            next: self.next(now),
            ..speaker.expect("a list has members")
        }
    }

    fn remaining(&self, now: Int) -> Int {
        let members = self.members.iter();
        let each = members.map(|(terms, oracle)| oracle.remaining(terms, now));
        each.min().expect("a list has members")
    }

    fn next(&self, now: Int) -> Option<Int> {
        let remaining = self.remaining(now);
        let members = self.members.iter();
        let mut fresh = members.map(|(terms, _)| Oracle::default().remaining(terms, now));
        let grows = fresh.all(|most| most > remaining);
        grows.then(|| least(|w| self.remaining(now + w) > remaining))
    }
}
