//! Division by a number that is fixed in advance, by multiplication.

/// A divisor, and 2^128 divided by it.
///
/// A quotient of 64 bits is then exactly the upper part of a product (Lemire, Kaser, Kurz: "Faster
/// remainder by direct computation", 2019). A division would take as long as the rest of a
/// decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Divisor {
    number: u64,
    reciprocal: u128,
}

impl Divisor {
    /// Makes a divisor; 0 counts as 1.
    pub(super) const fn new(number: u64) -> Self {
        let number = if number == 0 { 1 } else { number };
        Self {
            number,
            // That of 1 would not fit, and is not needed.
            reciprocal: (u128::MAX / number as u128).wrapping_add(1),
        }
    }

    #[inline]
    pub(super) const fn get(self) -> u64 {
        self.number
    }

    /// Divides a number, rounded down.
    #[inline]
    pub(super) const fn floor(self, number: u64) -> u64 {
        if self.number == 1 {
            return number;
        }
        let (low, high) = (self.reciprocal as u64, (self.reciprocal >> 64) as u64);
        let carried = (low as u128 * number as u128) >> 64;
        ((high as u128 * number as u128 + carried) >> 64) as u64
    }

    /// Divides a number, rounded up.
    #[inline]
    pub(super) const fn ceil(self, number: u64) -> u64 {
        let floor = self.floor(number);
        if floor * self.number == number {
            floor
        } else {
            floor + 1
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, prop_oneof, proptest};

    use super::Divisor;

    proptest! {
        #[test]
        fn equals_division(
            number in prop_oneof![any::<u64>(), 0_u64..=100, (u64::MAX - 100)..=u64::MAX],
            divisor in prop_oneof![any::<u64>(), 0_u64..=100, (u64::MAX - 100)..=u64::MAX],
        ) {
            let by = Divisor::new(divisor);
            prop_assert_eq!(by.floor(number), number / divisor.max(1));
            prop_assert_eq!(by.ceil(number), number.div_ceil(divisor.max(1)));
            // The numbers at which quotients change.
            let edge = (number / divisor.max(1)).wrapping_mul(divisor.max(1));
            for number in [edge.wrapping_sub(1), edge] {
                prop_assert_eq!(by.floor(number), number / divisor.max(1));
                prop_assert_eq!(by.ceil(number), number.div_ceil(divisor.max(1)));
            }
        }
    }
}
