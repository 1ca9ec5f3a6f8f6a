//! One stripe of the table: slots found by linear probing, in segments that are added as it grows and never move.
//!
//! Looking a key up and changing its state takes no lock but the slot's. Whatever changes *where* keys are (inserting,
//! removing, growing) is done by one thread at a time, under the stripe's mutex, moving one slot after the other. A key
//! that is on the move is not found meanwhile; so a key that was not found is looked up again under the mutex before
//! anybody believes it.

use std::iter::successors;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::{Mutex, MutexGuard};

use super::shares::{CANDIDATES, Newcomer, Rank, Shares};
use super::slot::Slot;
use crate::backend::key::Key;
use crate::strategy::kernel::Packed;

/// Each segment is as long as all before it together, so this is enough for any memory.
const SEGMENTS: usize = 40;

/// How many slots an insertion looks at to remove what has expired: more than it adds.
const SWEPT_EACH_TIME: usize = 2;

#[derive(Debug)]
#[repr(align(128))] // Two stripes' mutexes never share a cache line, nor a pair that is fetched together.
pub(super) struct Stripe {
    keeper: Mutex<Keeper>,
    /// The stripe has `base << doublings` slots.
    doublings: AtomicU32,
    base: usize,
    segments: [OnceLock<Box<[Slot]>>; SEGMENTS],
}

/// What only the thread that holds the mutex knows.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    occupied: usize,
    hand: usize,
    /// Beside each slot, the mark of its key.
    marks: Vec<Mark>,
    /// The number of the newest state: even, and never 0.
    made: u16,
}

/// A state on its way into a slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed<'s> {
    pub(super) key: Key,
    pub(super) state: &'s Packed,
    /// The number of the state.
    pub(super) made: u16,
    pub(super) mark: Mark,
}

/// What the insertion of a key noted for the day on which one has to go, in two bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark(u16);

/// Who has to go when somebody has to.
struct Least {
    rank: Rank,
    index: usize,
    /// Whether no slot before it is vacant, from where it was looked for.
    is_within_reach: bool,
}

impl Stripe {
    pub(super) fn new(base: usize) -> Self {
        Self {
            keeper: Mutex::default(),
            doublings: AtomicU32::new(0),
            base,
            segments: [const { OnceLock::new() }; SEGMENTS],
        }
    }

    /// The slot that seems to be this key's.
    #[inline(always)]
    pub(super) fn find(&self, key: Key) -> Option<&Slot> {
        let doublings = self.doublings.load(Ordering::Acquire);
        let (segment, offset) = self.locate_home(key, doublings);
        let home = self.segments[segment].get()?.get(offset)?;
        if home.seems(key) {
            return Some(home);
        }
        self.find_from(segment, offset, key, doublings)
    }

    /// The same where it is not at home.
    #[inline(never)]
    fn find_from(
        &self,
        mut segment: usize,
        offset: usize,
        key: Key,
        doublings: u32,
    ) -> Option<&Slot> {
        let mut slots = self.segments[segment].get()?.get(offset..)?;
        // Once round: while keys are moved there may be no vacant slot to stop at.
        for _ in 0..=doublings + 1 {
            for slot in slots {
                if slot.seems(key) {
                    return Some(slot);
                }
                if slot.seems_vacant() {
                    return None;
                }
            }
            segment = if segment == doublings as usize {
                0
            } else {
                segment + 1
            };
            slots = self.segments[segment].get()?;
        }
        None
    }

    pub(super) fn keep(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock()
    }

    /// Gives a key, which is not there, a slot.
    pub(super) fn insert(&self, keeper: &mut Keeper, placed: &Placed<'_>) {
        if keeper.occupied + 1 > self.most_occupied() {
            self.grow(keeper);
        }
        self.place(keeper, placed);
        keeper.occupied += 1;
    }

    /// Gives a key, which is not there, room at the expense of the one nearby that will be missed least, and returns
    /// that, if there was any. So a stripe stays as it is, however many keys pass through it.
    pub(super) fn replace(
        &self,
        keeper: &mut Keeper,
        newcomer: &Newcomer<'_>,
        placed: &Placed<'_>,
        now: u64,
    ) -> Option<Key> {
        if keeper.occupied == 0 {
            return None;
        }
        let home = Self::home(placed.key, self.len());
        let near = self.least(keeper, newcomer, home, now)?;
        // What has expired may all be elsewhere: where it was not swept yet.
        let expired = match near.rank {
            Rank::Expired => None,
            _ => self.expired_ahead(keeper, now),
        };
        match expired {
            // Nobody else has to move, which takes long where runs are long.
            None if near.is_within_reach => {
                keeper.marks[near.index] = placed.mark;
                let locked = self.slot(near.index).lock();
                let (removed, _) = locked.read();
                locked.renumber(placed.made);
                locked.settle(placed.key, placed.state);
                removed
            }
            expired => {
                let removed = self.remove(keeper, expired.unwrap_or(near.index));
                self.place(keeper, placed);
                keeper.occupied += 1;
                removed
            }
        }
    }

    /// Removes a key that will be missed less than others, and returns it.
    pub(super) fn evict(
        &self,
        keeper: &mut Keeper,
        newcomer: &Newcomer<'_>,
        now: u64,
    ) -> Option<Key> {
        if keeper.occupied == 0 {
            return None;
        }
        let start = self.turn(keeper);
        let least = self.least(keeper, newcomer, start, now)?;
        keeper.hand = match least.rank {
            Rank::Expired => least.index,
            _ => (start + CANDIDATES) % self.len(),
        };
        self.remove(keeper, least.index)
    }

    /// The index of a key that has expired, among some that are swept next.
    fn expired_ahead(&self, keeper: &mut Keeper, now: u64) -> Option<usize> {
        let start = self.turn(keeper);
        let expired = self.from(start).take(CANDIDATES).find(|index| {
            let (key, state) = self.slot(*index).read();
            key.is_some() && state.expires() <= now
        });
        // What is found expired is not passed by, nor is what comes after it.
        keeper.hand = expired.unwrap_or((start + CANDIDATES) % self.len());
        expired
    }

    /// All indices, from one on.
    fn from(&self, start: usize) -> impl Iterator<Item = usize> {
        let len = self.len();
        let all_round = move |index: &usize| Some(Self::after(*index, len));
        successors(Some(start), all_round).take(len)
    }

    /// Of some keys from here on, the one that will be missed least. Where a key is depends on its hash alone, so these
    /// are keys at random.
    fn least(
        &self,
        keeper: &Keeper,
        newcomer: &Newcomer<'_>,
        start: usize,
        now: u64,
    ) -> Option<Least> {
        let mut least: Option<Least> = None;
        let (mut seen, mut is_within_reach) = (0, true);
        for (looked_at, index) in self.from(start).enumerate() {
            let enough = least
                .as_ref()
                .map_or(CANDIDATES, |least| least.rank.enough());
            if seen >= enough || looked_at >= 2 * enough {
                break;
            }
            let (Some(key), state) = self.slot(index).read() else {
                is_within_reach = false;
                continue;
            };
            seen += 1;
            let rank = if state.expires() <= now {
                Rank::Expired
            } else {
                let mark = keeper.marks[index];
                let capacity = mark.capacity(state.limit);
                newcomer.rank(key, state.fullness(capacity), mark.is_late())
            };
            if least.as_ref().is_none_or(|least| rank < least.rank) {
                least = Some(Least {
                    rank,
                    index,
                    is_within_reach,
                });
            }
        }
        least
    }

    /// Takes a key out, with its state and the number of that.
    pub(super) fn take(&self, keeper: &mut Keeper, key: Key) -> Option<(Packed, u16)> {
        self.find(key)?;
        let len = self.len();
        let mut index = Self::home(key, len);
        while !self.slot(index).seems(key) {
            index = Self::after(index, len);
        }
        // Under one lock: a hit that is counted in between would be lost.
        let locked = self.slot(index).lock();
        let ((_, state), made) = (locked.read(), locked.made());
        locked.vacate();
        self.close_gap(keeper, index);
        Some((state, made))
    }

    /// Removes all keys.
    pub(super) fn clear(&self, keeper: &mut Keeper, shares: &Shares) {
        if keeper.occupied == 0 {
            return;
        }
        for index in 0..self.len() {
            let locked = self.slot(index).lock();
            if let (Some(key), _) = locked.read() {
                locked.vacate();
                shares.remove(key);
            }
        }
        (keeper.occupied, keeper.hand) = (0, 0);
    }

    /// Removes what has expired of a few.
    pub(super) fn sweep(&self, keeper: &mut Keeper, shares: &Shares, now: u64) {
        if keeper.occupied == 0 {
            return;
        }
        for _ in 0..SWEPT_EACH_TIME {
            let index = self.turn(keeper);
            let (key, state) = self.slot(index).read();
            if let Some(key) = key
                && state.expires() <= now
                && self.remove_expired(keeper, index, now)
            {
                shares.remove(key);
            }
        }
    }

    /// Removes a key unless somebody has hit it since it was read; returns whether it did.
    fn remove_expired(&self, keeper: &mut Keeper, index: usize, now: u64) -> bool {
        let locked = self.slot(index).lock();
        let has_expired = locked.read().1.expires() <= now;
        if has_expired {
            locked.vacate();
            self.close_gap(keeper, index);
        }
        has_expired
    }

    fn remove(&self, keeper: &mut Keeper, index: usize) -> Option<Key> {
        let locked = self.slot(index).lock();
        let (removed, _) = locked.read();
        locked.vacate();
        self.close_gap(keeper, index);
        removed
    }

    /// Moves later keys of the same run forward, so that none is cut off from its home by a vacant slot.
    fn close_gap(&self, keeper: &mut Keeper, mut gap: usize) {
        keeper.occupied -= 1;
        let len = self.len();
        let mut index = gap;
        loop {
            index = Self::after(index, len);
            let slot = self.slot(index);
            let (Some(key), _) = slot.read() else { return };
            let home = Self::home(key, len);
            let stays = if gap <= index {
                gap < home && home <= index
            } else {
                gap < home || home <= index
            };
            if !stays {
                let locked = slot.lock();
                let ((_, state), made) = (locked.read(), locked.made());
                locked.vacate();
                let locked = self.slot(gap).lock();
                locked.renumber(made);
                locked.settle(key, &state);
                keeper.marks[gap] = keeper.marks[index];
                gap = index;
            }
        }
    }

    /// Doubles the stripe: takes all keys out and puts them where they belong now.
    fn grow(&self, keeper: &mut Keeper) {
        let len = if self.segments[0].get().is_some() {
            self.len()
        } else {
            0
        };
        let mut taken = Vec::with_capacity(len);
        for index in 0..len {
            let locked = self.slot(index).lock();
            if let (Some(key), state) = locked.read() {
                taken.push((key, state, locked.made(), keeper.marks[index]));
                locked.vacate();
            }
        }
        let doublings = self.doublings.load(Ordering::Relaxed);
        if len == 0 {
            self.segments[0].get_or_init(|| vacant(self.base));
        } else {
            self.segments[doublings as usize + 1].get_or_init(|| vacant(self.base << doublings));
            self.doublings.store(doublings + 1, Ordering::Release);
        }
        keeper.marks.resize(self.len(), Mark::default());
        for (key, state, made, mark) in taken {
            let state = &state;
            let placed = Placed {
                key,
                state,
                made,
                mark,
            };
            self.place(keeper, &placed);
        }
    }

    fn place(&self, keeper: &mut Keeper, placed: &Placed<'_>) {
        let len = self.len();
        let mut index = Self::home(placed.key, len);
        while !self.slot(index).seems_vacant() {
            index = Self::after(index, len);
        }
        keeper.marks[index] = placed.mark;
        let locked = self.slot(index).lock();
        locked.renumber(placed.made);
        locked.settle(placed.key, placed.state);
    }

    /// How many slots there are.
    #[cfg(test)]
    pub(super) fn slots(&self) -> usize {
        self.len()
    }

    fn turn(&self, keeper: &mut Keeper) -> usize {
        keeper.hand = Self::after(keeper.hand, self.len());
        keeper.hand
    }

    fn len(&self) -> usize {
        self.base << self.doublings.load(Ordering::Relaxed)
    }

    /// Nine tenths: beyond it, runs of occupied slots become long.
    fn most_occupied(&self) -> usize {
        if self.segments[0].get().is_some() {
            self.len() - self.len().div_ceil(10)
        } else {
            0
        }
    }

    /// Where a key is looked for first: its hash, scaled to the number of slots.
    fn home(key: Key, len: usize) -> usize {
        ((u128::from(key.second) * len as u128) >> 64) as usize
    }

    /// The same as a segment and an offset: segment 0 is the first `base` slots, segment k the `base << (k − 1)` after
    /// those before it, and the top bits of the hash already say which.
    #[inline]
    fn locate_home(&self, key: Key, doublings: u32) -> (usize, usize) {
        let home = Self::home(key, self.base << doublings);
        let base = key.second.checked_shr(u64::BITS - doublings).unwrap_or(0);
        match (u64::BITS - base.leading_zeros()) as usize {
            0 => (0, home),
            segment => (segment, home - (self.base << (segment - 1))),
        }
    }

    /// The slot at an index; only with the mutex held, when all segments that are counted exist.
    fn slot(&self, index: usize) -> &Slot {
        // Half of all slots are in the last segment, a quarter in the one before it, and so on.
        let mut segment = self.doublings.load(Ordering::Relaxed) as usize;
        let start = loop {
            let start = self.start(segment);
            if index >= start {
                break start;
            }
            segment -= 1;
        };
        &self.segments[segment].get_or_init(|| vacant(self.base << segment.saturating_sub(1)))
            [index - start]
    }

    /// The index of a segment's first slot.
    fn start(&self, segment: usize) -> usize {
        match segment {
            0 => 0,
            _ => self.base << (segment - 1),
        }
    }

    /// The index after this one, all round.
    fn after(index: usize, len: usize) -> usize {
        if index + 1 < len { index + 1 } else { 0 }
    }
}

impl Keeper {
    /// Returns the number of a state that is made now. It comes again after 32 767 others, so a refund may come off a state
    /// that was made since only if so many keys came into the stripe between the two.
    pub(super) fn next_number(&mut self) -> u16 {
        self.made = self.made.wrapping_add(2).max(2);
        self.made
    }
}

impl Mark {
    /// The mark of a key that is inserted late or in time, and the capacity of its law as a multiple of its rate's limit.
    ///
    /// A state has only the limit. The ratio is noted to eight binary digits, rounded down, and stays when the rate changes.
    pub(super) const fn new(is_late: bool, ratio: f32) -> Self {
        Self((is_late as u16) << 15 | (ratio.to_bits() >> 16) as u16)
    }

    pub(super) const fn is_late(self) -> bool {
        self.0 >> 15 == 1
    }

    /// The capacity under a rate of this limit, at least 1: never above the law's, and below it by less than a hundredth.
    #[allow(clippy::cast_sign_loss, reason = "a ratio is never negative")]
    pub(super) fn capacity(self, limit: u64) -> u64 {
        let ratio = f32::from_bits((u32::from(self.0) & 0x7FFF) << 16);
        // Up to a limit of 2^45 the product is exact.
        ((limit as f64 * f64::from(ratio)) as u64).max(1)
    }
}

fn vacant(slots: usize) -> Box<[Slot]> {
    (0..slots).map(|_| Slot::default()).collect()
}

#[cfg(test)]
#[path = "stripe_tests.rs"]
mod tests;
