//! One decision in memory, beside `governor` 0.10 keyed by `String` (`DashMap`, its defaults), on
//! the same keys in the same order. Both read the time stamp counter by `quanta`.

use std::hint::black_box;

use traffik::strategy::{
    Adaptive, FixedWindow, Gcra, LeakyBucket, QuotaWithRollover, SlidingCounter, TimeOfDay,
    TokenBucket,
};
use traffik::{DynThrottle, Identity, Rate};

use crate::effort::amount;
use crate::floor::Floor;
use crate::keys::{Order, key};
use crate::measure::{Comparison, ready};
use crate::row::Table;
use crate::sides::{Governor, admitting_governor, refusing_governor, throttle};
use crate::spread::Goal;

const KEYS: usize = 100_000;
const CALLS: usize = 400_000;

/// Measures decisions on a hot key and on many, by one thread and by two, and every strategy.
pub fn tables() -> Vec<Table> {
    vec![admitted(), refused(), strategies()]
}

fn admitted() -> Table {
    beside(
        "A decision in memory, admitted",
        &throttle(FixedWindow::new(), Rate::per_hour(u32::MAX.into())),
        &admitting_governor(),
        u32::MAX,
        [0.70, 0.45, 0.60, 0.55, 0.45],
    )
}

fn refused() -> Table {
    beside(
        "A decision in memory, refused",
        &throttle(FixedWindow::new(), Rate::per_day(1)),
        &refusing_governor(),
        1,
        [0.65, 0.45, 0.60, 0.40, 0.45],
    )
}

/// Compares on every workload.
fn beside(title: &str, ours: &DynThrottle, peer: &Governor, limit: u32, goals: [f64; 5]) -> Table {
    let count = amount(KEYS, 100);
    let keys: Vec<String> = (0..count).map(key).collect();
    let identities: Vec<Identity> = keys.iter().map(|key| Identity::new(key.as_str())).collect();
    let floor = Floor::new(count, limit);
    let (hot, uniform) = (Order::hot(), Order::uniform(count));
    let workloads = [
        ("one hot key", 1, &hot),
        ("100 000 keys, uniform", 1, &uniform),
        ("100 000 keys, Zipf", 1, &Order::zipf(count)),
        ("one hot key, two threads", 2, &hot),
        ("100 000 keys, two threads", 2, &uniform),
    ];
    let mut table = Table::new(title, "ns", "governor");
    for ((workload, threads, order), goal) in workloads.into_iter().zip(goals) {
        let hit = |call: usize| {
            let client = &identities[order.pick(call)];
            black_box(ready(ours.hit(client, 1)).is_ok_and(|decision| decision.admitted));
        };
        let check = |call: usize| {
            black_box(peer.check_key(&keys[order.pick(call)]).is_ok());
        };
        let least = |call: usize| {
            black_box(floor.hit(&keys[order.pick(call)]).is_some());
        };
        let comparison = Comparison::new(workload, amount(CALLS, 100))
            .threads(threads)
            .goal(Goal::AtMost(goal))
            .limit(&least);
        table.push(comparison.run(&hit, &check));
    }
    table
}

fn strategies() -> Table {
    let rate = Rate::per_second(1_000_000_000);
    let fixed = throttle(FixedWindow::new(), rate);
    let tolerant = Gcra::new().burst_tolerance(std::time::Duration::from_secs(1));
    let others = [
        ("`sliding_counter`", throttle(SlidingCounter::new(), rate)),
        ("`token_bucket`", throttle(TokenBucket::new(), rate)),
        ("`leaky_bucket`", throttle(LeakyBucket::new(), rate)),
        (
            "`quota_with_rollover`",
            throttle(QuotaWithRollover::new(), rate),
        ),
        ("`adaptive`", throttle(Adaptive::new(), rate)),
        ("`time_of_day`", throttle(TimeOfDay::new(), rate)),
        ("`gcra`", throttle(tolerant, rate)),
    ];
    let client = Identity::new(key(0));
    let hit = |throttle: &DynThrottle| {
        black_box(ready(throttle.hit(&client, 1)).is_ok());
    };
    let title = "An admitted decision on a hot key, by strategy";
    let mut table = Table::new(title, "ns", "`fixed_window`").ours("strategy");
    for (name, throttle) in &others {
        let comparison = Comparison::new(name, amount(CALLS, 100)).goal(Goal::AtMost(1.5));
        table.push(comparison.run(&|_| hit(throttle), &|_| hit(&fixed)));
    }
    table
}
