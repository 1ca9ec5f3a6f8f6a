//! What the scripts that decide are told, and what they answer.

use crate::inline_vec::InlineVec4;
use crate::store::codec::{decode, decode_whole};

use crate::store::plan::Plan;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::state::State;
use crate::strategy::kernel::tick::EXACT;

/// How many numbers every kernel is given, whether it needs them or not.
const NUMBERS: usize = 9;

/// Plans as a script is told of them, in doubles.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) numbers: Vec<u8>,
    /// What comes in pairs, if it stands for itself.
    pub(crate) pairs: Vec<u8>,
}

impl Asked {
    pub(crate) fn one(law: &Law, cost: u64) -> Self {
        let mut asked = Self::default();
        write(&mut asked.numbers, sent(cost));
        asked.pairs = asked.write_law(law);
        asked
    }

    pub(crate) fn many(plans: &[Plan<'_>], cost: impl Fn(&Plan<'_>) -> u64) -> Self {
        let mut asked = Self::default();
        for plan in plans {
            write(&mut asked.numbers, sent(cost(plan)));
            write(&mut asked.numbers, plan.terms.len() as u64);
            for term in &*plan.terms {
                write(&mut asked.numbers, term.law.kernel().into());
                let pairs = asked.write_law(&term.law);
                asked.numbers.extend(pairs);
            }
        }
        asked
    }

    /// Writes a law's numbers, and gives back its pairs.
    fn write_law(&mut self, law: &Law) -> Vec<u8> {
        let (numbers, pairs) = law.numbers();
        for place in 0..NUMBERS {
            write(&mut self.numbers, numbers.get(place).copied().unwrap_or(0));
        }
        let mut bytes = Vec::new();
        for (from, limit) in pairs {
            write(&mut bytes, from);
            write(&mut bytes, limit);
        }
        bytes
    }
}

/// A cost as a script gets it: above 2^53, which is the largest limit, it stays above it.
fn sent(cost: u64) -> u64 {
    if cost > EXACT { 2 * EXACT } else { cost }
}

fn write(bytes: &mut Vec<u8>, number: u64) {
    bytes.extend((number as f64).to_be_bytes());
}

/// What a script answered.
pub(crate) struct Said {
    pub(crate) now: u64,
    pub(crate) admitted: bool,
    pub(crate) values: InlineVec4<Vec<u8>>,
}

impl Said {
    pub(crate) fn one(mut answer: Vec<u8>) -> Option<Self> {
        let (admitted, now) = head(&answer)?;
        answer.drain(..HEAD);
        let values = InlineVec4::from_elem(answer, 1);
        Some(Self {
            now,
            admitted,
            values,
        })
    }

    pub(crate) fn many(answer: Vec<Vec<u8>>, plans: usize) -> Option<Self> {
        if answer.len() != plans + 1 {
            return None;
        }
        let mut values = answer.into_iter();
        let (admitted, now) = head(&values.next()?)?;
        Some(Self {
            now,
            admitted,
            values: values.collect(),
        })
    }

    /// Whether a value that it read is no state.
    pub(crate) fn misleads(&self, plans: &[Plan<'_>]) -> bool {
        let mut lines = plans.iter().zip(&self.values);
        lines.any(|(plan, value)| !value.is_empty() && decode_whole(plan, value).is_none())
    }

    pub(crate) fn states(&self, plans: &[Plan<'_>]) -> InlineVec4<State> {
        let lines = plans.iter().zip(&self.values);
        let states = lines.map(|(plan, value)| decode(plan, value, self.now));
        states.collect()
    }
}

const HEAD: usize = 9;

/// Whether all were admitted, and when.
fn head(bytes: &[u8]) -> Option<(bool, u64)> {
    let (admitted, now) = bytes.get(..HEAD)?.split_first()?;
    let now = f64::from_be_bytes(now.try_into().ok()?);
    #[expect(clippy::cast_sign_loss, reason = "times are after 1970")]
    let now = now as u64;
    Some((*admitted == 1, now.min(EXACT)))
}

#[cfg(test)]
mod tests {
    use super::Said;
    use crate::strategy::kernel::tick::EXACT;

    fn head(now: f64) -> Vec<u8> {
        [&[1][..], &now.to_be_bytes()].concat()
    }

    #[test]
    fn takes_as_many_states_as_there_are_plans() {
        let answer = |values| std::iter::repeat_n(head(5.0), values).collect();
        assert!(Said::many(answer(3), 2).is_some());
        for values in [0, 1, 2, 4, 1_000_000] {
            assert!(Said::many(answer(values), 2).is_none(), "{values}");
        }
        assert!(Said::many(vec![vec![1]], 0).is_none(), "a head cut short");
    }

    #[test]
    fn takes_no_time_beyond_the_exact_ones() {
        for (now, taken) in [
            (7.5, 7),
            (-1.0, 0),
            (f64::NAN, 0),
            (f64::INFINITY, EXACT),
            (1e300, EXACT),
        ] {
            assert_eq!(Said::one(head(now)).map(|said| said.now), Some(taken));
        }
    }
}
