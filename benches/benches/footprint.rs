//! Memory: bytes per tracked key, beside `governor` 0.10 keyed by `String`, and allocations per
//! request, beside `tower_governor` 0.8.
//!
//! Bytes are reported twice: requested from the allocator, and as growth of the process. Each
//! figure comes from a process of its own.

use std::env;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::process::Command;

use allocation_counter::measure;
use axum::Router;
use axum::extract::Request;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tower_service::Service as _;
use traffik::strategy::{
    Adaptive, FixedWindow, Gcra, LeakyBucket, LeakyBucketWithQueue, QuotaWithRollover,
    SlidingCounter, Strategy, Tiered, TimeOfDay, TokenBucket,
};
use traffik::{Backend, DynThrottle, Identity, Rate};
use traffik_benches::apps::{Job, attribute, bare, governed, layer, least, request};
use traffik_benches::effort::amount;
use traffik_benches::keys::key;
use traffik_benches::measure::{Rounds, ready};
use traffik_benches::process::resident;
use traffik_benches::row::{Row, Table, print};
use traffik_benches::spread::Goal;

const KEYS: usize = 1_000_000;
/// The number of keys in a smoke run.
const SMOKE_KEYS: usize = 1_000;
const PEER: &str = "governor";

/// Fills a table with a million keys.
type Fill = fn() -> Bytes;

const STRATEGIES: [(&str, Fill); 10] = [
    ("fixed_window", || ours(FixedWindow::new())),
    ("sliding_counter", || ours(SlidingCounter::new())),
    ("token_bucket", || ours(TokenBucket::new())),
    ("leaky_bucket", || ours(LeakyBucket::new())),
    ("leaky_bucket_with_queue", || {
        ours(LeakyBucketWithQueue::new())
    }),
    ("gcra", || ours(Gcra::new())),
    ("tiered", || ours(tiered())),
    ("adaptive", || ours(Adaptive::new())),
    ("quota_with_rollover", || ours(QuotaWithRollover::new())),
    ("time_of_day", || ours(TimeOfDay::new())),
];

/// Bytes per key.
struct Bytes {
    requested: f64,
    resident: f64,
}

fn main() {
    let only = env::var("FOOTPRINT_OF").unwrap_or_default();
    let strategy = STRATEGIES.iter().find(|(name, _)| *name == only);
    match strategy {
        Some((_, fill)) => fill().print(),
        None if only == PEER => peer().print(),
        None => {
            let mut tables = keys();
            tables.extend(requests());
            print(&tables);
        }
    }
}

fn keys() -> Vec<Table> {
    let count = amount(KEYS, SMOKE_KEYS);
    let table = |kind: &str| Table::new(format!("Bytes a key, {count} keys, {kind}"), "B", PEER);
    let mut requested = table("as requested from the allocator");
    let mut resident = table("as the process grows");
    let peer = Bytes::in_process(PEER);
    for (name, _) in STRATEGIES {
        let ours = Bytes::in_process(name);
        let row = |ours, peer, goal| {
            Rounds::new([[ours, peer]]).row(format!("`{name}`"), Goal::AtMost(goal))
        };
        requested.push(row(ours.requested, peer.requested, 0.55));
        resident.push(row(ours.resident, peer.resident, 0.45));
    }
    vec![resident, requested]
}

fn requests() -> Vec<Table> {
    let title = |what: &str| format!("{what} a request, beyond those without a limiter");
    let mut counts = Table::new(title("Allocations"), "count", "`tower_governor`");
    let mut bytes = Table::new(title("Bytes allocated for"), "B", "`tower_governor`");
    let bare = Allocations::of(bare());
    for job in Job::ALL {
        let goals = match job {
            Job::Admit => [0.0, 2.0],
            Job::AdmitWithFields | Job::AdmitWithLegacyFields => [2.0, 4.0],
            Job::Refuse => [4.0, 6.0],
        };
        let (peer, least) = (Allocations::of(governed(job)), Allocations::of(least(job)));
        let forms = [
            ("`#[throttled]`", attribute(job)),
            ("`ThrottleLayer`", layer(job)),
        ];
        for ((form, app), goal) in forms.into_iter().zip(goals) {
            let ours = Allocations::of(app);
            let row = |figure: fn(&Allocations) -> f64, goal| {
                let [ours, peer, least, bare] = [&ours, &peer, &least, &bare].map(figure);
                let name = format!("{form}, {}", job.name());
                Row {
                    limit: Some(least - bare),
                    ..Row::count(name, ours - bare, peer - bare, goal)
                }
            };
            counts.push(row(|it| it.count, Goal::AtMost(goal)));
            bytes.push(row(|it| it.bytes, Goal::None));
        }
    }
    vec![counts, bytes]
}

/// Allocations for one request.
struct Allocations {
    count: f64,
    bytes: f64,
}

impl Allocations {
    fn of(mut app: Router) -> Self {
        let mut answer = |request: Request| black_box(ready(app.call(request)).is_ok());
        assert!(answer(request()));
        let request = request();
        let mut answered = false;
        let info = measure(|| answered = answer(request));
        assert!(answered);
        Self {
            count: info.count_total as f64,
            bytes: info.bytes_total as f64,
        }
    }
}

fn ours(strategy: impl Strategy) -> Bytes {
    let rate = Rate::per_hour(100);
    let builder = DynThrottle::builder("bench").rate(rate).strategy(strategy);
    let throttle = builder.backend(Backend::memory()).build();
    let throttle = throttle.expect("the settings are valid");
    let hit = |key: String| ready(throttle.hit(&Identity::new(key), 1)).is_ok();
    Bytes::measure(hit)
}

fn peer() -> Bytes {
    let limit = NonZeroU32::new(100).unwrap_or(NonZeroU32::MIN);
    let limiter: DefaultKeyedRateLimiter<String> = RateLimiter::keyed(Quota::per_hour(limit));
    Bytes::measure(|key| limiter.check_key(&key).is_ok())
}

fn tiered() -> Tiered {
    Tiered::new().tier("free", 1.0).default_tier("free")
}

impl Bytes {
    fn measure(hit: impl Fn(String) -> bool) -> Self {
        let keys = amount(KEYS, SMOKE_KEYS);
        hit(String::from("first"));
        let before = resident();
        let info = measure(|| {
            for number in 0..keys {
                assert!(black_box(hit(key(number))));
            }
        });
        let grown = |before| resident().map(|after| after.saturating_sub(before) as f64);
        Self {
            requested: info.bytes_current as f64 / keys as f64,
            resident: before.and_then(grown).unwrap_or(f64::NAN) / keys as f64,
        }
    }

    /// Measures `name` in a process of its own.
    fn in_process(name: &str) -> Self {
        let program = env::current_exe().expect("a program");
        let mut command = Command::new(program);
        let command = command.args(env::args_os().skip(1));
        let output = command.env("FOOTPRINT_OF", name).output();
        let output = output.expect("it runs");
        assert!(output.status.success(), "{name}: {output:?}");
        let text = String::from_utf8_lossy(&output.stdout);
        let mut figures = text.split_whitespace().map(str::parse);
        let mut figure = || figures.next().and_then(Result::ok).unwrap_or(f64::NAN);
        Self {
            requested: figure(),
            resident: figure(),
        }
    }

    fn print(&self) {
        println!("{} {}", self.requested, self.resident);
    }
}
