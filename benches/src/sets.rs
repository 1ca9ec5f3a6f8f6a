//! Several limits in one decision, and the strategies whose states or laws do not fit the fast path
//! of one window: sets of throttles, throttles with several rates, logs, and laws that depend on
//! the client.

use std::collections::{HashMap, VecDeque};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::http::request::Parts;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use traffik::strategy::{
    CostBasedTokenBucket, FixedWindow, Priority, SlidingLog, Strategy, Tiered,
};
use traffik::{Backend, Clock, Decision, DynThrottle, Error, Identity, Rate, Throttle, throttles};

use crate::effort::amount;
use crate::keys::key;
use crate::measure::{Comparison, ready};
use crate::row::Table;
use crate::spread::Goal;

/// A hit of a set of throttles.
pub(crate) type SetHit = fn(&Parts);

const CALLS: usize = 200_000;

/// The numbers of entries in a log that is full.
const LENGTHS: [u64; 3] = [10, 1_000, 100_000];

throttles! {
    pub(crate) throttle Hourly(rate = "1000000000/hour");
    pub(crate) throttle Daily(rate = "20000000000/day");
    pub(crate) throttle Weekly(rate = "100000000000/week");
    pub(crate) throttle Spent(rate = "1/week");
}

/// Measures sets beside one throttle and beside governor, and logs and laws beside `fixed_window`.
pub fn tables() -> Vec<Table> {
    vec![
        sets(),
        rates(),
        beside_governor(),
        logs(),
        beside_naive_logs(),
        strategies(),
    ]
}

fn sets() -> Table {
    let parts = parts();
    let one = |_: usize| hit_all::<Hourly>(&parts);
    let mut table = Table::new(
        "A set of throttles in memory, beside one throttle",
        "ns",
        "one throttle",
    )
    .ours("set");
    let rows: [(&str, f64, SetHit); 3] = [
        ("two, admitted", 1.7, hit_all::<(Hourly, Daily)>),
        ("three, admitted", 2.4, hit_all::<(Hourly, Daily, Weekly)>),
        ("two, refused by one", 1.7, hit_all::<(Hourly, Spent)>),
    ];
    for (name, goal, set) in rows {
        let comparison = Comparison::new(name, amount(CALLS, 100)).goal(Goal::AtMost(goal));
        table.push(comparison.run(&|_| set(&parts), &one));
    }
    table
}

fn rates() -> Table {
    let all = [
        Rate::per_hour(1_000_000_000),
        Rate::per_day(20_000_000_000),
        Rate::of(100_000_000_000).days(7),
    ];
    let of = |rates: &[Rate]| throttle(FixedWindow::new(), rates, Backend::memory());
    let one = of(&all[..1]);
    let client = Identity::new(key(0));
    let title = "A throttle with several rates in memory, beside one rate";
    let mut table = Table::new(title, "ns", "one rate").ours("several");
    for (name, count, goal) in [("two rates", 2, 1.7), ("three rates", 3, 2.4)] {
        let several = of(&all[..count]);
        let comparison = Comparison::new(name, amount(CALLS, 100)).goal(Goal::AtMost(goal));
        table.push(comparison.run(&|_| hit(&several, &client), &|_| hit(&one, &client)));
    }
    table
}

/// Compares with governor, checked once for each member. That is not all or nothing: where a later
/// member refuses, the earlier ones have counted.
fn beside_governor() -> Table {
    let quota = Quota::per_second(NonZeroU32::new(1_000_000_000).unwrap_or(NonZeroU32::MIN));
    let limiters: [DefaultKeyedRateLimiter<IpAddr>; 3] =
        [(); 3].map(|()| RateLimiter::keyed(quota));
    let (parts, address) = (parts(), IpAddr::V4(CLIENT));
    let title = "A set of throttles in memory, beside governor checked for each (not all or none)";
    let mut table = Table::new(title, "ns", "governor");
    let rows: [(&str, usize, SetHit); 2] = [
        ("two, admitted", 2, hit_all::<(Hourly, Daily)>),
        ("three, admitted", 3, hit_all::<(Hourly, Daily, Weekly)>),
    ];
    for (name, count, set) in rows {
        let check = |_: usize| {
            let mut members = limiters[..count].iter();
            black_box(members.all(|limiter| limiter.check_key(&address).is_ok()));
        };
        let comparison = Comparison::new(name, amount(CALLS, 100));
        table.push(comparison.run(&|_| set(&parts), &check));
    }
    table
}

fn logs() -> Table {
    let client = Identity::new(key(0));
    let window = throttle(FixedWindow::new(), &[LARGE], stepping_backend());
    let title = "A hit on a full log, as its oldest expires, beside `fixed_window`";
    let mut table = Table::new(title, "ns", "fixed_window").ours("sliding_log");
    for length in LENGTHS {
        let (log, name) = (full_log(length), format!("{length} entries"));
        let comparison = Comparison::new(&name, amount(CALLS, 100)).goal(Goal::AtMost(1.5));
        table.push(comparison.run(&|_| hit(&log, &client), &|_| hit(&window, &client)));
    }
    table
}

fn beside_naive_logs() -> Table {
    let client = Identity::new(key(0));
    let title = "A hit on a full log, beside a map of queues of instants behind a mutex";
    let mut table = Table::new(title, "ns", "naive log");
    for length in LENGTHS {
        let (log, naive) = (full_log(length), NaiveLogs::full(length));
        let name = key(0);
        let check = |_: usize| {
            black_box(naive.hit(&name));
        };
        let title = format!("{length} entries");
        let comparison = Comparison::new(&title, amount(CALLS, 100));
        table.push(comparison.run(&|_| hit(&log, &client), &check));
    }
    table
}

fn strategies() -> Table {
    let client = Identity::new(key(0)).tier("pro");
    let window = throttle(FixedWindow::new(), &[LARGE], Backend::memory());
    let tiers = Tiered::new().tier("free", 1.0).tier("pro", 5.0);
    let bucket = CostBasedTokenBucket::new();
    let others = [
        (
            "priority, 1 000 entries",
            throttle(Priority::new(), &[log_rate(1_000)], stepping_backend()),
        ),
        (
            "tiered",
            throttle(tiers.default_tier("free"), &[LARGE], Backend::memory()),
        ),
        (
            "cost_based_token_bucket",
            throttle(bucket, &[LARGE], Backend::memory()),
        ),
    ];
    let title = "Laws that depend on the client or on earlier costs, beside `fixed_window`";
    let mut table = Table::new(title, "ns", "fixed_window").ours("strategy");
    for (name, throttle) in &others {
        let comparison = Comparison::new(name, amount(CALLS, 100)).goal(Goal::AtMost(1.5));
        table.push(comparison.run(&|_| hit(throttle, &client), &|_| hit(&window, &client)));
    }
    table
}

const LARGE: Rate = Rate::per_hour(1_000_000_000_000);

const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);

/// Returns the head of a request from a client with a known address.
pub(crate) fn parts() -> Parts {
    let (mut parts, ()) = Request::new(()).into_parts();
    let peer = std::net::SocketAddr::from((CLIENT, 50_000));
    parts.extensions.insert(ConnectInfo(peer));
    parts
}

pub(crate) fn hit_all<T: Throttle>(parts: &Parts) {
    black_box(is_admitted(ready(T::hit(parts))));
}

fn hit(throttle: &DynThrottle, client: &Identity) {
    black_box(is_admitted(ready(throttle.hit(client, 1))));
}

fn is_admitted(decision: Result<Decision, Error>) -> bool {
    decision.is_ok_and(|decision| decision.admitted)
}

fn throttle(strategy: impl Strategy, rates: &[Rate], backend: impl Into<Backend>) -> DynThrottle {
    let builder = DynThrottle::builder("bench").strategy(strategy);
    let builder = rates
        .iter()
        .fold(builder, |builder, rate| builder.rate(*rate));
    let throttle = builder.backend(backend).build();
    throttle.expect("the settings are valid")
}

/// Returns a throttle whose log has this many entries, of which one expires with each hit.
fn full_log(length: u64) -> DynThrottle {
    let log = throttle(SlidingLog::new(), &[log_rate(length)], stepping_backend());
    let client = Identity::new(key(0));
    (0..2 * length).for_each(|_| hit(&log, &client));
    log
}

fn log_rate(length: u64) -> Rate {
    Rate::new(length, Duration::from_micros(length))
}

fn stepping_backend() -> Backend {
    Backend::memory().clock(SteppingClock::default())
}

/// A clock that is a microsecond later at each reading, so that each hit of a log is an entry of
/// its own.
#[derive(Debug)]
struct SteppingClock(AtomicU64);

impl Default for SteppingClock {
    fn default() -> Self {
        Self(AtomicU64::new(1_000_000_000_000_000))
    }
}

impl Clock for SteppingClock {
    fn now_micros(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// Sliding logs as many programs have them: the instants of each client's hits, in a map behind a
/// mutex.
struct NaiveLogs {
    logs: Mutex<HashMap<String, VecDeque<Instant>>>,
    start: Instant,
    clock: SteppingClock,
    limit: usize,
    period: Duration,
}

impl NaiveLogs {
    fn full(length: u64) -> Self {
        let logs = Self {
            logs: Mutex::default(),
            start: Instant::now(),
            clock: SteppingClock(AtomicU64::new(length)),
            limit: length as usize,
            period: Duration::from_micros(length),
        };
        (0..2 * length).for_each(|_| {
            logs.hit(&key(0));
        });
        logs
    }

    fn hit(&self, client: &str) -> bool {
        let now = self.start + Duration::from_micros(self.clock.now_micros());
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        let log = match logs.get_mut(client) {
            Some(log) => log,
            None => logs.entry(client.to_owned()).or_default(),
        };
        while log
            .front()
            .is_some_and(|oldest| now - *oldest >= self.period)
        {
            log.pop_front();
        }
        let is_admitted = log.len() < self.limit;
        if is_admitted {
            log.push_back(now);
        }
        is_admitted
    }
}
