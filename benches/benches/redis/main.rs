//! One decision in Redis, beside the commands of a hand-written limiter on the same server with the
//! same client: a bare fixed window as a script, and `INCR` with `PEXPIRE … NX` in a pipeline.
//!
//! It starts a `redis-server` of its own. Both sides hit one key, except in the tables of
//! [`many_clients`].

mod many_clients;

use std::rc::Rc;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{Client, IntoConnectionInfo as _, Script};
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;
use traffik::strategy::{
    Adaptive, CostBasedTokenBucket, FixedWindow, Gcra, LeakyBucket, LeakyBucketWithQueue, Priority,
    QuotaWithRollover, SlidingCounter, SlidingLog, Strategy, Tiered, TimeOfDay, TokenBucket,
};
use traffik::{Backend, DynThrottle, DynThrottleBuilder, Identity, Rate};
use traffik_benches::effort::{amount, rounds};
use traffik_benches::measure::alternate;
use traffik_benches::row::{Row, Table, print};
use traffik_benches::spread::Goal;
use traffik_tests::RedisServer;

const ROUNDS: usize = 11;
const CALLS: usize = 8_192;

/// A fixed window as a hand-written script; the number of the window is part of the key.
const WINDOW: &str = "\
local time = redis.call('TIME')
local key = KEYS[1] .. math.floor(time[1] / ARGV[1])
local count = tonumber(redis.call('GET', key) or '0')
if count + ARGV[2] > tonumber(ARGV[3]) then return -1 end
count = redis.call('INCRBY', key, ARGV[2])
if count == tonumber(ARGV[2]) then redis.call('EXPIRE', key, ARGV[1]) end
return count";

fn main() {
    let server = RedisServer::start();
    let runtime = Builder::new_current_thread().enable_all().build();
    let bench = Setup {
        runtime: runtime.expect("a runtime"),
        server,
    };
    let rate = Rate::per_hour(1_000_000_000);
    let fixed = bench.throttle(FixedWindow::new(), &[rate]);
    let title = "A hit under `fixed_window` in Redis, by tasks";
    let mut tasks_beside_script = Table::new(title, "ns", "a bare script");
    let script = bench.script();
    for tasks in [1, 16, 64, 256] {
        let name = format!("{tasks} tasks");
        tasks_beside_script.push(bench.compare(&name, tasks, &hits(&fixed), &script));
    }
    let mut tasks_beside_pipeline = Table::new(title, "ns", "pipelined INCR, PEXPIRE NX");
    let pipeline = bench.pipeline();
    for tasks in [1, 64] {
        let name = format!("{tasks} tasks");
        tasks_beside_pipeline.push(bench.compare(&name, tasks, &hits(&fixed), &pipeline));
    }
    print(&many_clients::tables(&bench, &fixed));
    let title = "A hit in Redis, by strategy, 64 tasks";
    let mut strategies = Table::new(title, "ns", "a bare script");
    // The length of a full log.
    let log = Rate::per_second(100);
    let each: [(&str, DynThrottle); 12] = [
        (
            "sliding_counter",
            bench.throttle(SlidingCounter::new(), &[rate]),
        ),
        ("token_bucket", bench.throttle(TokenBucket::new(), &[rate])),
        ("leaky_bucket", bench.throttle(LeakyBucket::new(), &[rate])),
        (
            "leaky_bucket_with_queue",
            bench.throttle(LeakyBucketWithQueue::new(), &[rate]),
        ),
        (
            "gcra",
            bench.throttle(
                Gcra::new().burst_tolerance(Duration::from_secs(60)),
                &[rate],
            ),
        ),
        (
            "tiered",
            bench.throttle(
                Tiered::new().tier("free", 1.0).default_tier("free"),
                &[rate],
            ),
        ),
        ("time_of_day", bench.throttle(TimeOfDay::new(), &[rate])),
        (
            "quota_with_rollover",
            bench.throttle(QuotaWithRollover::new(), &[rate]),
        ),
        ("adaptive", bench.throttle(Adaptive::new(), &[rate])),
        (
            "cost_based_token_bucket",
            bench.throttle(CostBasedTokenBucket::new(), &[rate]),
        ),
        (
            "sliding_log, 100/s",
            bench.throttle(SlidingLog::new(), &[log]),
        ),
        ("priority, 100/s", bench.throttle(Priority::new(), &[log])),
    ];
    for (name, throttle) in &each {
        strategies.push(bench.compare(name, 64, &hits(throttle), &script));
    }
    let title = "A hit in Redis, 64 tasks";
    let mut several_rates = Table::new(title, "ns", "one rate");
    let several = bench.throttle(
        FixedWindow::new(),
        &[
            rate,
            Rate::per_day(2_000_000_000),
            Rate::per_minute(100_000_000),
        ],
    );
    several_rates.push(bench.compare("three rates", 64, &hits(&several), &hits(&fixed)));
    let mut refusals = Table::new(title, "ns", "an admitted hit");
    let refused = bench.throttle(FixedWindow::new(), &[Rate::per_day(1)]);
    refusals.push(bench.compare("a refused hit", 64, &hits(&refused), &hits(&fixed)));
    print(&[
        tasks_beside_script,
        tasks_beside_pipeline,
        strategies,
        several_rates,
        refusals,
        bench.compare_leases(&script),
    ]);
}

struct Setup {
    runtime: Runtime,
    server: RedisServer,
}

/// A call that a task repeats.
type Call = Rc<dyn AsyncCall>;

trait AsyncCall {
    fn call(&self) -> std::pin::Pin<Box<dyn Future<Output = ()> + '_>>;
}

impl<F: AsyncFn()> AsyncCall for F {
    fn call(&self) -> std::pin::Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(self())
    }
}

impl Setup {
    fn throttle(&self, strategy: impl Strategy, rates: &[Rate]) -> DynThrottle {
        let name = format!("{strategy:?} {}", rates[0]);
        let backend = Backend::redis(self.server.url()).timeout(Duration::from_secs(5));
        let backend = self
            .runtime
            .block_on(backend.connect())
            .expect("the server responds");
        let builder = DynThrottle::builder(name)
            .strategy(strategy)
            .backend(backend);
        let builder = rates
            .iter()
            .copied()
            .fold(builder, DynThrottleBuilder::rate);
        builder.build().expect("the settings are valid")
    }

    /// Returns a throttle with leases of 200 ms.
    fn leased(&self) -> DynThrottle {
        let backend = Backend::redis(self.server.url()).lease(Duration::from_millis(200));
        let backend = self.runtime.block_on(backend.connect());
        let builder = DynThrottle::builder("leased").rate(Rate::per_hour(1_000_000_000));
        let builder = builder.backend(backend.expect("the server responds"));
        builder.build().expect("the settings are valid")
    }

    /// Compares a hit of one client that has leases with a script.
    fn compare_leases(&self, script: &Call) -> Table {
        let title = "A hit of one client with leases, by tasks";
        let mut table = Table::new(title, "ns", "a bare script");
        let leased = hits(&self.leased());
        for tasks in [1, 64] {
            table.push(self.compare(&format!("{tasks} tasks"), tasks, &leased, script));
        }
        table
    }

    fn connection(&self) -> MultiplexedConnection {
        let info = self.server.url().into_connection_info().expect("a URL");
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let client = Client::open(info).expect("a URL");
        let connection = client.get_multiplexed_async_connection();
        self.runtime
            .block_on(connection)
            .expect("the server responds")
    }

    fn script(&self) -> Call {
        let (connection, script) = (self.connection(), Rc::new(Script::new(WINDOW)));
        Rc::new(async move || {
            let mut call = script.key("peer:user:7:");
            let call = call.arg(3_600).arg(1).arg(1_000_000_000_u64);
            let _: i64 = call
                .invoke_async(&mut connection.clone())
                .await
                .expect("the server responds");
        })
    }

    fn pipeline(&self) -> Call {
        let connection = self.connection();
        Rc::new(async move || {
            let mut pipe = redis::pipe();
            pipe.cmd("INCR").arg("peer:count");
            pipe.cmd("PEXPIRE")
                .arg("peer:count")
                .arg(3_600_000)
                .arg("NX");
            let _: (i64, i64) = pipe
                .query_async(&mut connection.clone())
                .await
                .expect("the server responds");
        })
    }

    fn compare(&self, name: &str, tasks: usize, ours: &Call, peer: &Call) -> Row {
        let sides: &mut [&mut dyn FnMut() -> f64] =
            &mut [&mut || self.time(tasks, ours), &mut || {
                self.time(tasks, peer)
            }];
        alternate(rounds(ROUNDS), sides).row(name, Goal::None)
    }

    /// Returns nanoseconds per call with `tasks` concurrent tasks.
    fn time(&self, tasks: usize, call: &Call) -> f64 {
        let calls = amount(CALLS, 256);
        let calls = if tasks == 1 { calls / 4 } else { calls };
        let set = LocalSet::new();
        let start = Instant::now();
        for _ in 0..tasks {
            let call = call.clone();
            set.spawn_local(async move {
                for _ in 0..calls / tasks {
                    call.call().await;
                }
            });
        }
        self.runtime.block_on(set);
        start.elapsed().as_nanos() as f64 / calls as f64
    }
}

fn hits(throttle: &DynThrottle) -> Call {
    let (throttle, client) = (throttle.clone(), Identity::new("user:7"));
    Rc::new(async move || {
        throttle.hit(&client, 1).await.expect("the server responds");
    })
}
