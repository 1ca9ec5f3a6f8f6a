//! Warnings of `check` are true: a rate that it reports as unreachable refuses nothing.

use std::time::Duration;

use proptest::prelude::*;

use crate::rate::Rate;
use crate::strategy::catalog::entries::{ENTRIES, Takes};
use crate::strategy::catalog::spec::Spec;
use crate::strategy::catalog::unreachable::never_refuses;
use crate::strategy::catalog::{Argument, Literal, resolve};
use crate::strategy::kernel::state::State;

/// Every strategy, with parameters that matter.
fn strategies() -> Vec<Spec> {
    let number = |name, text| Argument {
        name,
        value: Literal::Number(text),
    };
    let hours = [
        ("06:00-12:00", Literal::Number("0.5")),
        ("12:00-18:00", Literal::Number("2")),
    ];
    let windows = Argument {
        name: "windows",
        value: Literal::Pairs(&hours),
    };
    let default = Argument {
        name: "default",
        value: Literal::Word("free"),
    };
    let tolerance = Argument {
        name: "burst_tolerance",
        value: Literal::Text("3s"),
    };
    [
        resolve("fixed_window", &[]),
        resolve("sliding_log", &[]),
        resolve("sliding_counter", &[]),
        resolve("token_bucket", &[]),
        resolve("token_bucket", &[number("burst", "5")]),
        resolve("token_bucket", &[number("debt", "3")]),
        resolve("leaky_bucket", &[number("capacity", "3")]),
        resolve("leaky_bucket_with_queue", &[]),
        resolve("gcra", &[tolerance]),
        resolve(
            "tiered",
            &[number("free", "0.5"), number("paid", "2.5"), default],
        ),
        resolve("adaptive", &[number("recovery", "0.2")]),
        resolve("priority", &[number("low", "0.3")]),
        resolve(
            "quota_with_rollover",
            &[number("percent", "80"), number("max", "4")],
        ),
        resolve("time_of_day", &[windows]),
        resolve("cost_based_token_bucket", &[]),
    ]
    .map(|spec| spec.expect("these are parameters"))
    .into()
}

/// A rate and one beside it: small limits of which one is about a multiple of the other, near the
/// bound of the warning, and periods of which some divide each other and some do not.
fn rates() -> impl Strategy<Value = (Rate, Rate)> {
    let period = || prop_oneof![5 => prop::sample::select(vec![1, 2, 3, 4, 6, 8, 12, 24, 48]), 1 => 1..30_u64];
    (2..8_u64, 1..8_u64, 0..3_u64, period(), period()).prop_map(
        |(limit, times, less, period, beside)| {
            let rate = |limit, hours| Rate::new(limit, Duration::from_secs(hours * 3_600));
            (
                rate(limit * times - less.min(limit - 1), period),
                rate(limit, beside),
            )
        },
    )
}

/// Hits, each after a part of a period, of this cost, by a client of this kind; many come as early
/// as possible.
fn hits() -> impl Strategy<Value = Vec<(Gap, u64, usize)>> {
    let gap = prop_oneof![
        4 => Just(Gap::Wait),
        2 => Just(Gap::None),
        1 => (0..=4_u64).prop_map(Gap::Quarters),
        1 => (0..400_000_000_000_u64).prop_map(Gap::Micros),
    ];
    prop::collection::vec(
        (
            gap,
            prop_oneof![3 => Just(1_u64), 1 => 1..12_u64],
            0..4_usize,
        ),
        1..120,
    )
}

#[derive(Clone, Copy, Debug)]
enum Gap {
    None,
    /// Until the rate beside admits the hit.
    Wait,
    /// To this quarter of the next period of the rate beside.
    Quarters(u64),
    Micros(u64),
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn a_rate_that_is_never_reached_refuses_nothing((rate, beside) in rates(), hits in hits()) {
        for spec in strategies() {
            if never_refuses(&spec, rate, beside) {
                refuses_nothing(&spec, rate, beside, &hits)?;
            }
        }
    }
}

fn refuses_nothing(
    spec: &Spec,
    rate: Rate,
    beside: Rate,
    hits: &[(Gap, u64, usize)],
) -> Result<(), TestCaseError> {
    let clients = spec.clients();
    let (mut state, mut state_beside) = (State::default(), State::default());
    let mut now = 1_000 * 86_400_000_000;
    for (gap, cost, client) in hits {
        let who = &clients[client % clients.len()];
        let law = spec.law_of(rate, who);
        let Ok(law_beside) = spec.law_of(beside, who) else {
            return Ok(());
        };
        let law = law.expect("a rate that is compared has a law");
        now += match gap {
            Gap::None => 0,
            Gap::Wait => {
                let wait = law_beside.report(&state_beside, now, *cost).wait;
                wait.map_or(0, |wait| wait.as_micros() as u64)
            }
            Gap::Quarters(quarters) => {
                let period = beside.period_micros();
                period - now % period + period * quarters / 4
            }
            Gap::Micros(micros) => *micros,
        };
        let after = law_beside.decide(&state_beside, now, *cost);
        if let Some(after) = after {
            let own = law.decide(&state, now, *cost);
            prop_assert!(
                own.is_some(),
                "{rate} beside {beside} refused {cost} at {now}: {spec:?}"
            );
            (state, state_beside) = (own.unwrap_or_default(), after);
        }
    }
    Ok(())
}

/// The warning is given where it should be, so that the property above is not empty.
#[test]
fn each_law_has_rates_that_are_never_reached() {
    let rate = |text: &str| -> Rate { text.parse().expect("a rate") };
    for spec in strategies() {
        let compared = !matches!(spec, Spec::CostBasedTokenBucket(_));
        assert_eq!(
            never_refuses(&spec, rate("100000/min"), rate("10/s")),
            compared,
            "{spec:?}"
        );
        assert!(
            !never_refuses(&spec, rate("10/s"), rate("601/min")),
            "{spec:?}"
        );
    }
}

#[test]
fn the_bound_is_exact_where_windows_align() {
    let rate = |text: &str| -> Rate { text.parse().expect("a rate") };
    for name in ["fixed_window", "sliding_log", "sliding_counter"] {
        let spec = resolve(name, &[]).expect("it takes no parameters");
        assert!(
            never_refuses(&spec, rate("600/min"), rate("10/s")),
            "{name}"
        );
        assert!(
            !never_refuses(&spec, rate("599/min"), rate("10/s")),
            "{name}"
        );
    }
    let spec = resolve("fixed_window", &[]).expect("it takes no parameters");
    // Seven days overlap up to three windows of four.
    assert!(never_refuses(&spec, rate("30/7d"), rate("10/4d")));
    assert!(!never_refuses(&spec, rate("29/7d"), rate("10/4d")));
}

#[test]
fn the_defaults_are_those_of_the_catalog() {
    for entry in ENTRIES.iter().filter(|entry| entry.open.is_none()) {
        let written = entry.params.iter().filter_map(|param| {
            let value = match param.takes {
                Takes::Duration | Takes::Offset => Literal::Text(param.default),
                _ if param
                    .default
                    .starts_with(|first: char| first.is_ascii_digit()) =>
                {
                    Literal::Number(param.default)
                }
                _ => return None,
            };
            Some(Argument {
                name: param.name,
                value,
            })
        });
        let written: Vec<_> = written.collect();
        let spec = |arguments: &[Argument<'_>]| {
            let spec = resolve(entry.name, arguments).expect("defaults are right");
            format!("{spec:?}")
        };
        assert_eq!(spec(&written), spec(&[]), "{}", entry.name);
    }
}
