//! The promises as such, of every strategy on random traces: whatever a throttle tells, asking it
//! shows to be so.
//!
//! No oracle is asked here: what is told is compared with what `check` says at the moments that
//! were told.

use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::TestCaseError;
use traffik::{Identity, Rate};
use traffik_tests::poll_once;

use super::oracle::{Int, Law, Terms};
use super::subject::{Dynamic, Standing, Subject, verdict_of};
use super::trace::{
    Step, cases, hours, rates_of_hours, starts, steps, steps_back_and_forth, terms,
};

/// A law of any kind at a rate.
fn any_law() -> impl Strategy<Value = (Rate, Law)> {
    let by_the_hour = rates_of_hours().prop_flat_map(|rate| (Just(rate), hours(rate)));
    prop_oneof![12 => terms(), 2 => by_the_hour]
}

/// The latest moment that is looked at, in microseconds since 1970: beyond it clocks end.
const END: Int = 1 << 53;

proptest! {
    #![proptest_config(cases(400))]

    /// 2, 3, 4, 6 and 8.
    #[test]
    fn what_is_told_is_so(of in any_law(), start in starts(), steps in steps()) {
        holds(of, start, &steps)?;
    }

    /// 5: and so it is on a clock that steps back.
    #[test]
    fn what_is_told_is_so_behind_the_state(
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
    let mut told = verdict_of(&subject.decide(0));
    for step in steps {
        let then = step.gap.after(at, &terms, &told);
        let Some(then) = then.filter(|then| *then < END) else {
            break;
        };
        (at, last) = (then, step.cost.units(&told, last));
        let before = subject.standing(at);
        prop_assert_eq!(subject.standing(at), before, "`stat` changed something");
        remaining_is_the_largest_cost(&subject, law, before)?;

        let enough = subject.admits(last);
        told = subject.hit(at, last);
        prop_assert_eq!(told.admitted, enough, "`check` of {} at {}", last, at);
        if told.admitted {
            prop_assert_eq!(told.wait, Some(0));
        } else {
            prop_assert_eq!(subject.standing(at), before, "a refusal took something");
            waits_are_exact(&subject, at, last, told.wait)?;
        }
        prop_assert!(
            last > 0 || subject.standing(at) == before,
            "cost 0 took something"
        );
        // A state far ahead of the clock is filled by a hit, not by `stat`; in hours that are
        // closed there is nothing to fill, but the window still stands (L4).
        latest = latest.max(at);
        let is_closed = at < latest && matches!(law, Law::TimeOfDay { .. });
        if last > 0 && !is_closed {
            nothing_is_left_at_the_reset(&mut subject, law, at)?;
        }
    }
    Ok(())
}

impl Dynamic {
    /// Whether `check` says that a cost would be admitted.
    fn admits(&self, cost: u64) -> bool {
        poll_once(self.throttle.check(&self.client, cost)).expect("memory always answers")
    }

    fn admits_at(&self, at: Int, cost: u64) -> bool {
        self.set(at);
        self.admits(cost)
    }
}

/// L7; of GCRA it is a number of hits, each of which may cost as much as L (L17).
fn remaining_is_the_largest_cost(
    subject: &Dynamic,
    law: Law,
    told: Standing,
) -> Result<(), TestCaseError> {
    let remaining = u64::try_from(told.remaining).expect("u64");
    prop_assert_eq!(told.wait == Some(0), remaining >= 1);
    prop_assert_eq!(subject.admits(1), remaining >= 1);
    prop_assert!(subject.admits(0) && !subject.admits(u64::MAX));
    if !matches!(law, Law::Gcra { .. }) {
        prop_assert!(subject.admits(remaining), "not what remains: {}", remaining);
        prop_assert!(!subject.admits(remaining + 1), "more than {}", remaining);
    }
    Ok(())
}

/// Refused until the wait has passed, admitted when it has; never is never.
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

/// L12: from the reset on, a client is as one who was never seen.
fn nothing_is_left_at_the_reset(
    subject: &mut Dynamic,
    law: Law,
    at: Int,
) -> Result<(), TestCaseError> {
    let reset = subject.standing(at).reset;
    if at + reset >= END {
        return Ok(());
    }
    let seen = (subject.standing(at + reset), subject.facts(at + reset));
    let client = std::mem::replace(&mut subject.client, nobody(law));
    let unseen = (subject.standing(at + reset), subject.facts(at + reset));
    subject.client = client;
    prop_assert_eq!(seen, unseen, "{:?}", law);
    Ok(())
}

/// Somebody whom the law takes for the same kind of client.
fn nobody(law: Law) -> Identity {
    let nobody = Identity::new("nobody");
    match law {
        Law::Tiered {
            who: Some(tier), ..
        } => nobody.tier(tier),
        Law::Priority { who, .. } => nobody.priority(who),
        _ => nobody,
    }
}
