//! Decisions under logs in lists, sets and quotas, which Redis reports from part of a log: on
//! random histories they equal those of stores that read the whole log, also under changing rates.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::request::Parts;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use tokio::runtime::{Builder, Runtime};
use traffik::{Backend, Identity, ManualClock, Priority, Quota, Rate};
use traffik_tests::{ExpiringStore, RedisServer};

use super::connect;
use crate::laws::oracle::{Law, Terms, Verdict};
use crate::laws::subject::{Dynamic, Subject, verdict_of};
use crate::laws::trace::{cases, cost_based, priorities, starts, steps, steps_back_and_forth};

/// Rates that bind in turn.
fn rates() -> impl Strategy<Value = Rate> {
    (1_u64..=30, 1_u64..=24)
        .prop_map(|(limit, halves)| Rate::new(limit, Duration::from_millis(500 * halves)))
}

fn laws() -> impl Strategy<Value = Law> {
    let rate = Rate::new(20, Duration::from_secs(5));
    prop_oneof![
        4 => Just(Law::SlidingLog),
        2 => priorities(rate),
        1 => cost_based(rate),
    ]
}

/// Returns a server, a backend on it, and a runtime to wait for its replies.
fn remote() -> (RedisServer, Backend, Arc<Runtime>) {
    let server = RedisServer::start();
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let backend = runtime.block_on(connect(&server));
    (server, backend, Arc::new(runtime))
}

const NOTHING: Verdict = Verdict {
    admitted: true,
    limit: 0,
    remaining: 0,
    wait: None,
    next: None,
    reset: 0,
    delay: 0,
};

/// Lists and single rates on a clock that also steps back, compared with a custom store.
#[test]
fn agrees_on_lists_whose_rates_change() {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let (_server, backend, runtime) = remote();
    let custom = Backend::custom(ExpiringStore::default());
    proptest!(cases(200), |(
        (all, law) in (vec(rates(), 2..4), laws()),
        steps_by_rate in vec((0_usize..4, 0_usize..4), 40),
        start in starts(),
        steps in steps_back_and_forth(),
    )| {
        if !all.iter().all(|rate| Terms::new(law, *rate).exist()) {
            return Ok(());
        }
        let uid = format!("at random {}", NEXT.fetch_add(1, Ordering::Relaxed));
        let (own, other) = (format!("{uid} here"), format!("{uid} there"));
        let mut here = Dynamic::on(&custom, Some(runtime.clone()), &own, law, &all)?;
        let mut there = Dynamic::on(&backend, Some(runtime.clone()), &other, law, &all)?;
        let (mut now, mut last, mut verdict_before) = (start, 1, NOTHING);
        // A rate can be changed after the first hit.
        prop_assert_eq!(there.hit(now, 0), here.hit(now, 0));
        for (step, (from, to)) in steps.into_iter().zip(steps_by_rate) {
            if from > to {
                let mut rates: Vec<Rate> = all.iter().copied().skip(from).chain(all.clone()).collect();
                rates.truncate(to.clamp(1, all.len()));
                here.set_rates(&rates);
                there.set_rates(&rates);
            }
            let terms = Terms::new(law, all[from % all.len()]);
            let Some(then) = step.gap.after(now, &terms, &verdict_before) else { break };
            (now, last) = (then, step.cost.units(&verdict_before, last));
            verdict_before = here.hit(now, last);
            prop_assert_eq!(there.hit(now, last), verdict_before, "a hit of {} at {}", last, now);
        }
    });
}

traffik::throttles! {
    defaults(identifier = caller);

    throttle Log(rate = first, strategy = sliding_log);
    throttle Other(rate = second, strategy = sliding_log);
    throttle Window(rate = second);
    throttle Hours(rate = first, strategy = time_of_day(windows = ["00:00-12:00" = 2.0]));
    throttle Shared(rate = first, strategy = priority(normal = 0.7));
    throttle Costly(rate = second, strategy = cost_based_token_bucket(window = 3));
    throttle Listed(rate = ["7/2s", "20/5s"], strategy = sliding_log);
}

fn caller(parts: &Parts) -> Identity {
    let client = parts.extensions.get::<Identity>();
    client.expect("a request of this test").clone()
}

fn first(parts: &Parts) -> Rate {
    parts
        .extensions
        .get::<[Rate; 2]>()
        .expect("a request of this test")[0]
}

fn second(parts: &Parts) -> Rate {
    parts
        .extensions
        .get::<[Rate; 2]>()
        .expect("a request of this test")[1]
}

type Add = for<'a> fn(Quota<'a>, u64) -> Quota<'a>;

/// Hits on throttles, one after the other.
macro_rules! quota {
    ($($throttle:ident)+) => {
        &[$(|quota, cost| quota.add::<$throttle>(cost)),+]
    };
}

/// Sets with logs, the last of which have two hits or more on one key.
const SETS: [&[Add]; 14] = [
    quota!(Log),
    quota!(Log Window),
    quota!(Window Log),
    quota!(Log Other),
    quota!(Log Shared Costly),
    quota!(Listed Log),
    quota!(Window Listed),
    quota!(Other Hours),
    quota!(Listed),
    quota!(Log Log),
    quota!(Log Window Log),
    quota!(Shared Other Shared),
    quota!(Listed Listed Listed),
    quota!(Costly Costly),
];

/// A hit on each member of a set.
#[derive(Clone, Debug)]
struct Hit {
    set: usize,
    costs: [u64; 3],
    rates: [Rate; 2],
    priority: Priority,
}

fn hits() -> impl Strategy<Value = Vec<Hit>> {
    let rates = vec(rates(), 3);
    let priority = prop_oneof![
        Just(Priority::Low),
        Just(Priority::Normal),
        Just(Priority::Critical)
    ];
    let cost = || prop_oneof![1 => Just(0_u64), 6 => 1_u64..5, 1 => 5_u64..30];
    let hit = (
        0..SETS.len(),
        [cost(), cost(), cost()],
        [0_usize..6, 0_usize..6],
        priority,
    );
    (rates, any::<u8>(), vec(hit, 40)).prop_map(|(rates, set, hits)| {
        let hits = hits
            .into_iter()
            .map(|(other_set, costs, [one, other], priority)| Hit {
                // Often one set, sometimes others that share its members.
                set: if other_set % 3 == 0 {
                    other_set
                } else {
                    usize::from(set) % SETS.len()
                },
                costs,
                rates: [
                    rates[if one > 3 { 2 } else { 0 }],
                    rates[if other > 3 { 2 } else { 1 }],
                ],
                priority,
            });
        hits.collect()
    })
}

fn verdict(runtime: &Runtime, backend: &Backend, client: &str, hit: &Hit) -> Verdict {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.extensions.insert(backend.clone());
    parts.extensions.insert(hit.rates);
    let client = Identity::new(client).priority(hit.priority);
    parts.extensions.insert(client);
    let members = SETS[hit.set].iter().zip(hit.costs);
    let quota = members.fold(Quota::new(&parts), |quota, (add, cost)| add(quota, cost));
    let decision = runtime.block_on(quota.commit());
    verdict_of(&decision.expect("the backend answers"))
}

/// Sets, and several hits on one log, compared with the memory backend.
#[test]
fn agrees_on_sets_and_quotas_whose_rates_change() {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let (_server, backend, runtime) = remote();
    let clock = ManualClock::new();
    let here = Backend::memory().clock(clock.clone());
    let there = backend.clock(clock.clone());
    proptest!(cases(200), |(hits in hits(), start in starts(), steps in steps())| {
        let client = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
        let (mut now, mut verdict_before) = (start, NOTHING);
        for (step, hit) in steps.into_iter().zip(hits) {
            let terms = Terms::new(Law::SlidingLog, hit.rates[0]);
            let Some(then) = step.gap.after(now, &terms, &verdict_before) else { break };
            now = then;
            clock.set(Duration::from_micros(u64::try_from(now).expect("clocks show u64")));
            verdict_before = verdict(&runtime, &here, &client, &hit);
            let other = verdict(&runtime, &there, &client, &hit);
            prop_assert_eq!(other, verdict_before, "{:?} at {}", hit, now);
        }
    });
}
