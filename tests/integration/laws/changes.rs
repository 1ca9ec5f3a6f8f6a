//! A changed rate or parameter applies from the next hit on, also to earlier hits (L30).

use std::time::Duration;

use http::request::Parts;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, proptest};
use proptest::test_runner::TestCaseError;
use traffik::strategy::{FixedWindow, SlidingCounter, TokenBucket};
use traffik::{Backend, ManualClock, Rate, Throttle};
use traffik_tests::poll_once;

use super::agreement::follows;
use super::client::wait;
use super::oracle::{Int, Law, Terms};
use super::subject::{Dynamic, Pure, Subject, with_strategy};
use super::trace::{
    Step, adaptives, cases, cost_based, gcras, hours, laws, leaky_buckets, priorities, queues,
    rates, rates_of_hours, rollovers, starts, steps, steps_back_and_forth, tiers, token_buckets,
};

/// Up to three rates and parameters, and a trace of hits under one of them each.
pub(crate) type Changing = (Vec<(Rate, Law)>, Vec<(usize, Step)>);

/// Generates steps under changing laws: often one rate with other parameters, or one period with
/// another limit.
fn changing<S: Strategy<Value = Law> + 'static>(
    law: impl Fn(Rate) -> S,
) -> impl Strategy<Value = Changing> {
    changing_from(rates(), law)
}

fn changing_from<S: Strategy<Value = Law> + 'static>(
    rates: impl Strategy<Value = Rate>,
    law: impl Fn(Rate) -> S,
) -> impl Strategy<Value = Changing> {
    let rates = (rates, 1_u64..=100, 1_u32..=8, 0_u32..4);
    let pair = rates.prop_map(|(rate, limit, parts, change)| {
        let part = |period: Duration| (period * parts / 4).max(Duration::from_micros(1));
        let rounded = |period: Duration| Duration::from_micros(period.as_nanos() as u64 / 1_000);
        let longest = Duration::from_secs(3_650 * 86_400);
        let (limit, period) = match change {
            0 => (rate.limit(), rate.period()),
            1 => (limit, rate.period()),
            2 => (rate.limit(), rounded(part(rate.period()).min(longest))),
            _ => (limit, Duration::from_secs(u64::from(parts))),
        };
        [rate, Rate::new(limit, period.max(Duration::from_micros(1)))]
    });
    let laws = pair.prop_flat_map(move |[one, other]| {
        let law = |rate| (Just(rate), law(rate));
        vec![law(one).boxed(), law(other).boxed(), law(one).boxed()]
    });
    let steps = steps_back_and_forth().prop_flat_map(|steps| {
        let places = vec(prop_oneof_places(), steps.len());
        places.prop_map(move |places| places.into_iter().zip(steps.clone()).collect())
    });
    (laws, steps)
}

/// Generates steps of a throttle whose rate changes, on a clock that does not step back; if a store
/// starts new counts for windows of another period, only the limit changes.
pub(crate) fn changing_rates<S: Strategy<Value = Law> + 'static>(
    rates: impl Strategy<Value = Rate>,
    law: impl Fn(Rate) -> S + 'static,
    keeps_period: bool,
) -> impl Strategy<Value = Changing> {
    let rates = (rates, 1_u64..=100, 1_u32..=12);
    let laws = rates.prop_flat_map(move |(rate, limit, parts)| {
        let period = match (keeps_period, parts) {
            (true, _) | (_, 1) => rate.period(),
            (false, _) => (rate.period() / 4 * parts).min(Duration::from_secs(3_650 * 86_400)),
        };
        let period = Duration::from_micros((period.as_nanos() / 1_000).max(1) as u64);
        let limit = if parts % 3 == 0 { rate.limit() } else { limit };
        let other = Rate::new(limit, period);
        law(rate).prop_map(move |law| vec![(rate, law), (other, law)])
    });
    let steps_by_law = vec(proptest::prop_oneof![Just(0_usize), Just(1)], 40);
    let steps = (steps(), steps_by_law);
    let steps =
        steps.prop_map(|(steps, steps_by_law)| steps_by_law.into_iter().zip(steps).collect());
    (laws, steps)
}

fn prop_oneof_places() -> impl Strategy<Value = usize> {
    proptest::prop_oneof![3 => Just(0_usize), 2 => Just(1), 1 => Just(2)]
}

proptest! {
    #![proptest_config(cases(200))]

    /// The memory backend keeps a state for as long as the laws that have read it need it, and no
    /// longer.
    #[test]
    fn of_throttles_whose_rates_are_set(of in changing_rates(rates(), laws, false), start in starts()) {
        let (laws, steps) = of;
        let (rate, law) = laws[0];
        if laws.iter().all(|(rate, law)| Terms::new(*law, *rate).exist()) {
            follows(&mut Dynamic::new(law, &[rate])?, &laws, start, &steps, || ())?;
        }
    }

    #[test]
    fn of_fixed_windows(of in changing(|_| Just(Law::FixedWindow)), start in starts()) {
        agrees(&of, start)?;
    }

    #[test]
    fn of_sliding_counters(of in changing(|_| Just(Law::SlidingCounter)), start in starts()) {
        agrees(&of, start)?;
    }

    #[test]
    fn of_token_buckets(of in changing(token_buckets), start in starts()) {
        agrees(&of, start)?;
    }

    #[test]
    fn of_gcras(of in changing(gcras), start in starts()) {
        agrees(&of, start)?;
    }

    #[test]
    fn of_sliding_logs(of in changing(|_| Just(Law::SlidingLog)), start in starts()) {
        agrees(&of, start)?;
    }

    #[test]
    fn of_leaky_buckets(of in changing(leaky_buckets), start in starts()) {
        agrees(&of, start)?;
    }

    #[test]
    fn of_queues(of in changing(queues), start in starts()) {
        agrees(&of, start)?;
    }

    #[test]
    fn of_cost_based_buckets(of in changing(cost_based), start in starts()) {
        agrees(&of, start)?;
    }

    #[test]
    fn of_priorities(of in changing(priorities), start in starts()) {
        agrees(&of, start)?;
    }

    #[test]
    fn of_tiers(of in changing(tiers), start in starts()) {
        agrees(&of, start)?;
    }

    #[test]
    fn of_rollovers(of in changing(rollovers), start in starts()) {
        agrees(&of, start)?;
    }

    #[test]
    fn of_adaptives(of in changing(adaptives), start in starts()) {
        agrees(&of, start)?;
    }

    #[test]
    fn of_hours(of in changing_from(rates_of_hours(), hours).prop_map(in_minutes), start in starts()) {
        agrees(&of, start)?;
    }
}

/// Rounds periods over a minute to whole minutes, so that the oracle can search their windows.
fn in_minutes((laws, steps): Changing) -> Changing {
    let minutes = |(rate, law): (Rate, Law)| {
        let seconds = rate.period().as_secs();
        let whole = if seconds < 60 {
            rate.period()
        } else {
            Duration::from_secs(seconds / 60 * 60)
        };
        (Rate::new(rate.limit(), whole), law)
    };
    (laws.into_iter().map(minutes).collect(), steps)
}

fn agrees((laws, steps): &Changing, start: Int) -> Result<(), TestCaseError> {
    let exists = |(rate, law): &(Rate, Law)| Terms::new(*law, *rate).exist();
    let (rate, law) = laws[0];
    if !laws.iter().all(exists) {
        return Ok(());
    }
    with_strategy!(law, strategy => {
        follows(&mut Pure::new(strategy, rate), laws, start, steps, || ())
    })
}

/// A count beyond the exact range of the window's arithmetic is clamped, now and when its window
/// has passed.
#[test]
fn clamps_counts_before_and_after_their_window() {
    let mut subject = Pure::new(SlidingCounter::new(), "4000000000/10s".parse().unwrap());
    assert!(subject.hit(0, 4_000_000_000).admitted);
    // 10^7 ticks of 1 µs: at most ⌊2^53 / 10^7⌋ = 900 719 925 units, of which 4 are worth less than
    // a tick.
    subject.rate = "5/10s".parse().unwrap();
    let due = 20_000_000;
    assert_eq!(subject.hit(0, 1).wait, Some(due));
    assert!(!subject.hit(due - 1, 1).admitted);
    assert!(subject.hit(due, 1).admitted);
    // 10^9 ticks: 9 007 199 units, of which 2999 are worth a third of a second.
    let mut subject = Pure::new(SlidingCounter::new(), "4000000000/1000s".parse().unwrap());
    assert!(subject.hit(0, 4_000_000_000).admitted);
    subject.rate = "3000/1000s".parse().unwrap();
    let waits = [0, 999_999_999, 1_000_000_000, 1_500_000_000];
    let waits = waits.map(|at| at + subject.hit(at, 1).wait.unwrap());
    assert_eq!(
        waits, [waits[0]; 4],
        "the moment does not depend on when it is hit for"
    );
    assert!(!subject.hit(waits[0] - 1, 1).admitted);
    assert!(subject.hit(waits[0], 1).admitted);
}

/// Units in a window of another period count until that window ends, and the wait says so.
#[test]
fn counts_units_of_another_period_until_their_window_ends() {
    for (before, after, due) in [("5/10s", "5/3s", 10_000_000), ("5/3s", "5/10s", 3_000_000)] {
        let mut subject = Pure::new(FixedWindow::new(), before.parse().unwrap());
        assert!(subject.hit(1_000_000, 5).admitted);
        subject.rate = after.parse().unwrap();
        assert_eq!(
            subject.hit(2_000_000, 1).wait,
            Some(due - 2_000_000),
            "{before} to {after}"
        );
        assert!(!subject.hit(due - 1, 1).admitted && subject.hit(due, 5).admitted);
    }
}

/// A level continues in whole units, rounded up, at the new rate from its last tick; above a lower
/// capacity it drains.
#[test]
fn continues_a_bucket_at_another_rate() {
    let mut subject = Pure::new(TokenBucket::new(), "10/s".parse().unwrap());
    assert!(subject.hit(0, 10).admitted && subject.hit(250_000, 2).admitted);
    // 9½ units at 0.25 s become 10, of which 4 a second leak from there.
    subject.rate = "4/s".parse().unwrap();
    let verdict = subject.hit(250_000, 1);
    assert_eq!((verdict.remaining, verdict.wait), (0, Some(1_750_000)));
    assert_eq!(subject.hit(1_250_000, 4).wait, Some(1_500_000));
    assert!(!subject.hit(1_999_999, 1).admitted && subject.hit(2_000_000, 1).admitted);
    // A higher capacity adds room only.
    subject.strategy = TokenBucket::new().burst(6);
    assert_eq!(subject.hit(2_000_000, 0).remaining, 2);
}

traffik::throttles! {
    throttle Varying(rate = allowance, strategy = token_bucket(burst = 10), identifier = everyone);
}

/// Returns the rate of a request.
fn allowance(parts: &Parts) -> Rate {
    *parts.extensions.get().expect("a request of this test")
}

/// Units charged at one rate of a function count at the next.
#[test]
fn of_a_throttle_whose_rate_is_a_function() {
    let clock = ManualClock::new();
    let backend = Backend::memory().clock(clock.clone());
    let at = |rate: &str| {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.extensions.insert(backend.clone());
        parts
            .extensions
            .insert(rate.parse::<Rate>().expect("a rate"));
        parts
    };
    let hit = |rate: &str, cost| poll_once(Varying::hit_cost(&at(rate), cost)).expect("it decides");
    assert!(hit("10/s", 10).admitted);
    clock.advance(Duration::from_millis(100));
    assert_eq!(
        (hit("5/s", 1).wait, hit("10/s", 0).remaining),
        (wait(100_000), 1)
    );
    clock.advance(Duration::from_millis(100));
    assert!(hit("5/s", 1).admitted && !hit("1000/h", 1).admitted);
    clock.advance(Duration::from_micros(300));
    assert_eq!(
        (hit("1000/h", 0).remaining, hit("10/ms", 0).remaining),
        (0, 3)
    );
}
