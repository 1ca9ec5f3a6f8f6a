//! The promises themselves, for every strategy on random traces: `check` confirms what every
//! decision and stat reports.
//!
//! No oracle is involved.

use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::TestCaseError;
use traffik::{Identity, Rate};
use traffik_tests::poll_once;

use super::oracle::{Int, Law, Terms};
use super::subject::{Dynamic, Standing, Subject, verdict_of};
use super::trace::{
    Step, cases, hours, rates_of_hours, starts, steps, steps_back_and_forth, terms,
};

/// Generates a law of any kind at a rate.
fn any_law() -> impl Strategy<Value = (Rate, Law)> {
    let by_the_hour = rates_of_hours().prop_flat_map(|rate| (Just(rate), hours(rate)));
    prop_oneof![12 => terms(), 2 => by_the_hour]
}

/// The latest moment of the test, in microseconds since 1970.
const END: Int = 1 << 53;

proptest! {
    #![proptest_config(cases(400))]

    /// Promises 2, 3, 4, 6 and 8.
    #[test]
    fn reports_exact_values(of in any_law(), start in starts(), steps in steps()) {
        holds(of, start, &steps)?;
    }

    /// The promises hold on a clock that steps back (promise 5).
    #[test]
    fn reports_exact_values_when_the_clock_steps_back(
        of in any_law(),
        start in starts(),
        steps in steps_back_and_forth(),
    ) {
        holds(of, start, &steps)?;
    }
}

fn holds((rate, law): (Rate, Law), start: Int, steps: &[Step]) -> Result<(), TestCaseError> {
    let terms = Terms::new(law, rate);
    let Ok(mut subject) = Dynamic::new(law, &[rate]) else {
        assert!(!terms.exist(), "refused for nothing");
        return Ok(());
    };
    let (mut at, mut last, mut latest) = (start, 1, start);
    subject.set(at);
    let mut verdict = verdict_of(&subject.decide(0));
    for step in steps {
        let then = step.gap.after(at, &terms, &verdict);
        let Some(then) = then.filter(|then| *then < END) else {
            break;
        };
        (at, last) = (then, step.cost.units(&verdict, last));
        let before = subject.standing(at);
        prop_assert_eq!(subject.standing(at), before, "`stat` changed something");
        remaining_is_the_largest_cost(&subject, law, before)?;

        let enough = subject.admits(last);
        verdict = subject.hit(at, last);
        prop_assert_eq!(verdict.admitted, enough, "`check` of {} at {}", last, at);
        if verdict.admitted {
            prop_assert_eq!(verdict.wait, Some(0));
        } else {
            prop_assert_eq!(subject.standing(at), before, "a refusal took something");
            waits_are_exact(&subject, at, last, verdict.wait)?;
        }
        prop_assert!(
            last > 0 || subject.standing(at) == before,
            "cost 0 took something"
        );
        // A state far ahead of the clock is filled by a hit, not by `stat`; in a closed hour there
        // is nothing to fill, but the window remains (L4).
        latest = latest.max(at);
        let is_closed = at < latest && matches!(law, Law::TimeOfDay { .. });
        if last > 0 && !is_closed {
            nothing_is_left_at_the_reset(&mut subject, law, at)?;
        }
    }
    Ok(())
}

impl Dynamic {
    /// Reports that `check` admits a cost.
    fn admits(&self, cost: u64) -> bool {
        poll_once(self.throttle.check(&self.client, cost)).expect("memory always answers")
    }

    fn admits_at(&self, at: Int, cost: u64) -> bool {
        self.set(at);
        self.admits(cost)
    }
}

/// The remainder is the largest admitted cost (L7), or for GCRA a number of hits, each of which may
/// cost as much as L (L17).
fn remaining_is_the_largest_cost(
    subject: &Dynamic,
    law: Law,
    verdict: Standing,
) -> Result<(), TestCaseError> {
    let remaining = u64::try_from(verdict.remaining).expect("u64");
    prop_assert_eq!(verdict.wait == Some(0), remaining >= 1);
    prop_assert_eq!(subject.admits(1), remaining >= 1);
    prop_assert!(subject.admits(0) && !subject.admits(u64::MAX));
    if !matches!(law, Law::Gcra { .. }) {
        prop_assert!(subject.admits(remaining), "not what remains: {}", remaining);
        prop_assert!(!subject.admits(remaining + 1), "more than {}", remaining);
    }
    Ok(())
}

/// A hit is refused until the wait has passed, and admitted afterwards; "never" lasts for ever.
fn waits_are_exact(
    subject: &Dynamic,
    at: Int,
    cost: u64,
    wait: Option<Int>,
) -> Result<(), TestCaseError> {
    let Some(wait) = wait else {
        for later in [1, 1_000, 1_000_000, 86_400_000_000, 31_536_000_000_000] {
            prop_assert!(!subject.admits_at(at + later, cost), "never was {}", later);
        }
        return Ok(());
    };
    prop_assert!(wait > 0);
    if at + wait < END {
        for part in [wait / 2, wait - 1] {
            prop_assert!(!subject.admits_at(at + part, cost), "{} of {}", part, wait);
        }
        prop_assert!(subject.admits_at(at + wait, cost), "not after {}", wait);
    }
    Ok(())
}

/// From the reset on, a client equals a new one (L12).
fn nothing_is_left_at_the_reset(
    subject: &mut Dynamic,
    law: Law,
    at: Int,
) -> Result<(), TestCaseError> {
    let reset = subject.standing(at).reset;
    if at + reset >= END {
        return Ok(());
    }
    let hit = (subject.standing(at + reset), subject.facts(at + reset));
    let client = std::mem::replace(&mut subject.client, new_client(law));
    let unseen = (subject.standing(at + reset), subject.facts(at + reset));
    subject.client = client;
    prop_assert_eq!(hit, unseen, "{:?}", law);
    Ok(())
}

/// Returns a new client of the same kind.
fn new_client(law: Law) -> Identity {
    let client = Identity::new("new client");
    match law {
        Law::Tiered {
            who: Some(tier), ..
        } => client.tier(tier),
        Law::Priority { who, .. } => client.priority(who),
        _ => client,
    }
}
