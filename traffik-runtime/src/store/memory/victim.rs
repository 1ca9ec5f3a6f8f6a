//! Evictions from a probe table: the choice of a key that makes room for another.
//!
//! # Protocol
//!
//! 1. A state that has expired goes first: one among those near the new key's home, else one of
//!    the part that is swept next or of a few blocks more. Only blocks in which a state may have
//!    expired are read.
//! 2. The keys from the new key's home on are candidates. The position of a key depends on its hash
//!    alone, so these are random keys.
//! 3. The first candidate that is idle and makes room for the new key is evicted. Most often that
//!    is the first whose slot is read.
//! 4. Without an idle one, the candidates' [hints](super::hints) say in which order to read their
//!    slots: those that have used least first. The first key whose rank cannot be above that of the
//!    others is evicted.
//! 5. If all candidates are clients at their limit that should stay, there are more candidates.

use crate::store::key::Key;
use crate::store::memory::eviction::{CANDIDATES, MAX_CANDIDATES, Newcomer, Rank, Shares};
use crate::store::memory::hints::{BLOCK, Hint};
use crate::store::memory::probe_table::{Insertion, ProbeTable, Writer};

/// The number of slots that an insertion sweeps: more than it adds.
const SWEEP_BATCH: usize = 2;

/// The number of blocks in which an eviction looks for expired states elsewhere.
const EXPIRY_BLOCKS: usize = 4;

/// The number of idle keys that are read before all candidates are compared.
const MAX_IDLE: usize = 4;

/// The numbers of slots with so many candidates, even if a third of them is vacant.
const WINDOW: usize = CANDIDATES + CANDIDATES / 2;
const MAX_WINDOW: usize = MAX_CANDIDATES + MAX_CANDIDATES / 2;

/// The hints of candidates whose slots have not been read, ordered by their bytes.
struct Unread {
    /// Twice the number of the hint, and one more if other keys would have to move.
    costs: [u8; MAX_WINDOW],
    len: usize,
}

/// The cost of a slot that is no candidate.
const NONE: u8 = u8::MAX;

impl ProbeTable {
    /// Inserts a key that is not in the table in place of the lowest-ranked key nearby, and returns
    /// that key, or `None` if the table is empty. So the table does not grow, however many keys
    /// pass through it.
    pub(crate) fn replace(
        &self,
        writer: &mut Writer,
        newcomer: &Newcomer<'_>,
        insertion: &Insertion<'_>,
        now: u64,
    ) -> Option<Key> {
        if writer.occupied == 0 {
            return None;
        }
        let home = Self::home(insertion.key, self.len());
        let expired = self
            .find_expired_near(writer, home, now)
            .or_else(|| self.find_expired(writer, now));
        let victim = match expired {
            Some(index) => index,
            None => self.find_victim(writer, newcomer, home, now)?,
        };
        if self.is_reachable(writer, home, victim) {
            // No other key has to move, which takes long where runs are long.
            return self.write(writer, victim, insertion);
        }
        let removed = self.remove(writer, victim);
        self.place(writer, insertion);
        writer.occupied += 1;
        removed
    }

    /// Removes the lowest-ranked of some keys, and returns it.
    pub(crate) fn evict(
        &self,
        writer: &mut Writer,
        newcomer: &Newcomer<'_>,
        now: u64,
    ) -> Option<Key> {
        if writer.occupied == 0 {
            return None;
        }
        let victim = match self.find_expired(writer, now) {
            Some(index) => index,
            None => {
                let start = writer.clock_hand * BLOCK;
                self.find_victim(writer, newcomer, start, now)?
            }
        };
        self.remove(writer, victim)
    }

    /// Removes the expired states among a few slots.
    pub(crate) fn sweep(&self, writer: &mut Writer, shares: &Shares, now: u64) {
        if writer.occupied == 0 {
            return;
        }
        for _ in 0..SWEEP_BATCH {
            let index = writer.hints.swept();
            let (hint, mut expires) = (writer.hints.get(index), u64::MAX);
            if hint != Hint::VACANT
                && let Some((key, state, ratio)) = self.slot(index).read_with_ratio()
            {
                expires = state.expires();
                if expires > now {
                    let hint = Hint::new(&state, ratio, hint.is_late());
                    writer.hints.set(index, hint);
                } else if self.remove_expired(writer, index, now) {
                    shares.remove(key);
                    // Another key may have moved here.
                    continue;
                }
            }
            writer.hints.advance_sweep(expires);
        }
    }

    /// Returns the index of an expired state in the blocks of the slots from an index on.
    fn find_expired_near(&self, writer: &mut Writer, start: usize, now: u64) -> Option<usize> {
        let last = (start + CANDIDATES - 1) % self.len();
        let found = self.find_expired_in(writer, start / BLOCK, now);
        found.or_else(|| self.find_expired_in(writer, last / BLOCK, now))
    }

    /// Returns the index of an expired state in the part that is swept next, or in the next blocks.
    /// The hand stays at a block in which it finds one.
    fn find_expired(&self, writer: &mut Writer, now: u64) -> Option<usize> {
        let blocks = writer.hints.blocks();
        let swept = writer.hints.swept() / BLOCK;
        for block in [swept, Self::next_index(swept, blocks)] {
            if let Some(expired) = self.find_expired_in(writer, block, now) {
                return Some(expired);
            }
        }
        for _ in 0..EXPIRY_BLOCKS.min(blocks) {
            let expired = self.find_expired_in(writer, writer.clock_hand, now);
            if expired.is_some() {
                return expired;
            }
            writer.clock_hand = Self::next_index(writer.clock_hand, blocks);
        }
        None
    }

    /// Returns the index of an expired state in a block.
    fn find_expired_in(&self, writer: &mut Writer, block: usize, now: u64) -> Option<usize> {
        if !writer.hints.is_due(block, now) {
            return None;
        }
        let mut earliest = u64::MAX;
        for index in writer.hints.occupied_in(block) {
            let expires = self.slot(index).read().1.expires();
            if expires <= now {
                return Some(index);
            }
            earliest = earliest.min(expires);
        }
        writer.hints.set_expiry(block, earliest);
        None
    }

    /// Returns the index of a key, among some from an index on, that makes room for a newcomer.
    fn find_victim(
        &self,
        writer: &mut Writer,
        newcomer: &Newcomer<'_>,
        start: usize,
        now: u64,
    ) -> Option<usize> {
        let idle = self.find_idle(writer, newcomer, start, now);
        idle.or_else(|| self.find_lowest(writer, newcomer, start, now))
    }

    /// Returns the index of the first idle key that makes room without moving others.
    fn find_idle(
        &self,
        writer: &mut Writer,
        newcomer: &Newcomer<'_>,
        start: usize,
        now: u64,
    ) -> Option<usize> {
        let (len, mut index) = (self.len(), start);
        let (mut is_reachable, mut reads) = (true, 0);
        for _ in 0..WINDOW.min(len) {
            let (hint, next) = (writer.hints.get(index), Self::next_index(index, len));
            if hint == Hint::VACANT {
                is_reachable = false;
            } else if hint.is_idle() && (is_reachable || writer.hints.get(next) == Hint::VACANT) {
                if let Some((rank, hint)) = self.rank(writer, newcomer, index, now)
                    && hint.is_idle()
                    && matches!(rank, Rank::Yields { .. } | Rank::Expired)
                {
                    return Some(index);
                }
                reads += 1;
                if reads == MAX_IDLE {
                    return None;
                }
            }
            index = next;
        }
        None
    }

    /// Returns the index of the lowest-ranked candidate from an index on.
    #[inline(never)]
    fn find_lowest(
        &self,
        writer: &mut Writer,
        newcomer: &Newcomer<'_>,
        start: usize,
        now: u64,
    ) -> Option<usize> {
        let mut unread = self.candidates(writer, start);
        let mut victim: Option<(Rank, Hint, usize)> = None;
        while let Some((place, others)) = unread.lowest() {
            if victim.is_some_and(|(rank, hint, _)| hint.is_decisive(rank, others)) {
                break;
            }
            unread.costs[place] = NONE;
            let index = (start + place) % self.len();
            if let Some((rank, hint)) = self.rank(writer, newcomer, index, now)
                && victim.is_none_or(|(lowest, ..)| rank < lowest)
            {
                victim = Some((rank, hint, index));
            }
        }
        victim.map(|(.., index)| index)
    }

    /// Reads a slot, and returns the rank of its key, and its present hint.
    fn rank(
        &self,
        writer: &mut Writer,
        newcomer: &Newcomer<'_>,
        index: usize,
        now: u64,
    ) -> Option<(Rank, Hint)> {
        let (key, state, ratio) = self.slot(index).read_with_ratio()?;
        let is_late = writer.hints.get(index).is_late();
        let fullness = state.fullness(ratio.capacity(state.limit));
        let hint = Hint::of_fullness(fullness, is_late);
        writer.hints.set(index, hint);
        let rank = if state.expires() <= now {
            Rank::Expired
        } else {
            newcomer.rank(key, fullness, is_late)
        };
        Some((rank, hint))
    }

    /// Returns the candidates from an index on.
    fn candidates(&self, writer: &Writer, start: usize) -> Unread {
        let mut unread = Unread {
            costs: [NONE; MAX_WINDOW],
            len: 0,
        };
        let (mut lowest, mut is_reachable) = (NONE, true);
        let mut indices = self.indices_from(start).take(MAX_WINDOW).peekable();
        while let Some(index) = indices.next() {
            let hint = writer.hints.get(index);
            let next = *indices.peek().unwrap_or(&start);
            if hint == Hint::VACANT {
                is_reachable = false;
            } else {
                let moves = !is_reachable && writer.hints.get(next) != Hint::VACANT;
                let cost = 2 * hint.number() + u8::from(moves);
                unread.costs[unread.len] = cost;
                lowest = lowest.min(cost);
            }
            unread.len += 1;
            if unread.len >= WINDOW && !Hint::numbered(lowest / 2).is_full() {
                break;
            }
        }
        unread
    }

    /// Returns `true` if no slot is vacant between a key's home and another index.
    fn is_reachable(&self, writer: &Writer, home: usize, index: usize) -> bool {
        let between = self.indices_from(home).take(MAX_WINDOW);
        let mut passed = between.take_while(|passed| writer.hints.get(*passed) != Hint::VACANT);
        passed.any(|passed| passed == index)
    }
}

impl Unread {
    /// Returns the place of the first candidate with the lowest hint, and the hint.
    fn lowest(&self) -> Option<(usize, Hint)> {
        let costs = &self.costs[..self.len];
        let lowest = *costs.iter().min()?;
        let place = costs.iter().position(|cost| *cost == lowest)?;
        (lowest != NONE).then(|| (place, Hint::numbered(lowest / 2)))
    }
}
