//! Reservations that are cancelled or settled for less, some steps later and around every boundary:
//! every store agrees with the oracle (L4, L32).

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::TestCaseError;
use traffik::{Rate, Reservation};

use super::agreement::agrees_on_state;
use super::oracle::{Int, Law, Oracle, Terms};
use super::subject::{Dynamic, Subject, verdict_of};
use super::trace::{
    Gap, Step, cases, hours, rates_of_hours, starts, steps, steps_back_and_forth, terms,
};

/// A hit, or a reservation with the number of steps until it is settled and the quarters of it that
/// were used.
pub(crate) type Reserving = (Step, Option<(usize, u64)>);

/// Generates traces on a clock that does or does not step back.
pub(crate) fn reservations(steps_back: bool) -> impl Strategy<Value = Vec<Reserving>> {
    let steps = if steps_back {
        steps_back_and_forth().boxed()
    } else {
        steps().boxed()
    };
    let refund = prop_oneof![
        2 => Just(None),
        3 => (0_usize..4, 0_u64..4).prop_map(Some),
    ];
    (steps, vec(refund, 40), any::<bool>()).prop_map(|(mut steps, refunds, starts_windows)| {
        if starts_windows {
            // Boundaries of windows are reached by whole periods only from their start.
            for step in steps.iter_mut().step_by(3) {
                step.gap = Gap::Periods(1);
            }
        }
        steps.into_iter().zip(refunds).collect()
    })
}

/// A reservation that is not settled yet, with its data for the oracle.
struct Pending {
    due: usize,
    used: u64,
    cost: u64,
    at: Int,
    reservation: Reservation,
}

/// Checks at every step that a subject agrees with the oracle, before and after each refund.
pub(crate) fn follows_refunds(
    subject: &mut Dynamic,
    (rate, law): (Rate, Law),
    start: Int,
    steps: &[Reserving],
) -> Result<(), TestCaseError> {
    let terms = Terms::new(law, rate);
    let mut oracle = Oracle::default();
    let (mut now, mut latest, mut refunded, mut last) = (start, start, 0, 1);
    let mut verdict = oracle.verdict(&terms, now, 1);
    let mut open: Vec<Pending> = Vec::new();
    for (place, (step, refund)) in steps.iter().enumerate() {
        let then = step.gap.after(now, &terms, &verdict);
        let Some(then) = then.filter(|then| *then < subject.horizon()) else {
            break;
        };
        // Further behind, full states replace the states, and their counts are lost. And a state
        // that had ended at a refund may exist again behind that moment, in a store that has not
        // removed it.
        now = then.max(latest - terms.period).max(refunded);
        latest = latest.max(now);
        last = step.cost.units(&verdict, last);
        let (due, later) = open
            .into_iter()
            .partition::<Vec<_>, _>(|it| it.due <= place);
        open = later;
        for it in due {
            agrees_on_state(subject, &oracle, &terms, now)?;
            subject.set(now);
            subject.settle(it.reservation, it.used);
            oracle.refund(&terms, it.at, (it.cost - it.used).into(), now);
            agrees_on_state(subject, &oracle, &terms, now)?;
            refunded = now;
        }
        verdict = oracle.hit(&terms, now, last.into());
        subject.set(now);
        let Some((after, quarters)) = refund else {
            prop_assert_eq!(
                verdict_of(&subject.decide(last)),
                verdict,
                "{} at {}",
                last,
                now
            );
            continue;
        };
        let reservation = subject.reserve(last);
        let verdict = verdict_of(reservation.decision());
        prop_assert_eq!(verdict, verdict, "{} reserved at {}", last, now);
        if verdict.admitted {
            open.push(Pending {
                due: place + 1 + after,
                used: last / 4 * quarters,
                cost: last,
                at: oracle.recorded(&terms, now),
                reservation,
            });
        }
    }
    for it in open {
        subject.settle(it.reservation, it.used);
        oracle.refund(&terms, it.at, (it.cost - it.used).into(), now);
        agrees_on_state(subject, &oracle, &terms, now)?;
    }
    Ok(())
}

/// Generates a law of any kind at a rate.
pub(crate) fn any_law() -> impl Strategy<Value = (Rate, Law)> {
    let by_the_hour = rates_of_hours().prop_flat_map(|rate| (Just(rate), hours(rate)));
    prop_oneof![12 => terms(), 2 => by_the_hour]
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn agrees_with_the_oracle(
        of in any_law(),
        start in starts(),
        steps in prop_oneof![reservations(false), reservations(true)],
    ) {
        let (rate, law) = of;
        if let Ok(mut subject) = Dynamic::new(law, &[rate]) {
            follows_refunds(&mut subject, of, start, &steps)?;
        }
    }
}
