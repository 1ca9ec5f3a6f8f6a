//! A state that another law has written counts as none (promise 7).

use proptest::prelude::{Strategy, prop_assert_eq, prop_oneof, proptest};

use super::oracle::{Int, Law, Terms};
use super::subject::{Pure, Subject, with_strategy};
use super::trace::{cases, hours, laws, rates, starts};

/// Returns the kernel of a law, whose states the law continues.
fn kernel(law: Law) -> &'static str {
    match law {
        Law::FixedWindow | Law::Tiered { .. } | Law::TimeOfDay { .. } => "window",
        Law::SlidingCounter => "sliding counter",
        Law::SlidingLog | Law::Priority { .. } => "log",
        Law::QuotaWithRollover { .. } => "rollover",
        Law::Adaptive(_) => "adaptive",
        Law::CostBasedTokenBucket { .. } => "mean",
        _ => "meter",
    }
}

/// Generates a law of any kind, at a rate that it was not made for.
fn any_law() -> impl Strategy<Value = Law> {
    let rate = "1000/100s".parse().expect("a rate");
    prop_oneof![12 => laws(rate), 1 => hours(rate)]
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn ignores_the_state_of_another_law(
        (left, right) in (any_law(), any_law()),
        (before, after) in (rates(), rates()),
        start in starts(),
        costs in [1_u64..20, 1..20, 1..20],
    ) {
        let exist = Terms::new(left, before).exist() && Terms::new(right, after).exist();
        if !exist || kernel(left) == kernel(right) {
            return Ok(());
        }
        let state = with_strategy!(left, strategy => {
            let mut subject = Pure::new(strategy, before);
            subject.under(before, left);
            for cost in costs {
                subject.hit(start, cost);
            }
            subject.state
        });
        with_strategy!(right, strategy => {
            let mut subject = Pure::new(strategy, after);
            subject.under(after, right);
            let fresh = (subject.standing(start), subject.facts(start));
            let verdict = subject.hit(start, 1);
            (subject.state, subject.life) = (state, Int::MAX);
            prop_assert_eq!((subject.standing(start), subject.facts(start)), fresh);
            prop_assert_eq!(subject.hit(start, 1), verdict);
        });
    }
}
