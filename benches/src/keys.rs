//! Keys, and the orders in which they are hit.

use crate::effort::amount;

/// The length of a list of keys before it repeats; a power of two.
const PICKS: usize = 1 << 20;

/// Returns the text of a key.
pub fn key(number: usize) -> String {
    format!("user:{number:08}")
}

/// An order in which keys are hit: a list of their numbers. It has a power of two of entries, so
/// that picking the next one costs next to nothing.
#[derive(Clone, Debug)]
pub struct Order(Vec<usize>);

impl Order {
    /// Hits one key only.
    pub fn hot() -> Self {
        Self(vec![0])
    }

    /// Hits all keys equally often, in random order.
    pub fn uniform(keys: usize) -> Self {
        let mut random = Random::default();
        let below = |_| random.below(keys as u64) as usize;
        Self((0..amount(PICKS, 1 << 7)).map(below).collect())
    }

    /// Hits the key of rank n with a probability in proportion to 1/n.
    pub fn zipf(keys: usize) -> Self {
        let mut random = Random::default();
        let total: f64 = (1..=keys).map(|rank| 1.0 / rank as f64).sum();
        let mut sum = 0.0;
        let shares: Vec<f64> = (1..=keys)
            .map(|rank| {
                sum += 1.0 / rank as f64 / total;
                sum
            })
            .collect();
        let pick = |_| {
            let unit = random.unit();
            shares.partition_point(|share| *share < unit).min(keys - 1)
        };
        Self((0..amount(PICKS, 1 << 7)).map(pick).collect())
    }

    /// Returns the numbers of the keys in this order.
    pub fn numbers(&self) -> &[usize] {
        &self.0
    }

    /// Returns the number of the key of a call.
    pub fn pick(&self, call: usize) -> usize {
        self.0[call & (self.0.len() - 1)]
    }
}

/// A small random number generator with a fixed seed (xorshift64*, Vigna 2016).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Default for Random {
    fn default() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }
}

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Returns a number below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// Returns a number from 0 to 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
