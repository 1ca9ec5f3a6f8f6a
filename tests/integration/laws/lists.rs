//! Several rates of one throttle: all admit and count, or none does, and they report as one (L28,
//! L29).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{Strategy, prop_assert_eq, proptest};
use proptest::test_runner::TestCaseError;
use traffik::Rate;
use traffik::strategy::{Adaptive, FixedWindow, SlidingCounter, TimeOfDay, TokenBucket};
use traffik_tests::poll_once;

use super::client::{Client, micros, wait};
use super::oracle::{Int, Law, Several, Terms};
use super::subject::{Dynamic, Standing, Subject};
use super::trace::{Step, cases, laws, rates, starts, steps, terms};

/// Generates two to four rates, and a law that suits one of them.
pub(crate) fn lists() -> impl Strategy<Value = (Vec<Rate>, Law)> {
    let others = (rates(), 1_u64..=40, 1_u64..=24).prop_map(|(any, limit, seconds)| {
        // Only rates of about the same size bind in turn.
        let near = Rate::new(limit, micros(seconds * 500_000));
        if limit % 4 == 0 { any } else { near }
    });
    let rates = (terms(), vec(others, 1..4));
    rates.prop_flat_map(|((rate, _), others)| {
        let small = Rate::new(rate.limit() % 40 + 1, rate.period());
        let first = if others.len() > 1 { small } else { rate };
        laws(first).prop_map(move |law| {
            let rates = std::iter::once(first).chain(others.iter().copied());
            (rates.collect(), law)
        })
    })
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn agrees_with_the_oracle((rates, law) in lists(), start in starts(), steps in steps()) {
        let terms: Vec<_> = rates.iter().map(|rate| Terms::new(law, *rate)).collect();
        let Ok(mut subject) = Dynamic::new(law, &rates) else {
            assert!(!terms.iter().all(Terms::exist), "refused for nothing");
            return Ok(());
        };
        let mut oracle = Several::new(terms.iter().copied());
        let (mut now, mut last) = (start, 1);
        let mut verdict = oracle.verdict(now, 1);
        for (step, terms) in steps.into_iter().zip(terms.iter().cycle()) {
            let then = step.gap.after(now, terms, &verdict);
            let Some(then) = then.filter(|then| *then < subject.horizon()) else { break };
            now = then;
            last = step.cost.units(&verdict, last);

            let stands = oracle.verdict(now, 1);
            let (remaining, wait, reset) = (stands.remaining, stands.wait, stands.reset);
            prop_assert_eq!(subject.standing(now), Standing { remaining, wait, reset });
            verdict = oracle.hit(now, last.into());
            prop_assert_eq!(subject.hit(now, last), verdict, "a hit of {} at {}", last, now);
        }
    }
}

proptest! {
    #![proptest_config(cases(400))]

    /// From one rate to several and back, and from one list to another (L30).
    #[test]
    fn agrees_with_the_oracle_when_lists_change(
        (all, law) in lists(),
        parts in parts(),
        start in starts(),
        steps in steps(),
    ) {
        if all.iter().all(|rate| Terms::new(law, *rate).exist()) {
            follows_lists(&mut Dynamic::new(law, &all)?, (&all, law), &parts, start, steps)?;
        }
    }
}

/// The part of a list of rates that is in force.
pub(crate) type Part = (usize, usize);

pub(crate) fn parts() -> impl Strategy<Value = Vec<Part>> {
    vec((0_usize..4, 0_usize..4), 40)
}

/// Checks that a subject follows the oracle while parts of a list of rates take effect in turn.
pub(crate) fn follows_lists(
    subject: &mut Dynamic,
    (all, law): (&[Rate], Law),
    parts: &[Part],
    start: Int,
    steps: Vec<Step>,
) -> Result<(), TestCaseError> {
    let of = |rates: &[Rate]| -> Vec<Terms> {
        rates.iter().map(|rate| Terms::new(law, *rate)).collect()
    };
    let mut oracle = Several::new(of(all));
    let (mut now, mut last) = (start, 1);
    let mut verdict = oracle.verdict(now, 1);
    subject.standing(now);
    for (step, (from, to)) in steps.into_iter().zip(parts) {
        // Often the previous part, else another, in order or not.
        if from != to {
            let mut rates: Vec<Rate> = all.iter().copied().skip(*from).collect();
            rates.extend(all);
            rates.truncate((*to).clamp(1, all.len()));
            subject.set_rates(&rates);
            oracle.under(&of(&rates));
        }
        let terms = Terms::new(law, all[0]);
        let then = step.gap.after(now, &terms, &verdict);
        let Some(then) = then.filter(|then| *then < subject.horizon()) else {
            break;
        };
        now = then;
        last = step.cost.units(&verdict, last);
        let stands = oracle.verdict(now, 1);
        let (remaining, wait, reset) = (stands.remaining, stands.wait, stands.reset);
        prop_assert_eq!(
            subject.standing(now),
            Standing {
                remaining,
                wait,
                reset
            }
        );
        verdict = oracle.hit(now, last.into());
        prop_assert_eq!(
            subject.hit(now, last),
            verdict,
            "a hit of {} at {}",
            last,
            now
        );
    }
    Ok(())
}

/// A refusal by one rate leaves the other unchanged.
#[test]
fn charges_no_rate_after_a_refusal() {
    let client = Client::of(FixedWindow::new(), "2/s;5/10s");
    assert_eq!(client.admitted_of(9), 2);
    let stat = client.stat();
    let remaining: Vec<_> = stat
        .members
        .iter()
        .map(|member| member.hits_remaining)
        .collect();
    assert_eq!((stat.hits_remaining, remaining), (0, vec![0, 3]));
    assert_eq!(stat.rate, "2/s".parse().unwrap());
    assert_eq!(
        [1_000, 2_000, 3_000].map(|at| client.at_ms(at).admitted_of(9)),
        [2, 1, 0]
    );
    let refused = client.hit(1);
    assert_eq!((refused.limit, refused.wait), (5, wait(7_000_000)));
}

/// The member with the longest wait is reported, "never" being longest, and the first of equals.
#[test]
fn reports_the_longest_wait() {
    let client = Client::of(TokenBucket::new(), "4/s;10/10s;4/s");
    let refused = client.hit(5);
    assert_eq!(
        (refused.limit, refused.remaining, refused.wait),
        (4, 4, None)
    );
    assert!(client.admits(4) && client.at_ms(1_000).admits(4));
    // 0 and 2 + 1 remain; for a cost of 4, the first waits 4/4 s, the second 1/1 s.
    let refused = client.hit(4);
    assert_eq!(
        (refused.limit, refused.remaining, refused.wait),
        (4, 0, wait(1_000_000))
    );
    let refused = client.at_ms(1_500).hit(4);
    assert_eq!(
        (refused.limit, refused.remaining, refused.wait),
        (4, 2, wait(500_000))
    );
    let refused = client.at_ms(2_000).hit(5);
    assert_eq!((refused.limit, refused.wait), (4, None));
}

/// The wait of a list is exact: all members admit then, and not a microsecond before.
#[test]
fn reports_exact_waits() {
    let client = Client::of(SlidingCounter::new(), "3/s;7/5s;20/m");
    let mut at = 0;
    for _ in 0..200 {
        client.at(at);
        while client.admits(1) {}
        let wait = client.hit(1).wait.unwrap().as_micros() as u64;
        assert!(!client.at(at + wait - 1).admits(1), "{wait} at {at}");
        at += wait;
        assert!(client.at(at).admits(1), "{wait} at {at}");
    }
}

/// An unlimited member admits everything and is not reported.
#[test]
fn does_not_report_an_unlimited_member() {
    let client = Client::of(FixedWindow::new(), "0/0;3/s");
    assert_eq!(client.admitted_of(9), 3);
    assert_eq!(client.hit(1).limit, 3);
    assert!(client.stat().members.is_empty());
}

/// A parameter applies to each rate, and a default is each rate's own (L29).
#[test]
fn applies_parameters_to_each_rate() {
    let limits = |strategy: TokenBucket| {
        let stat = Client::of(strategy, "10/s;100/m").stat();
        stat.members
            .iter()
            .map(|member| member.hits_remaining)
            .collect::<Vec<_>>()
    };
    assert_eq!(limits(TokenBucket::new()), [10, 100]);
    assert_eq!(limits(TokenBucket::new().burst(50)), [50, 50]);
}

/// Equal rates are two budgets of one size, and all members are read at one moment.
#[test]
fn counts_equal_rates_separately() {
    let client = Client::of(FixedWindow::new(), "3/s;3/s");
    assert_eq!(client.admitted_of(9), 3);
    let throttle = client.throttle.clone();
    assert!(!poll_once(throttle.check(&client.identity, 1)).unwrap());
}

/// If a limit shrinks again, the wait of a list is the first moment at which all have room (L6).
#[test]
fn waits_for_hours_that_coincide() {
    let open = TimeOfDay::new()
        .window("04:00-05:00", 1.0)
        .window("09:00-10:00", 1.0)
        .window("12:00-13:00", 1.0)
        .window("00:00-24:00", 0.0);
    let client = Client::of(open, "1/2h;1/3h");
    // The clock stands at 01:46:40. Windows of two hours open at 4 and at 12, those of three at 9
    // and at 12.
    let noon = Duration::from_secs(12 * 3_600 - 6_400);
    assert_eq!(client.hit(1).wait, Some(noon));
    assert_eq!(client.stat().wait, Some(noon));
    assert!(!client.at(noon.as_micros() as u64 - 1).admits(1));
    assert!(client.at(noon.as_micros() as u64).admits(1));
    assert!(client.hit(2).never());
}

/// Hours that never coincide never admit (L6).
#[test]
fn never_admits_hours_that_never_coincide() {
    let open = TimeOfDay::new()
        .window("22:00-23:00", 1.0)
        .window("03:00-04:00", 1.0)
        .window("00:00-24:00", 0.0);
    // Windows of two hours are open from 22 to 24 only, those of three from 3 to 6.
    let client = Client::of(open, "1/2h;1/3h");
    assert_eq!(client.hit(1).wait, None);
}

/// One hit reads the load once, under any number of rates (L24).
#[test]
fn reads_the_load_once_per_hit() {
    static LOADS: AtomicUsize = AtomicUsize::new(0);
    fn load() -> f64 {
        LOADS.fetch_add(1, Ordering::Relaxed);
        0.0
    }
    let client = Client::of(Adaptive::new().load(load), "9/s;20/m;30/h");
    let before = LOADS.load(Ordering::Relaxed);
    assert_eq!(client.admitted_of(5), 5);
    assert_eq!(LOADS.load(Ordering::Relaxed) - before, 5);
}

mod changed {
    use super::*;

    fn remaining(client: &Client) -> Vec<u64> {
        let stat = client.stat();
        let members = stat.members.iter().map(|member| member.hits_remaining);
        if stat.members.is_empty() {
            vec![stat.hits_remaining]
        } else {
            members.collect()
        }
    }

    fn after_seven(rates: &str) -> Client {
        let client = Client::of(FixedWindow::new(), rates);
        assert_eq!(client.admitted_of(7), 7);
        client
    }

    /// Members are matched by period, wherever they are in the list (L30).
    #[test]
    fn matches_members_by_period() {
        let client = after_seven("10/s;100/h");
        client.at_ms(1_000);
        let client = client.under("50/h;10/s");
        assert_eq!(remaining(&client), [43, 10]);
        assert_eq!(client.admitted_of(20), 10);
        assert_eq!(remaining(&client.under("10/s;100/h")), [0, 83]);
    }

    /// A member without a match of its period is matched by position; one without any match starts
    /// fresh (L30).
    #[test]
    fn matches_other_members_by_position() {
        let client = after_seven("10/m;100/h");
        let client = client.under("20/5m;50/h;9/d");
        assert_eq!(remaining(&client), [13, 43, 9]);
        assert_eq!(remaining(&client.under("100/h;20/5m")), [93, 20]);
    }

    /// One rate and a list of rates continue each other's counts too.
    #[test]
    fn keeps_counts_from_one_rate_to_several_and_back() {
        let client = after_seven("10/m");
        let list = client.under("30/h;20/m");
        assert_eq!(remaining(&list), [30, 13]);
        assert_eq!(list.admitted_of(2), 2);
        assert_eq!(remaining(&list), [28, 11]);
        let client = list.under("15/m");
        assert_eq!(remaining(&client), [6]);
        assert_eq!(client.admitted_of(1), 1);
        let list = client.under("10/d;40/m");
        assert_eq!(remaining(&list), [10, 30]);
        assert_eq!(remaining(&list.under("50/h")), [40]);
    }
}
