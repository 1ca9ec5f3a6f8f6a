//! Random rates, parameters and traces for property tests.

use std::time::Duration;

use proptest::prelude::{Just, Strategy, any};
use proptest::test_runner::{Config, RngSeed};
use proptest::{collection, prop_oneof};
use traffik::{Priority, Rate};

use super::oracle::{Adaptive, Int, Law, Rule, TIERS, Terms, Verdict};

/// One hit of a trace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) gap: Gap,
    pub(crate) cost: Cost,
}

/// The movement of the clock before a hit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Gap {
    None,
    Micros(u64),
    /// 64ths of a period.
    Parts(u64),
    Periods(u64),
    /// To the moment of the last report, plus microseconds.
    Wait(Int),
    Next(Int),
    Reset(Int),
    /// Back by 16ths of a period.
    Back(u64),
}

/// The cost of a hit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cost {
    Exactly(u64),
    /// 16ths of what a fresh state admits.
    Parts(u64),
    /// The reported remainder, plus a difference.
    Remaining(u64),
    Limit,
    OverLimit,
    /// The cost of the last hit.
    Again,
}

impl Gap {
    /// Returns the time after the gap, from the verdict before it, or `None` if it is beyond all
    /// clocks.
    pub(crate) fn after(self, now: Int, terms: &Terms, previous: &Verdict) -> Option<Int> {
        const END: Int = 18_000_000_000_000_000;
        let to = match self {
            Self::None => now,
            Self::Micros(micros) => now + Int::from(micros),
            Self::Parts(parts) => now + terms.period * Int::from(parts) / 64,
            Self::Periods(periods) => now + terms.period * Int::from(periods),
            Self::Wait(off) => now.max(now + previous.wait.unwrap_or(0) + off),
            Self::Next(off) => now.max(now + previous.next.unwrap_or(0) + off),
            Self::Reset(off) => now.max(now + previous.reset + off),
            Self::Back(parts) => (now - terms.period * Int::from(parts) / 16).max(0),
        };
        (to < END).then_some(to)
    }
}

impl Cost {
    pub(crate) fn units(self, previous: &Verdict, last: u64) -> u64 {
        let units = |units: Int| u64::try_from(units).unwrap_or(u64::MAX);
        match self {
            Self::Exactly(cost) => cost,
            Self::Parts(parts) => units(previous.limit * Int::from(parts) / 16),
            Self::Remaining(more) => units(previous.remaining + Int::from(more)),
            Self::Limit => units(previous.limit),
            Self::OverLimit => units(previous.limit + 1),
            Self::Again => last,
        }
    }
}

/// Generates traces on a clock that does not step back.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    collection::vec(step(onwards()), 1..40)
}

/// Generates traces on a clock that steps back.
pub(crate) fn steps_back_and_forth() -> impl Strategy<Value = Vec<Step>> {
    let back = (1_u64..=40).prop_map(Gap::Back);
    let gap = prop_oneof![2 => onwards(), 1 => back, 1 => Just(Gap::Micros(1))];
    collection::vec(step(gap), 1..40)
}

fn step(gap: impl Strategy<Value = Gap>) -> impl Strategy<Value = Step> {
    let cost = prop_oneof![
        1 => Just(Cost::Exactly(0)),
        6 => Just(Cost::Exactly(1)),
        3 => (1_u64..6).prop_map(Cost::Exactly),
        4 => (1_u64..16).prop_map(Cost::Parts),
        3 => (0_u64..=1).prop_map(Cost::Remaining),
        2 => Just(Cost::Limit),
        1 => Just(Cost::OverLimit),
        1 => Just(Cost::Exactly(u64::MAX)),
        6 => Just(Cost::Again),
    ];
    (gap, cost).prop_map(|(gap, cost)| Step { gap, cost })
}

fn onwards() -> impl Strategy<Value = Gap> {
    prop_oneof![
        6 => Just(Gap::None),
        2 => Just(Gap::Micros(1)),
        1 => (1_u64..2_000).prop_map(Gap::Micros),
        6 => (1_u64..=64).prop_map(Gap::Parts),
        2 => (1_u64..=3).prop_map(Gap::Periods),
        6 => (-1_i128..=0).prop_map(Gap::Wait),
        2 => (-1_i128..=0).prop_map(Gap::Next),
        1 => (-1_i128..=0).prop_map(Gap::Reset),
    ]
}

/// Generates rates of every kind; the largest limits have no tick with the longest periods.
pub(crate) fn rates() -> impl Strategy<Value = Rate> {
    let (second, day) = (1_000_000_u64, 86_400_000_000_u64);
    prop_oneof![
        // `W/L` whole and not, in seconds.
        4 => (1_u64..=20, (1_u64..=12).prop_map(move |seconds| seconds * second)),
        // Below a millisecond.
        3 => (1_u64..=40, 1_u64..1_000),
        // More than a unit a tick.
        3 => (1_000_u64..=10_000, 1_u64..=1_000),
        // One at a time.
        1 => (Just(1_u64), 1_u64..=60 * second),
        // Over a month.
        2 => (1_u64..=1_000, (31_u64..=3_650).prop_map(move |days| days * day)),
        // Ticks above a microsecond.
        3 => (1_u64..1 << 32, (1_u64..=86_400).prop_map(move |seconds| seconds * second)),
        2 => (1_u64..1 << 32, (1_u64..=3_650).prop_map(move |days| days * day)),
        // More than 32 bits hold, up to the largest there is.
        2 => (large_limits(), (1_u64..=86_400).prop_map(move |seconds| seconds * second)),
        1 => (large_limits(), 1_u64..=1_000),
        // Anything.
        2 => (1_u64..=100_000, 1_u64..=3_600 * second),
    ]
    .prop_map(|(limit, period)| Rate::new(limit, Duration::from_micros(period)))
}

/// Limits beyond 32 bits, as many of each length.
fn large_limits() -> impl Strategy<Value = u64> {
    let of_bits = (33_u32..=53).prop_flat_map(|bits| 1_u64 << (bits - 1)..=1 << bits);
    prop_oneof![6 => of_bits, 1 => Just(1 << 53)]
}

/// Generates the laws of a strategy with parameters that suit a rate: near its limit or period, or
/// random.
pub(crate) fn token_buckets(rate: Rate) -> impl Strategy<Value = Law> {
    let limit = rate.limit();
    let burst = prop_oneof![
        2 => Just(None),
        3 => (1..=limit.saturating_mul(3)).prop_map(Some),
        1 => (1_u64..=50).prop_map(Some),
        1 => (1_u64..=1 << 33).prop_map(Some),
    ];
    let debt = prop_oneof![Just(0), 1..=limit, 1_u64..=1 << 33];
    (burst, debt).prop_map(|(burst, debt)| Law::TokenBucket { burst, debt })
}

/// See [`token_buckets`].
pub(crate) fn gcras(rate: Rate) -> impl Strategy<Value = Law> {
    let period = rate.period_micros();
    let tolerance = prop_oneof![
        1 => Just(0),
        1 => Just(1),
        4 => (0_u64..=64).prop_map(move |parts| period * parts / 16),
        1 => 0..=period,
    ];
    // Ten years is the longest tolerance that can be written.
    tolerance.prop_map(|tolerance| Law::Gcra {
        tolerance: tolerance.min(3_650 * 86_400_000_000),
    })
}

/// Generates a capacity that suits a rate.
fn capacities(rate: Rate) -> impl Strategy<Value = Option<u64>> {
    let limit = rate.limit();
    prop_oneof![
        2 => Just(None),
        3 => (1..=limit.saturating_mul(3)).prop_map(Some),
        1 => (1_u64..=50).prop_map(Some),
    ]
}

/// See [`token_buckets`].
pub(crate) fn leaky_buckets(rate: Rate) -> impl Strategy<Value = Law> {
    capacities(rate).prop_map(|capacity| Law::LeakyBucket { capacity })
}

/// See [`token_buckets`].
pub(crate) fn queues(rate: Rate) -> impl Strategy<Value = Law> {
    capacities(rate).prop_map(|size| Law::LeakyBucketWithQueue { size })
}

/// See [`token_buckets`].
pub(crate) fn cost_based(rate: Rate) -> impl Strategy<Value = Law> {
    let window = prop_oneof![Just(100), 1_u32..6];
    let min_refill = prop_oneof![Just(500), 1_u64..=1_000];
    let parameters = (capacities(rate), window, min_refill);
    parameters.prop_map(|(burst, window, min_refill)| Law::CostBasedTokenBucket {
        burst,
        window,
        min_refill,
    })
}

/// Generates a share or multiplier up to this many times the whole, in millionths.
fn millionths(max: u64) -> impl Strategy<Value = u64> {
    prop_oneof![
        1..=max * 1_000_000,
        (1..=max * 20).prop_map(|twentieths| twentieths * 50_000),
    ]
}

/// Generates priorities and clients.
pub(crate) fn priorities(_: Rate) -> impl Strategy<Value = Law> {
    let shares = collection::vec(prop_oneof![4 => millionths(1), 1 => Just(0)], 3);
    let who = prop_oneof![
        Just(Priority::Low),
        Just(Priority::Normal),
        Just(Priority::High),
        Just(Priority::Critical),
    ];
    (shares, any::<bool>(), who).prop_map(|(mut shares, usual, who)| {
        shares.sort_unstable();
        let shares = [shares[0], shares[1], shares[2], 1_000_000];
        let usual_shares = [500_000, 800_000, 950_000, 1_000_000];
        let shares = if usual { usual_shares } else { shares };
        Law::Priority { shares, who }
    })
}

/// Generates tiers and clients.
pub(crate) fn tiers(rate: Rate) -> impl Strategy<Value = Law> {
    let least = 1_000_000_u64.div_ceil(rate.limit());
    let multiplier = || millionths(7).prop_map(move |share| share.max(least));
    let who = prop_oneof![
        Just(None),
        Just(Some("Free")),
        Just(Some("")),
        Just(Some(TIERS[0])),
        Just(Some(TIERS[1])),
        Just(Some(TIERS[2])),
    ];
    let multipliers = (multiplier(), multiplier(), multiplier());
    (multipliers, who).prop_map(|((free, premium, vip), who)| Law::Tiered {
        multipliers: [free, premium, vip],
        who,
    })
}

/// Generates parts of the day in any order, overlapping or not; a covered part is refused.
pub(crate) fn hours(_: Rate) -> impl Strategy<Value = Law> {
    let minute = prop_oneof![2 => 0_u16..1_440, 2 => (0_u16..24).prop_map(|hour| hour * 60)];
    let factor = prop_oneof![2 => Just(0), 4 => millionths(4), 1 => Just(1_000_000)];
    let rule = (minute.clone(), minute, 0_u8..4, factor).prop_map(|(start, end, kind, factor)| {
        let end = match kind {
            0 => 1_440,
            _ if start == end => start + 1,
            1 => (start + 1).min(1_440),
            _ => end,
        };
        Rule { start, end, factor }
    });
    let offset = prop_oneof![Just(0), Just(330), Just(-720), Just(840), -720_i16..=840];
    (collection::vec(rule, 0..=3), offset).prop_map(|(default, offset)| {
        let mut rules = [None; 3];
        for (place, rule) in rules.iter_mut().zip(default) {
            *place = Some(rule);
        }
        Law::TimeOfDay { rules, offset }
    })
}

/// Generates rates whose windows the oracle can search: of minutes and hours rather than odd
/// microseconds.
pub(crate) fn rates_of_hours() -> impl Strategy<Value = Rate> {
    let day = 24 * 60_u64;
    let minutes = prop_oneof![
        4 => 1_u64..=90,
        2 => (1_u64..=48).prop_map(|halves| halves * 30),
        1 => 90..=3 * day,
        1 => (1_u64..=3_650).prop_map(move |days| days * day),
    ];
    let limit = prop_oneof![4 => 1_u64..=20, 1 => 1_u64..1 << 32];
    let of_minutes = (limit, minutes)
        .prop_map(|(limit, minutes)| Rate::new(limit, Duration::from_secs(minutes * 60)));
    let short = rates().prop_map(|rate| {
        let period = rate.period_micros().min(60_000_000);
        Rate::new(rate.limit(), Duration::from_micros(period))
    });
    prop_oneof![of_minutes, short]
}

/// Generates percentages and maxima that suit a rate.
pub(crate) fn rollovers(rate: Rate) -> impl Strategy<Value = Law> {
    let percent = prop_oneof![
        Just(50_000_000),
        Just(100_000_000),
        Just(0),
        0_u64..=100_000_000
    ];
    let max = prop_oneof![Just(500), 0..=rate.limit(), Just(u64::MAX)];
    (percent, max).prop_map(|(percent, max)| Law::QuotaWithRollover { percent, max })
}

/// Generates adaptive laws, with and without a signal.
pub(crate) fn adaptives(_: Rate) -> impl Strategy<Value = Law> {
    let reduction = millionths(1).prop_map(|share| share.min(999_999));
    let load = prop_oneof![
        2 => Just(None),
        1 => millionths(2).prop_map(Some),
        1 => Just(Some(0)),
    ];
    let shares = (millionths(1), reduction, millionths(1), millionths(1));
    (shares, load).prop_map(|((threshold, reduction, recovery, min), load)| {
        Law::Adaptive(Adaptive {
            threshold,
            reduction,
            recovery,
            min,
            load,
        })
    })
}

/// Generates a law of any kind whose limit does not shrink by itself.
pub(crate) fn laws(rate: Rate) -> impl Strategy<Value = Law> {
    prop_oneof![
        Just(Law::FixedWindow),
        Just(Law::SlidingCounter),
        Just(Law::SlidingLog),
        token_buckets(rate),
        gcras(rate),
        leaky_buckets(rate),
        queues(rate),
        priorities(rate),
        tiers(rate),
        rollovers(rate),
        adaptives(rate),
        cost_based(rate),
    ]
}

/// Generates a law of any kind at any rate.
pub(crate) fn terms() -> impl Strategy<Value = (Rate, Law)> {
    rates().prop_flat_map(|rate| (Just(rate), laws(rate)))
}

/// Generates the start of a trace: somewhere in a window, just after 1970 or in 2001.
pub(crate) fn starts() -> impl Strategy<Value = Int> {
    let epoch = prop_oneof![1 => Just(0), 4 => Just(1_000_000_000_000_000_i128)];
    (epoch, any::<u32>()).prop_map(|(epoch, since)| epoch + Int::from(since))
}

/// Configures equal cases on every run, unless `PROPTEST_RNG_SEED` or `PROPTEST_CASES` demand
/// others.
pub(crate) fn cases(cases: u32) -> Config {
    let default = Config::default();
    Config {
        cases: if std::env::var_os("PROPTEST_CASES").is_some() {
            default.cases
        } else {
            cases
        },
        rng_seed: match default.rng_seed {
            RngSeed::Random => RngSeed::Fixed(20_010_909),
            seed @ RngSeed::Fixed(_) => seed,
        },
        failure_persistence: None,
        ..default
    }
}
