//! The arguments and the replies of the scripts that decide.

use crate::inline_vec::InlineVec4;
use crate::store::codec::{decode, decode_whole};
use crate::store::plan::Plan;
use crate::strategy::kernel::Law;
use crate::strategy::kernel::state::State;
use crate::strategy::kernel::tick::EXACT;

/// The number of parameters that each kernel gets, whatever it needs.
const PARAMETERS: usize = 9;

/// Plans in the form in which scripts get them: as doubles.
#[derive(Default)]
pub(crate) struct ScriptArgs {
    pub(crate) numbers: Vec<u8>,
    /// The pairs of a single law, which are an argument of their own.
    pub(crate) pairs: Vec<u8>,
}

impl ScriptArgs {
    /// The arguments for one plan under one law.
    pub(crate) fn one(law: &Law, cost: u64) -> Self {
        let mut args = Self::default();
        write(&mut args.numbers, exact_cost(cost));
        args.pairs = args.write_law(law);
        args
    }

    /// The arguments for any plans.
    pub(crate) fn many(plans: &[Plan<'_>], cost: impl Fn(&Plan<'_>) -> u64) -> Self {
        let mut args = Self::default();
        for plan in plans {
            write(&mut args.numbers, exact_cost(cost(plan)));
            write(&mut args.numbers, plan.limits.len() as u64);
            for limit in &*plan.limits {
                write(&mut args.numbers, limit.law.script_number().into());
                let pairs = args.write_law(&limit.law);
                args.numbers.extend(pairs);
            }
        }
        args
    }

    /// Writes the parameters of a law, and returns its pairs.
    fn write_law(&mut self, law: &Law) -> Vec<u8> {
        let (numbers, pairs) = law.numbers();
        for index in 0..PARAMETERS {
            write(&mut self.numbers, numbers.get(index).copied().unwrap_or(0));
        }
        let mut bytes = Vec::new();
        for (from, limit) in pairs {
            write(&mut bytes, from);
            write(&mut bytes, limit);
        }
        bytes
    }
}

/// Returns a cost that a double holds. A cost above 2^53, which is the largest limit, stays above
/// it.
fn exact_cost(cost: u64) -> u64 {
    if cost > EXACT { 2 * EXACT } else { cost }
}

fn write(bytes: &mut Vec<u8>, number: u64) {
    bytes.extend((number as f64).to_be_bytes());
}

/// The reply of a script: if all plans were admitted, when, and their states.
pub(crate) struct ScriptReply {
    pub(crate) now: u64,
    pub(crate) admitted: bool,
    pub(crate) values: InlineVec4<Vec<u8>>,
}

impl ScriptReply {
    /// Parses the reply for one plan.
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

    /// Parses the reply for any plans.
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

    /// Returns `true` if a value that the script read is no state.
    pub(crate) fn has_malformed_state(&self, plans: &[Plan<'_>]) -> bool {
        let mut pairs = plans.iter().zip(&self.values);
        pairs.any(|(plan, value)| !value.is_empty() && decode_whole(plan, value).is_none())
    }

    /// Decodes the states of the plans.
    pub(crate) fn states(&self, plans: &[Plan<'_>]) -> InlineVec4<State> {
        let pairs = plans.iter().zip(&self.values);
        let states = pairs.map(|(plan, value)| decode(plan, value, self.now));
        states.collect()
    }
}

/// The length of the head of a reply, in bytes.
const HEAD: usize = 9;

/// Parses the head of a reply: if all plans were admitted, and the time.
fn head(bytes: &[u8]) -> Option<(bool, u64)> {
    let (admitted, now) = bytes.get(..HEAD)?.split_first()?;
    let now = f64::from_be_bytes(now.try_into().ok()?);
    #[expect(clippy::cast_sign_loss, reason = "times are after 1970")]
    let now = now as u64;
    Some((*admitted == 1, now.min(EXACT)))
}

#[cfg(test)]
mod tests {
    use super::ScriptReply;
    use crate::strategy::kernel::tick::EXACT;

    fn head(now: f64) -> Vec<u8> {
        [&[1][..], &now.to_be_bytes()].concat()
    }

    #[test]
    fn refuses_a_reply_with_another_number_of_states() {
        let answer = |values| std::iter::repeat_n(head(5.0), values).collect();
        assert!(ScriptReply::many(answer(3), 2).is_some());
        for values in [0, 1, 2, 4, 1_000_000] {
            assert!(ScriptReply::many(answer(values), 2).is_none(), "{values}");
        }
        assert!(
            ScriptReply::many(vec![vec![1]], 0).is_none(),
            "a truncated head"
        );
    }

    #[test]
    fn clamps_a_time_to_the_exact_ones() {
        for (now, clamped) in [
            (7.5, 7),
            (-1.0, 0),
            (f64::NAN, 0),
            (f64::INFINITY, EXACT),
            (1e300, EXACT),
        ] {
            assert_eq!(
                ScriptReply::one(head(now)).map(|reply| reply.now),
                Some(clamped)
            );
        }
    }
}
