//! The ways to decide without slot locks, beside the protocol with all locks: each outcome and each
//! state is equal.

use crate::clock::reading::Reading;
use crate::inline_vec::{InlineVec1, InlineVec4};
use crate::rate::Rate;
use crate::store::key::Key;
use crate::store::memory::Memory;
use crate::store::memory::decide_slots::KeyedHit;
use crate::store::outcome::LimitReport;
use crate::store::plan::{Limit, Plan, PlanLimits};
use crate::strategy::Who;
use crate::strategy::adaptive::Adaptive;
use crate::strategy::cost_based_token_bucket::CostBasedTokenBucket;
use crate::strategy::erased::ErasedStrategy;
use crate::strategy::fixed_window::FixedWindow;
use crate::strategy::leaky_bucket_with_queue::LeakyBucketWithQueue;
use crate::strategy::quota_with_rollover::QuotaWithRollover;
use crate::strategy::sliding_counter::SlidingCounter;
use crate::strategy::sliding_log::SlidingLog;
use crate::strategy::token_bucket::TokenBucket;

/// Small pseudo-random numbers (xorshift64, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// A throttle of a set: its key, strategy and limits.
struct Member {
    key: Key,
    strategy: Box<dyn ErasedStrategy>,
    limits: InlineVec1<Limit>,
}

impl Member {
    fn new(number: u64, strategy: impl ErasedStrategy, rates: &[Rate]) -> Self {
        let limits = rates.iter().map(|rate| Limit {
            rate: *rate,
            law: strategy.law(*rate, &Who::default()).unwrap(),
        });
        let key = Key {
            first: number,
            second: number << 32,
        };
        Self {
            key,
            limits: limits.collect(),
            strategy: Box::new(strategy),
        }
    }

    fn plan(&self, cost: u64) -> Plan<'_> {
        Plan {
            key: self.key,
            name: String::new(),
            strategy: &*self.strategy,
            limits: PlanLimits::Same(&self.limits),
            cost,
            who: Who::default(),
            lease: 0,
        }
    }

    fn hit(&self, cost: u64) -> KeyedHit<'_> {
        KeyedHit {
            key: self.key,
            limits: &self.limits,
            cost,
        }
    }
}

/// Returns what a decision says, without what refunds need, which fast decisions do not tell.
fn description(admitted: bool, limits: &[LimitReport]) -> String {
    let limits = limits.iter();
    let limits: Vec<_> = limits
        .map(|it| (it.plan, it.rate, it.fits, it.report, it.shadow))
        .collect();
    format!("{admitted} {limits:?}")
}

/// Decides the same hits on two backends: on one by `fast` where it can, on the other with all
/// locks. Returns how many outcomes of `fast` were admissions and refusals.
fn compare(
    sets: &[&[Member]],
    steps_back: bool,
    fast: impl Fn(&Memory, &[KeyedHit<'_>], Reading<'_>, &mut InlineVec4<LimitReport>) -> Option<bool>,
) -> [usize; 2] {
    let (one, other) = (Memory::new(64, None), Memory::new(64, None));
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let (mut now, mut decided) = (1_000_000_000_000, [0, 0]);
    for _ in 0..4_000 {
        now += random.below(400_000);
        if steps_back && random.below(40) == 0 {
            // The clock is set back, at most by more than a period.
            now -= random.below(3_000_000);
        }
        let set = sets[random.below(sets.len() as u64) as usize];
        let costs: Vec<u64> = set.iter().map(|_| random.below(4)).collect();
        let members = || set.iter().zip(&costs);
        let plans: InlineVec4<_> = members().map(|(it, cost)| it.plan(*cost)).collect();
        let hits: InlineVec4<_> = members().map(|(it, cost)| it.hit(*cost)).collect();
        let mut reports = InlineVec4::new();
        let quick = match fast(&one, &hits, now.into(), &mut reports) {
            Some(admitted) => {
                decided[usize::from(!admitted)] += 1;
                description(admitted, &reports)
            }
            None => {
                let outcome = one.decide_set(&plans, now).unwrap();
                description(outcome.admitted, &outcome.limits)
            }
        };
        let locked = other.decide_set(&plans, now).unwrap();
        let locked = description(locked.admitted, &locked.limits);
        assert_eq!(quick, locked, "{now} {costs:?}");
        for set in sets.iter().take(2) {
            let plans: InlineVec4<_> = set.iter().map(|it| it.plan(0)).collect();
            let states = |memory: &Memory| {
                let states = memory.read_states(&plans, now).into_iter();
                let each = plans.iter().zip(states);
                let each = each.map(|(plan, state)| {
                    let states = plan.states_for(&state).into_iter().cloned();
                    states.collect::<Vec<_>>()
                });
                each.collect::<Vec<_>>()
            };
            assert_eq!(states(&one), states(&other), "{now} {costs:?}");
        }
    }
    decided
}

#[test]
fn sets_on_slots_are_decided_as_with_locks() {
    let (short, long) = (Rate::per_second(5), Rate::of(9).seconds(2));
    let one = [
        Member::new(1, FixedWindow::new(), &[short]),
        Member::new(2, SlidingCounter::new(), &[long]),
        Member::new(3, TokenBucket::new(), &[short]),
    ];
    let other = [
        Member::new(3, TokenBucket::new(), &[short]),
        Member::new(4, LeakyBucketWithQueue::new().queue_size(6), &[long]),
        Member::new(5, QuotaWithRollover::new(), &[short]),
        Member::new(6, Adaptive::new(), &[long]),
    ];
    // The first member of the first set, under a changed rate.
    let changed = [
        Member::new(1, FixedWindow::new(), &[long]),
        Member::new(3, TokenBucket::new(), &[long]),
    ];
    // An expired state in the spill, where a refusal under a changed rate has moved it, may come
    // back to life with a clock that steps back.
    for (sets, steps_back) in [
        (&[&one[..], &other, &one[..2]][..], true),
        (&[&one, &other, &changed, &one[..2]], false),
    ] {
        let [admitted, refused] = compare(sets, steps_back, Memory::decide_slots);
        assert!(admitted > 300 && refused > 300, "{admitted}, {refused}");
    }
}

#[test]
fn several_rates_are_decided_as_with_locks() {
    let rates = [Rate::per_second(5), Rate::of(8).seconds(2)];
    let changed = [Rate::per_second(4), Rate::of(9).seconds(3)];
    let more = [rates[0], rates[1], Rate::of(30).seconds(7)];
    let of_all = |strategy: fn(u64, &[Rate]) -> Member, number| {
        [&rates[..], &changed, &more].map(|rates| [strategy(number, rates)])
    };
    let kinds: [fn(u64, &[Rate]) -> Member; 5] = [
        |number, rates| Member::new(number, FixedWindow::new(), rates),
        |number, rates| Member::new(number, TokenBucket::new(), rates),
        |number, rates| Member::new(number, LeakyBucketWithQueue::new().queue_size(4), rates),
        |number, rates| Member::new(number, SlidingLog::new(), rates),
        |number, rates| Member::new(number, CostBasedTokenBucket::new(), rates),
    ];
    for (number, kind) in (1..).zip(kinds) {
        let [own, changed, more] = of_all(kind, number);
        // Mostly the same rates, so that a hit mostly finds a list that they have written.
        let sets: [&[Member]; 6] = [&own, &own, &own, &own, &changed, &more];
        let fast = |memory: &Memory,
                    hits: &[KeyedHit<'_>],
                    at: Reading<'_>,
                    reports: &mut InlineVec4<LimitReport>| {
            memory.decide_list(&hits[0], at, reports)
        };
        let [admitted, refused] = compare(&sets, true, fast);
        assert!(
            admitted > 100 && refused > 100,
            "{number}: {admitted}, {refused}"
        );
    }
}
