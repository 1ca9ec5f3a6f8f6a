//! Seeded chance, for tests that draw their steps by lot and repeat them exactly.

/// A generator of numbers that depend on its seed alone: `SplitMix64` (Steele, Lea, Flood, 2014).
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Draws a number.
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Draws a number below this one, which is at least 1.
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Draws a number between these, both included.
    pub(crate) const fn between(&mut self, least: u64, greatest: u64) -> u64 {
        least + self.below(greatest - least + 1)
    }

    /// Draws `true` this many times in a thousand.
    pub(crate) const fn per_mille(&mut self, share: u64) -> bool {
        self.below(1_000) < share
    }

    /// Draws a generator of its own for a part of a test.
    pub(crate) const fn fork(&mut self) -> Self {
        Self(self.next())
    }
}
