//! Several rates of one throttle: admitted by all, counted by all or by none, and told as one (L28, L29).

use proptest::collection::vec;
use proptest::prelude::{Strategy, prop_assert_eq, proptest};
use traffik::Rate;
use traffik::strategy::{FixedWindow, SlidingCounter, TokenBucket};

use super::client::{Client, micros, wait};
use super::oracle::{Law, Several, Terms};
use super::subject::{Dynamic, Standing, Subject, now};
use super::trace::{cases, laws, rates, starts, steps, terms};

/// Two to four rates, and a law that suits one of them.
fn lists() -> impl Strategy<Value = (Vec<Rate>, Law)> {
    let others = (rates(), 1_u32..=40, 1_u64..=24).prop_map(|(any, limit, seconds)| {
        // Rates that bind in turn are those of about the same size.
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
    fn agree_with_the_oracle((rates, law) in lists(), start in starts(), steps in steps()) {
        let terms: Vec<_> = rates.iter().map(|rate| Terms::new(law, *rate)).collect();
        let Ok(mut subject) = Dynamic::new(law, &rates) else {
            assert!(!terms.iter().all(Terms::exist), "refused for nothing");
            return Ok(());
        };
        let mut oracle = Several::new(terms.iter().copied());
        let (mut now, mut last) = (start, 1);
        let mut told = oracle.verdict(now, 1);
        for (step, terms) in steps.into_iter().zip(terms.iter().cycle()) {
            let Some(then) = step.gap.after(now, terms, &told) else { break };
            now = then;
            last = step.cost.units(&told, last);

            let stands = oracle.verdict(now, 1);
            let (remaining, wait, reset) = (stands.remaining, stands.wait, stands.reset);
            prop_assert_eq!(subject.standing(now), Standing { remaining, wait, reset });
            told = oracle.hit(now, last.into());
            prop_assert_eq!(subject.hit(now, last), told, "a hit of {} at {}", last, now);
        }
    }
}

/// A refusal by one leaves the other as it was.
#[test]
fn one_refusal_takes_from_none() {
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

/// The one that is waited for longest speaks, "never" being longest; the first of equals.
#[test]
fn the_longest_wait_speaks() {
    let client = Client::of(TokenBucket::new(), "4/s;10/10s;4/s");
    let refused = client.hit(5);
    assert_eq!(
        (refused.limit, refused.remaining, refused.wait),
        (4, 4, None)
    );
    assert!(client.admits(4) && client.at_ms(1_000).admits(4));
    // 0 and 2 + 1 remain; of a cost of 4, the first has to wait for 4/4 s, the second for 1/1 s.
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

/// The wait of a list is exact: all its members admit then, and not a microsecond before.
#[test]
fn waits_are_exact() {
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

/// A member that is unlimited admits all and is not told of.
#[test]
fn an_unlimited_member_is_silent() {
    let client = Client::of(FixedWindow::new(), "0/0;3/s");
    assert_eq!(client.admitted_of(9), 3);
    assert_eq!(client.hit(1).limit, 3);
    assert!(client.stat().members.is_empty());
}

/// L29: a parameter holds for each rate, a default is each rate's own.
#[test]
fn parameters_hold_for_each_rate() {
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

/// Equal rates are two budgets of the same size, and a set is read at one moment.
#[test]
fn equal_rates() {
    let client = Client::of(FixedWindow::new(), "3/s;3/s");
    assert_eq!(client.admitted_of(9), 3);
    let throttle = client.throttle.clone();
    assert!(!now(throttle.check(&client.identity, 1)).unwrap());
}
