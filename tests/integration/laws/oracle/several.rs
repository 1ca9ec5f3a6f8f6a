//! Several laws decided together (L28), and lists of rates that change (L30).

use super::{Int, Oracle, Terms, Verdict, least};

/// The states of a client under a list of rates, or in a set of throttles.
#[derive(Clone, Debug)]
pub(crate) struct Several {
    members: Vec<(Terms, Oracle)>,
    /// The members when a hit was last admitted.
    written: Vec<(Terms, Oracle)>,
}

impl Several {
    pub(crate) fn new(terms: impl IntoIterator<Item = Terms>) -> Self {
        let fresh = |terms| (terms, Oracle::default());
        Self {
            members: terms.into_iter().map(fresh).collect(),
            written: Vec::new(),
        }
    }

    /// Replaces the rates of the list: each continues the member of its period, else the one at its
    /// index, else none.
    pub(crate) fn under(&mut self, terms: &[Terms]) {
        self.members = self.members_of(terms);
    }

    fn members_of(&self, terms: &[Terms]) -> Vec<(Terms, Oracle)> {
        let of = |place: Option<usize>| {
            place.map_or_else(Oracle::default, |place| self.written[place].1.clone())
        };
        let places = self.places(terms).into_iter();
        terms
            .iter()
            .copied()
            .zip(places)
            .map(|(terms, place)| (terms, of(place)))
            .collect()
    }

    fn places(&self, terms: &[Terms]) -> Vec<Option<usize>> {
        let mut free: Vec<usize> = (0..self.written.len()).collect();
        let mut places = vec![None; terms.len()];
        for (member, terms) in places.iter_mut().zip(terms) {
            let same = |place: &usize| self.written[*place].0.period == terms.period;
            *member = free.iter().position(same).map(|nth| free.remove(nth));
        }
        for (nth, place) in places.iter_mut().enumerate() {
            if place.is_none() && free.contains(&nth) {
                *place = Some(nth);
            }
        }
        places
    }

    /// Decides a hit: all members count it, or none. A refused hit has read the states of all
    /// members.
    pub(crate) fn hit(&mut self, now: Int, cost: Int) -> Verdict {
        if cost == 0 {
            return self.verdict(now, cost);
        }
        let caught_up = self.caught_up(now);
        let is_ahead = caught_up.members.iter().zip(&self.members);
        if is_ahead
            .into_iter()
            .any(|((_, one), (_, other))| one.life != other.life)
        {
            // The list is written again.
            *self = Self {
                written: caught_up.members.clone(),
                ..caught_up
            };
        }
        if !self.admits(now, cost) {
            let verdict = self.verdict(now, cost);
            let terms: Vec<Terms> = self.members.iter().map(|(terms, _)| *terms).collect();
            let places = self.places(&terms);
            for ((terms, oracle), place) in self.members.iter_mut().zip(places) {
                oracle.lives_for(terms, now);
                if let Some(place) = place {
                    self.written[place].1.clone_from(oracle);
                }
            }
            return verdict;
        }
        let mut delay = 0;
        for (terms, oracle) in &mut self.members {
            delay = oracle.hit(terms, now, cost).delay.max(delay);
        }
        self.written.clone_from(&self.members);
        let verdict = self.verdict(now, 0);
        Verdict { delay, ..verdict }
    }

    pub(crate) fn admits(&self, now: Int, cost: Int) -> bool {
        let mut members = self.members.iter();
        members.all(|(terms, oracle)| oracle.at(now).admits(terms, now, cost))
    }

    /// Reports the member with the longest wait, "never" being the longest and the first winning a
    /// tie; without a wait, the one with the least remaining units.
    pub(crate) fn verdict(&self, now: Int, cost: Int) -> Verdict {
        self.caught_up(now).report(now, cost)
    }

    /// Replaces every state far ahead of the clock by a full one (L4).
    fn caught_up(&self, now: Int) -> Self {
        let members = self.members.iter();
        let members = members.map(|(terms, oracle)| {
            let filled = oracle.at(now).memory.is_some();
            let caught_up = || oracle.caught_up(terms, now);
            (*terms, if filled { caught_up() } else { oracle.clone() })
        });
        Self {
            members: members.collect(),
            written: self.written.clone(),
        }
    }

    fn report(&self, now: Int, cost: Int) -> Verdict {
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
        let each = members.map(|(terms, oracle)| oracle.at(now).remaining(terms, now));
        each.min().expect("a list has members")
    }

    fn next(&self, now: Int) -> Option<Int> {
        let remaining = self.remaining(now);
        let members = self.members.iter();
        let living: Vec<_> = members
            .map(|(terms, oracle)| (terms, oracle.at(now)))
            .collect();
        let mut fresh = living
            .iter()
            .map(|(terms, _)| Oracle::default().remaining(terms, now));
        let grows = fresh.all(|max| max > remaining);
        let later = |at: Int| {
            let each = living.iter().map(|(terms, it)| it.remaining(terms, at));
            each.min().expect("a list has members")
        };
        grows.then(|| least(|w| later(now + w) > remaining))
    }
}
