//! Each strategy decides, waits and tells as the oracle does, on random traces: the pure law, and the throttle.

use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::TestCaseError;
use traffik::{ErrorKind, Identity, Rate};

use super::oracle::{Int, Law, Oracle, Terms};
use super::subject::{Dynamic, Pure, Standing, Subject, now, says, throttle, with_strategy};
use super::trace::{
    Step, cases, gcras, rates, starts, steps, steps_back_and_forth, terms, token_buckets,
};

fn at_any_rate(law: Law) -> impl Strategy<Value = (Rate, Law)> {
    rates().prop_map(move |rate| (rate, law))
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn fixed_windows(of in at_any_rate(Law::FixedWindow), start in starts(), steps in steps()) {
        agrees(of, start, &steps)?;
    }

    #[test]
    fn sliding_counters(of in at_any_rate(Law::SlidingCounter), start in starts(), steps in steps()) {
        agrees(of, start, &steps)?;
    }

    #[test]
    fn token_buckets_(
        of in rates().prop_flat_map(|rate| (Just(rate), token_buckets(rate))),
        start in starts(),
        steps in steps(),
    ) {
        agrees(of, start, &steps)?;
    }

    #[test]
    fn gcras_(
        of in rates().prop_flat_map(|rate| (Just(rate), gcras(rate))),
        start in starts(),
        steps in steps(),
    ) {
        agrees(of, start, &steps)?;
    }

    /// L4: the law stands still until the clock has caught up.
    #[test]
    fn on_a_clock_that_steps_back(of in terms(), start in starts(), steps in steps_back_and_forth()) {
        agrees(of, start, &steps)?;
    }

    /// States are removed once they have expired (L12), which nobody can tell.
    #[test]
    fn among_other_clients_who_come_and_go(of in terms(), start in starts(), steps in steps()) {
        let (rate, law) = of;
        let terms = Terms::new(law, rate);
        if let Ok(mut subject) = Dynamic::new(law, &[rate]) {
            let throttle = subject.throttle.clone();
            let mut others = 0_u64;
            let crowd = || {
                for _ in 0..8 {
                    others += 1;
                    now(throttle.hit(&Identity::from(others), 1)).expect("memory always answers");
                }
            };
            follows(&mut subject, &terms, start, &steps, crowd)?;
        }
    }
}

fn agrees((rate, law): (Rate, Law), start: Int, steps: &[Step]) -> Result<(), TestCaseError> {
    let terms = Terms::new(law, rate);
    if terms.tick().is_none() {
        let refused = throttle(law, &[rate]).build().map(|_| ());
        prop_assert_eq!(
            refused.map_err(|error| error.kind()),
            Err(ErrorKind::Configuration)
        );
        return Ok(());
    }
    with_strategy!(law, strategy => {
        follows(&mut Pure::new(strategy, rate), &terms, start, steps, || ())?;
    });
    let mut throttle = Dynamic::new(law, &[rate])?;
    follows(&mut throttle, &terms, start, steps, || ())
}

/// Whether a subject says at every step what the oracle says.
fn follows(
    subject: &mut impl Subject,
    terms: &Terms,
    start: Int,
    steps: &[Step],
    mut before_each: impl FnMut(),
) -> Result<(), TestCaseError> {
    let mut oracle = Oracle::default();
    let (mut now, mut last) = (start, 1);
    let mut told = oracle.verdict(terms, now, 1);
    for step in steps {
        let Some(then) = step.gap.after(now, terms, &told) else {
            break;
        };
        now = then;
        last = step.cost.units(&told, last);
        before_each();

        let stands = oracle.verdict(terms, now, 1);
        let standing = Standing {
            remaining: stands.remaining,
            wait: stands.wait,
            reset: stands.reset,
        };
        prop_assert_eq!(
            subject.standing(now),
            standing,
            "stat at {} of {:?}",
            now,
            terms
        );
        let (said, facts) = (subject.facts(now), oracle.facts(terms, now));
        prop_assert!(
            says(&said, &facts),
            "metadata at {}: {} is not {:?}",
            now,
            said,
            facts
        );
        told = oracle.hit(terms, now, last.into());
        prop_assert_eq!(
            subject.hit(now, last),
            told,
            "a hit of {} at {} of {:?}",
            last,
            now,
            terms
        );
    }
    Ok(())
}
