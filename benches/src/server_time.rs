//! The time that a decision takes on the server of Redis, by strategy, beside hand-written scripts
//! of equal work: the server's clock, windows aligned to the epoch, a refusal that writes nothing,
//! and an answer from which remaining, reset and wait follow.
//!
//! It is the server's own count (`usec_per_call` of `EVALSHA` in `INFO commandstats`), so neither
//! the network nor the client is in it. One decision is under way at a time.

use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use redis::{Client, Script};
use tokio::runtime::{Builder, Runtime};
use traffik::strategy::{
    Adaptive, FixedWindow, Gcra, LeakyBucket, QuotaWithRollover, SlidingCounter, SlidingLog,
    Strategy, TokenBucket,
};
use traffik::{Backend, DynThrottle, Identity, Rate};
use traffik_tests::RedisServer;

use crate::effort::{amount, rounds};
use crate::measure::alternate;
use crate::row::{Row, Table};
use crate::spread::Goal;

const ROUNDS: usize = 31;
const CALLS: usize = 500;

/// A window. Arguments: limit, period in microseconds, cost.
const WINDOW: &str = "\
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limit, period, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local start = now - now % period
local key = KEYS[1] .. string.format('%.0f', start)
local count = tonumber(redis.call('GET', key) or '0')
local reset = start + period - now
if count + cost > limit then return { 0, limit - count, reset } end
count = redis.call('INCRBY', key, cost)
if count == cost then redis.call('PEXPIRE', key, math.ceil(reset / 1000)) end
return { 1, limit - count, reset }";

/// The generic cell rate algorithm. Arguments: microseconds for a unit, tolerance, cost.
const GCRA: &str = "\
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, tolerance, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local tat = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local early = tat - tolerance
if now < early then return { 0, 0, early - now, tat - now } end
tat = tat + cost * interval
local reset = tat - now
redis.call('SET', KEYS[1], string.format('%.0f', tat), 'PX', math.ceil(reset / 1000))
return { 1, math.floor((tolerance - reset) / interval) + 1, 0, reset }";

/// A sliding counter. Arguments: limit, period in microseconds, cost.
const COUNTER: &str = "\
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limit, period, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local number = math.floor(now / period)
local key = KEYS[1] .. number
local counts = redis.call('MGET', key, KEYS[1] .. number - 1)
local current, previous = tonumber(counts[1] or '0'), tonumber(counts[2] or '0')
local left = (number + 1) * period - now
local estimate = previous * left / period + current
if estimate + cost > limit then return { 0, math.floor(limit - estimate), left } end
current = redis.call('INCRBY', key, cost)
if current == cost then redis.call('PEXPIRE', key, math.ceil((left + period) / 1000)) end
return { 1, math.floor(limit - estimate - cost), left }";

/// A log in a sorted set. Arguments: limit, period in microseconds.
const LOG: &str = "\
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limit, period = tonumber(ARGV[1]), tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now - period)
local count = redis.call('ZCARD', KEYS[1])
if count >= limit then
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  return { 0, 0, oldest[2] + period - now }
end
redis.call('ZADD', KEYS[1], now, string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(period / 1000))
return { 1, limit - count - 1, 0 }";

/// Microseconds.
const HOUR: u64 = 3_600_000_000;
const MINUTE: u64 = 60_000_000;

/// Measures every row.
///
/// # Panics
///
/// Panics if the server cannot be started or does not respond.
pub fn tables() -> Vec<Table> {
    let server = RedisServer::start();
    let runtime = Builder::new_current_thread().enable_all().build();
    let bench = Setup {
        runtime: runtime.expect("a runtime"),
        server,
    };
    let title = "The time of one decision on the server of Redis";
    let mut decisions = Table::new(title, "µs", "a hand-written script");
    for (outcome, rate) in [
        ("admitted", Rate::per_hour(10_000_000)),
        ("refused", Rate::per_hour(1)),
    ] {
        let limit = rate.limit();
        let script = |source, arguments: &[u64]| bench.script(source, arguments);
        let window = || script(WINDOW, &[limit, HOUR, 1]);
        let counter = || script(COUNTER, &[limit, HOUR, 1]);
        let bucket = || script(GCRA, &[HOUR / limit, HOUR - HOUR / limit, 1]);
        let gcra = || script(GCRA, &[HOUR / limit, MINUTE, 1]);
        let tolerance = Gcra::new().burst_tolerance(Duration::from_micros(MINUTE));
        let goal = Goal::AtMost(1.0);
        let rows = [
            (
                "fixed_window",
                bench.throttle(FixedWindow::new(), rate),
                window(),
                goal,
            ),
            (
                "sliding_counter",
                bench.throttle(SlidingCounter::new(), rate),
                counter(),
                goal,
            ),
            ("gcra", bench.throttle(tolerance, rate), gcra(), goal),
            (
                "token_bucket",
                bench.throttle(TokenBucket::new(), rate),
                bucket(),
                goal,
            ),
            (
                "leaky_bucket",
                bench.throttle(LeakyBucket::new(), rate),
                bucket(),
                goal,
            ),
            (
                "quota_with_rollover",
                bench.throttle(QuotaWithRollover::new(), rate),
                window(),
                Goal::None,
            ),
            (
                "adaptive",
                bench.throttle(Adaptive::new(), rate),
                window(),
                Goal::None,
            ),
        ];
        for (strategy, throttle, peer, goal) in rows {
            let name = format!("`{strategy}`, {outcome}");
            decisions.push(bench.compare(&name, &hits(&throttle), &peer, goal));
        }
    }
    vec![decisions, bench.logs()]
}

struct Setup {
    runtime: Runtime,
    server: RedisServer,
}

/// A call of the server.
type Call = Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()>>>>;

impl Setup {
    fn throttle(&self, strategy: impl Strategy, rate: Rate) -> DynThrottle {
        let name = format!("{strategy:?} {rate}");
        let backend = Backend::redis(self.server.url()).timeout(Duration::from_secs(5));
        let backend = self.runtime.block_on(backend.connect());
        // Otherwise this process would refuse by itself.
        let backend = backend
            .expect("the server responds")
            .local_refusals(Duration::ZERO);
        let throttle = DynThrottle::builder(name).strategy(strategy).rate(rate);
        throttle
            .backend(backend)
            .build()
            .expect("the settings are valid")
    }

    /// Returns a call of a script on a key of its own.
    fn script(&self, source: &str, arguments: &[u64]) -> Call {
        let client = Client::open(self.server.url()).expect("a URL");
        let connection = client.get_multiplexed_async_connection();
        let connection = self
            .runtime
            .block_on(connection)
            .expect("the server responds");
        let script = Rc::new(Script::new(source));
        let (key, arguments) = (
            format!("peer:{arguments:?}:{}", script.get_hash()),
            arguments.to_vec(),
        );
        Box::new(move || {
            let (script, mut connection) = (script.clone(), connection.clone());
            let (key, arguments) = (key.clone(), arguments.clone());
            Box::pin(async move {
                let mut call = script.key(key);
                for argument in arguments {
                    call.arg(argument);
                }
                let _: Vec<i64> = call
                    .invoke_async(&mut connection)
                    .await
                    .expect("the server responds");
            })
        })
    }

    /// Compares logs of several lengths with sorted sets. A hit of either finds nothing expired.
    fn logs(&self) -> Table {
        let title = "The time of one hit on a log on the server of Redis, by its entries";
        let mut table = Table::new(title, "µs", "a sorted set");
        let lengths: &[u64] = &[100, 1_000, 10_000];
        for length in &lengths[..amount(lengths.len(), 1)] {
            for (outcome, room) in [("admitted", 100_000), ("refused", 0)] {
                let rate = Rate::per_hour(length + room);
                let throttle = self.throttle(SlidingLog::new(), rate);
                let peer = self.script(LOG, &[rate.limit(), HOUR]);
                let ours = hits(&throttle);
                for call in [&ours, &peer] {
                    self.runtime.block_on(async {
                        for _ in 0..*length {
                            call().await;
                        }
                    });
                }
                let name = format!("{length} entries, {outcome}");
                table.push(self.compare(&name, &ours, &peer, Goal::None));
            }
        }
        table
    }

    fn compare(&self, name: &str, ours: &Call, peer: &Call, goal: Goal) -> Row {
        let sides: &mut [&mut dyn FnMut() -> f64] =
            &mut [&mut || self.server_time(ours), &mut || {
                self.server_time(peer)
            }];
        alternate(rounds(ROUNDS), sides).row(name, goal)
    }

    /// Returns the microseconds that the server took for a call.
    fn server_time(&self, call: &Call) -> f64 {
        let () = self.server.command(&["CONFIG", "RESETSTAT"]);
        self.runtime.block_on(async {
            for _ in 0..amount(CALLS, 8) {
                call().await;
            }
        });
        let info: String = self.server.command(&["INFO", "commandstats"]);
        let mut lines = info.lines();
        let line = lines.find_map(|line| line.strip_prefix("cmdstat_evalsha:"));
        let fields = line.and_then(|line| line.split_once("usec_per_call="));
        let figure = fields.and_then(|(_, rest)| rest.split(',').next());
        figure
            .and_then(|figure| figure.parse().ok())
            .expect("a figure of the statistics")
    }
}

fn hits(throttle: &DynThrottle) -> Call {
    let throttle = throttle.clone();
    Box::new(move || {
        let throttle = throttle.clone();
        Box::pin(async move {
            let hit = throttle.hit(&Identity::new("user:7"), 1).await;
            hit.expect("the server responds");
        })
    })
}
