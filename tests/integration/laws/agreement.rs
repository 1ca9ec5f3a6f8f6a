//! Each strategy decides, waits and reports as the oracle does, on random traces: the pure law, and
//! the throttle.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::TestCaseError;
use traffik::{ErrorKind, Identity, Rate};
use traffik_tests::poll_once;

use super::oracle::{Adaptive, Int, Law, Oracle, Terms};
use super::subject::{Dynamic, Pure, Standing, Subject, has_facts, throttle, with_strategy};
use super::trace::{
    Step, adaptives, cases, cost_based, gcras, hours, leaky_buckets, priorities, queues, rates,
    rates_of_hours, rollovers, starts, steps, steps_back_and_forth, terms, tiers, token_buckets,
};

pub(crate) fn at_any_rate(law: Law) -> impl Strategy<Value = (Rate, Law)> {
    rates().prop_map(move |rate| (rate, law))
}

pub(crate) fn with<S: Strategy<Value = Law>>(
    law: impl Fn(Rate) -> S,
) -> impl Strategy<Value = (Rate, Law)> {
    rates().prop_flat_map(move |rate| (Just(rate), law(rate)))
}

/// Laws at a rate, and steps under one of them each.
pub(crate) type Alternation = (Vec<(Rate, Law)>, Vec<(usize, Step)>);

/// Generates three clients or signals at one rate, and steps by one of them each.
pub(crate) fn alternating<S: Strategy<Value = Law>>(
    law: impl Fn(Rate) -> S,
    with_parameters_of: impl Fn(Law, Law) -> Law + Copy,
) -> impl Strategy<Value = Alternation> {
    let laws = rates().prop_flat_map(move |rate| (Just(rate), vec(law(rate), 3)));
    let laws = laws.prop_map(move |(rate, laws)| {
        let laws = laws
            .iter()
            .map(|other| (rate, with_parameters_of(*other, laws[0])));
        laws.collect()
    });
    let steps = (steps(), vec(0_usize..3, 40));
    (
        laws,
        steps.prop_map(|(steps, alternation)| alternation.into_iter().zip(steps).collect()),
    )
}

/// Returns a law with the parameters of another; its client or signal stays.
pub(crate) fn with_parameters_of(law: Law, other: Law) -> Law {
    match (law, other) {
        (Law::Priority { who, .. }, Law::Priority { shares, .. }) => Law::Priority { shares, who },
        (Law::Tiered { who, .. }, Law::Tiered { multipliers, .. }) => {
            Law::Tiered { multipliers, who }
        }
        (Law::Adaptive(law), Law::Adaptive(other)) => {
            let load = other.load.map(|_| law.load.unwrap_or(0));
            Law::Adaptive(Adaptive { load, ..other })
        }
        _ => panic!("not laws of one kind"),
    }
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

    #[test]
    fn sliding_logs(of in at_any_rate(Law::SlidingLog), start in starts(), steps in steps()) {
        agrees(of, start, &steps)?;
    }

    #[test]
    fn leaky_buckets_(of in with(leaky_buckets), start in starts(), steps in steps()) {
        agrees(of, start, &steps)?;
    }

    #[test]
    fn queues_(of in with(queues), start in starts(), steps in steps()) {
        agrees(of, start, &steps)?;
    }

    #[test]
    fn cost_based_(of in with(cost_based), start in starts(), steps in steps()) {
        agrees(of, start, &steps)?;
    }

    #[test]
    fn rollovers_(of in with(rollovers), start in starts(), steps in steps()) {
        agrees(of, start, &steps)?;
    }

    #[test]
    fn hours_(
        of in rates_of_hours().prop_flat_map(|rate| (Just(rate), hours(rate))),
        start in starts(),
        steps in steps_back_and_forth(),
    ) {
        agrees(of, start, &steps)?;
    }

    #[test]
    fn adaptives_((laws, steps) in alternating(adaptives, with_parameters_of), start in starts()) {
        agree(&laws, start, &steps)?;
    }

    #[test]
    fn priorities_((laws, steps) in alternating(priorities, with_parameters_of), start in starts()) {
        agree(&laws, start, &steps)?;
    }

    #[test]
    fn tiers_((laws, steps) in alternating(tiers, with_parameters_of), start in starts()) {
        agree(&laws, start, &steps)?;
    }

    /// The law stops until the clock has caught up (L4).
    #[test]
    fn agrees_when_the_clock_steps_back(of in terms(), start in starts(), steps in steps_back_and_forth()) {
        agrees(of, start, &steps)?;
    }

    /// Expired states are removed (L12), which no client can observe.
    #[test]
    fn agrees_among_other_clients(
        of in prop_oneof![
            9 => terms(),
            1 => rates_of_hours().prop_flat_map(|rate| (Just(rate), hours(rate))),
        ],
        start in starts(),
        steps in steps(),
    ) {
        let (rate, law) = of;
        if let Ok(mut subject) = Dynamic::new(law, &[rate]) {
            let throttle = subject.throttle.clone();
            let mut others = 0_u64;
            let crowd = || {
                for _ in 0..8 {
                    others += 1;
                    poll_once(throttle.hit(&Identity::from(others), 1)).expect("memory always answers");
                }
            };
            follows(&mut subject, &[of], start, &each(&steps, 0), crowd)?;
        }
    }
}

pub(super) fn agrees(
    (rate, law): (Rate, Law),
    start: Int,
    steps: &[Step],
) -> Result<(), TestCaseError> {
    agree(&[(rate, law)], start, &each(steps, 0))
}

/// Checks a subject while its client or signal changes.
pub(super) fn agree(
    laws: &[(Rate, Law)],
    start: Int,
    steps: &[(usize, Step)],
) -> Result<(), TestCaseError> {
    let (rate, law) = laws[0];
    if !Terms::new(law, rate).exist() {
        let refused = throttle("subject", law, &[rate]).build().map(|_| ());
        prop_assert_eq!(
            refused.map_err(|error| error.kind()),
            Err(ErrorKind::Configuration)
        );
        return Ok(());
    }
    with_strategy!(law, strategy => {
        follows(&mut Pure::new(strategy, rate), laws, start, steps, || ())?;
    });
    let mut throttle = Dynamic::new(law, &[rate])?;
    follows(&mut throttle, laws, start, steps, || ())
}

/// Returns all steps under one of several laws.
pub(crate) fn each(steps: &[Step], law: usize) -> Vec<(usize, Step)> {
    steps.iter().map(|step| (law, *step)).collect()
}

/// Checks at every step, under the law of the step, that a subject agrees with the oracle.
pub(crate) fn follows(
    subject: &mut impl Subject,
    laws: &[(Rate, Law)],
    start: Int,
    steps: &[(usize, Step)],
    mut before_each: impl FnMut(),
) -> Result<(), TestCaseError> {
    let terms = |place: usize| Terms::new(laws[place].1, laws[place].0);
    let mut oracle = Oracle::default();
    let (mut now, mut last) = (start, 1);
    let mut verdict = oracle.verdict(&terms(0), now, 1);
    for (place, step) in steps {
        let terms = terms(*place);
        subject.under(laws[*place].0, laws[*place].1);
        let then = step.gap.after(now, &terms, &verdict);
        let Some(then) = then.filter(|then| *then < subject.horizon()) else {
            break;
        };
        now = then;
        last = step.cost.units(&verdict, last);
        before_each();

        agrees_on_state(subject, &oracle, &terms, now)?;
        verdict = oracle.hit(&terms, now, last.into());
        prop_assert_eq!(
            subject.hit(now, last),
            verdict,
            "a hit of {} at {} of {:?}",
            last,
            now,
            terms
        );
    }
    Ok(())
}

/// Checks that a client's state in the subject equals its state in the oracle.
pub(crate) fn agrees_on_state(
    subject: &mut impl Subject,
    oracle: &Oracle,
    terms: &Terms,
    now: Int,
) -> Result<(), TestCaseError> {
    let verdict = oracle.verdict(terms, now, 1);
    let standing = Standing {
        remaining: verdict.remaining,
        wait: verdict.wait,
        reset: verdict.reset,
    };
    prop_assert_eq!(
        subject.standing(now),
        standing,
        "stat at {} of {:?}",
        now,
        terms
    );
    let (metadata, facts) = (subject.facts(now), oracle.at(now).facts(terms, now));
    prop_assert!(
        has_facts(&metadata, &facts),
        "metadata at {}: {} is not {:?}",
        now,
        metadata,
        facts
    );
    Ok(())
}
