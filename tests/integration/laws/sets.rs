//! Sets of throttles under several strategies: all admit and count, or none does, and they report
//! as one (L28).

use http::request::Parts;
use proptest::prelude::{prop_assert_eq, proptest};
use traffik::{Backend, Decision, ManualClock, Priority, Throttle};
use traffik_tests::poll_once;

use super::client::{micros, wait};
use super::oracle::{Adaptive, Int, Law, Several, Terms};
use super::subject::verdict_of;
use super::trace::{cases, starts, steps};

traffik::throttles! {
    throttle Windows(rate = "5/7s", identifier = everyone);
    throttle Counter(rate = "6/9s", strategy = sliding_counter, identifier = everyone);
    throttle Log(rate = "4/5s", strategy = sliding_log, identifier = everyone);
    throttle Bucket(rate = "3/4s", strategy = token_bucket(burst = 6, debt = 2), identifier = everyone);
    throttle Spaced(rate = "2/3s", strategy = gcra(burst_tolerance = "4s"), identifier = everyone);
    throttle Leaky(rate = "2/3s", strategy = leaky_bucket(capacity = 5), identifier = everyone);
    throttle Queue(rate = "3/2s", strategy = leaky_bucket_with_queue(queue_size = 7), identifier = everyone);
    throttle Slow(rate = "3/7s", strategy = leaky_bucket_with_queue, identifier = everyone);
    throttle Tiers(rate = "3/4s", strategy = tiered(free = 2.0, default = free), identifier = everyone);
    throttle Carry(rate = "4/6s", strategy = quota_with_rollover(percent = 50, max = 3), identifier = everyone);
    throttle Adapting(rate = "8/5s", strategy = adaptive(threshold = 0.5), identifier = everyone);
    throttle Shared(rate = "9/8s", strategy = priority(normal = 0.7), identifier = everyone);
    throttle Costly(rate = "4/3s", strategy = cost_based_token_bucket(burst = 5), identifier = everyone);
    throttle Listed(rate = ["4/3s", "9/10s"], identifier = everyone);
}

const ADAPTING: Adaptive = Adaptive {
    threshold: 500_000,
    reduction: 600_000,
    recovery: 100_000,
    min: 300_000,
    load: None,
};

const SHARED: Law = Law::Priority {
    shares: [500_000, 700_000, 950_000, 1_000_000],
    who: Priority::Normal,
};

fn terms(rate: &str, law: Law) -> Terms {
    Terms::new(law, rate.parse().expect("a rate"))
}

fn windows() -> Terms {
    terms("5/7s", Law::FixedWindow)
}

fn counter() -> Terms {
    terms("6/9s", Law::SlidingCounter)
}

fn log() -> Terms {
    terms("4/5s", Law::SlidingLog)
}

fn bucket() -> Terms {
    let (burst, debt) = (Some(6), 2);
    terms("3/4s", Law::TokenBucket { burst, debt })
}

fn spaced() -> Terms {
    let tolerance = 4_000_000;
    terms("2/3s", Law::Gcra { tolerance })
}

fn leaky() -> Terms {
    let capacity = Some(5);
    terms("2/3s", Law::LeakyBucket { capacity })
}

fn queue() -> Terms {
    terms("3/2s", Law::LeakyBucketWithQueue { size: Some(7) })
}

fn slow() -> Terms {
    terms("3/7s", Law::LeakyBucketWithQueue { size: None })
}

fn tiers() -> Terms {
    let (multipliers, who) = ([2_000_000; 3], None);
    terms("3/4s", Law::Tiered { multipliers, who })
}

fn carry() -> Terms {
    let (percent, max) = (50_000_000, 3);
    terms("4/6s", Law::QuotaWithRollover { percent, max })
}

fn adapting() -> Terms {
    terms("8/5s", Law::Adaptive(ADAPTING))
}

fn shared() -> Terms {
    terms("9/8s", SHARED)
}

fn costly() -> Terms {
    let (burst, window, min_refill) = (Some(5), 100, 500);
    let law = Law::CostBasedTokenBucket {
        burst,
        window,
        min_refill,
    };
    terms("4/3s", law)
}

fn listed() -> [Terms; 2] {
    ["4/3s", "9/10s"].map(|rate| terms(rate, Law::FixedWindow))
}

/// A set, and the laws of its members.
#[derive(Clone, Debug)]
struct Set {
    hit: fn(&Parts, u64) -> Decision,
    check: fn(&Parts, u64) -> bool,
    members: Vec<Terms>,
}

fn set<T: Throttle>(members: &[Terms]) -> Set {
    Set {
        hit: |parts, cost| poll_once(T::hit_cost(parts, cost)).expect("memory always answers"),
        check: |parts, cost| poll_once(T::check(parts, cost)).expect("memory always answers"),
        members: members.to_vec(),
    }
}

/// Every strategy beside others, of its own kind and of another.
fn sets() -> Vec<Set> {
    type All = (
        (Windows, Counter, Log, Bucket, Spaced, Leaky, Queue),
        (Tiers, Carry, Adapting, Shared, Costly),
    );
    let all = [
        windows(),
        counter(),
        log(),
        bucket(),
        spaced(),
        leaky(),
        queue(),
        tiers(),
        carry(),
        adapting(),
        shared(),
        costly(),
    ];
    let [short, long] = listed();
    vec![
        set::<(Windows, Counter)>(&[windows(), counter()]),
        set::<(Bucket, Windows, Log)>(&[bucket(), windows(), log()]),
        set::<(Queue, Slow)>(&[queue(), slow()]),
        set::<(Leaky, Spaced)>(&[leaky(), spaced()]),
        set::<(Spaced, Counter, Queue)>(&[spaced(), counter(), queue()]),
        set::<(Carry, Tiers)>(&[carry(), tiers()]),
        set::<(Adapting, Bucket)>(&[adapting(), bucket()]),
        set::<(Shared, Log)>(&[shared(), log()]),
        set::<(Costly, Adapting)>(&[costly(), adapting()]),
        set::<(Costly, Shared, Carry)>(&[costly(), shared(), carry()]),
        set::<(Listed, Bucket)>(&[short, long, bucket()]),
        set::<(Slow, Listed)>(&[slow(), short, long]),
        set::<All>(&all),
    ]
}

fn request(backend: Backend) -> Parts {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.extensions.insert(backend);
    parts
}

fn clock_at(clock: &ManualClock, at: Int) {
    clock.set(micros(u64::try_from(at).expect("clocks show u64")));
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn agrees_with_the_oracle(
        set in proptest::sample::select(sets()),
        start in starts(),
        steps in steps(),
    ) {
        let clock = ManualClock::new();
        let parts = request(Backend::memory().clock(clock.clone()));
        let mut oracle = Several::new(set.members.iter().copied());
        let (mut now, mut last) = (start, 1);
        let mut verdict = oracle.verdict(now, 1);
        for (step, terms) in steps.into_iter().zip(set.members.iter().cycle()) {
            let Some(then) = step.gap.after(now, terms, &verdict) else { break };
            now = then;
            last = step.cost.units(&verdict, last);
            clock_at(&clock, now);
            prop_assert_eq!((set.check)(&parts, last), oracle.admits(now, last.into()));
            verdict = oracle.hit(now, last.into());
            let actual = verdict_of(&(set.hit)(&parts, last));
            prop_assert_eq!(actual, verdict, "a hit of {} at {} of {:?}", last, now, set.members);
        }
    }
}

/// A set delays a hit by the longest delay of its members, here that of the second queue.
#[test]
fn applies_the_longest_delay() {
    let clock = ManualClock::new();
    let parts = request(Backend::memory().clock(clock));
    let hit = || poll_once(<(Queue, Slow, Windows)>::hit_cost(&parts, 1)).expect("it decides");
    let delays = [0; 3].map(|_| hit().delay);
    assert_eq!(delays, [0, 2_333_334, 4_666_667].map(micros));
    let refused = hit();
    assert_eq!((refused.wait, refused.delay), (wait(2_333_334), micros(0)));
}

/// A permanent refusal by one member charges no other, and is reported as permanent.
#[test]
fn reports_a_permanent_refusal_without_charging() {
    let parts = request(Backend::memory().clock(ManualClock::new()));
    for set in sets() {
        let fresh = (set.hit)(&parts, 0);
        for cost in [1_000, 1 << 53, u64::MAX] {
            let refused = (set.hit)(&parts, cost);
            assert!(!refused.admitted && refused.never(), "{cost}");
        }
        assert_eq!((set.hit)(&parts, 0), fresh);
    }
}
