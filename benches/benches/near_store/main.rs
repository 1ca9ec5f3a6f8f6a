//! Decisions beside shared stores that need fewer commands than one each: refusals of a client that
//! does not stop, and a hot key with leases. An application that limits by a store.
//!
//! It starts servers of its own: `cargo bench -p traffik-benches --features servers --bench
//! near_store`

mod hot_key;

use std::cell::Cell;
use std::time::{Duration, Instant};

use axum::{Extension, Router};
use redis::aio::MultiplexedConnection;
use redis::{Client, Script};
use tokio::runtime::{Builder, Runtime};
use traffik::{Backend, DynThrottle, Identity, Rate};
use traffik_benches::apps::{Job, attribute, bare};
use traffik_benches::effort::{amount, rounds};
use traffik_benches::loopback::{self, Server, figures};
use traffik_benches::measure::alternate;
use traffik_benches::row::{Row, Table, print};
use traffik_benches::served::REQUESTS;
use traffik_benches::spread::Goal;
use traffik_tests::{MemcachedServer, RedisServer};

const ROUNDS: usize = 11;
/// The length of a round, in milliseconds.
const ROUND: usize = 500;
/// The limit of the refused client, in hits a day.
const LIMIT: u64 = 5;

/// A fixed window as a hand-written script, whose refusals write nothing.
const WINDOW: &str = "\
local time = redis.call('TIME')
local key = KEYS[1] .. math.floor(time[1] / ARGV[1])
local count = tonumber(redis.call('GET', key) or '0')
if count + 1 > tonumber(ARGV[2]) then return -1 end
count = redis.call('INCRBY', key, 1)
if count == 1 then redis.call('EXPIRE', key, ARGV[1]) end
return count";

fn main() {
    if hot_key::work_if_child() {
        return;
    }
    let (redis, memcached) = (RedisServer::start(), MemcachedServer::start());
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let by_redis = runtime.block_on(Backend::redis(redis.url()).connect());
    let by_redis = by_redis.expect("the server responds");
    let by_memcached = runtime.block_on(Backend::memcached(memcached.url()).connect());
    let by_memcached = by_memcached.expect("the server responds");
    let mut tables = refusals(&runtime, &redis, &by_redis);
    tables.extend(hot_key::tables(&redis));
    tables.extend(served(&[("Redis", by_redis), ("Memcached", by_memcached)]));
    print(&tables);
}

/// Measures a client that is refused at full speed, by one task.
fn refusals(runtime: &Runtime, server: &RedisServer, backend: &Backend) -> Vec<Table> {
    let throttle = DynThrottle::builder("refused").rate(Rate::per_day(LIMIT));
    let throttle = throttle.backend(backend.clone()).build();
    let throttle = throttle.expect("the settings are valid");
    let client = Identity::new("user:7");
    let connection = runtime.block_on(connection(server));
    let script = Script::new(WINDOW);
    let ours = async || {
        let decided = throttle.hit(&client, 1).await;
        let _ = decided.expect("the server responds");
    };
    let peer = async || {
        let mut call = script.key("peer:user:7:");
        let called = call.arg(86_400).arg(LIMIT);
        let called = called.invoke_async(&mut connection.clone()).await;
        let _: i64 = called.expect("the server responds");
    };
    let commands = Cell::new([0.0; 2]);
    let measure = |side: usize, speed: &dyn Fn() -> f64| {
        let (before, start) = (server.calls("evalsha"), Instant::now());
        let speed = speed();
        let mut counts = commands.get();
        let count = (server.calls("evalsha") - before) as f64;
        counts[side] = count / start.elapsed().as_secs_f64();
        commands.set(counts);
        speed
    };
    let sides: &mut [&mut dyn FnMut() -> f64] = &mut [
        &mut || measure(0, &|| per_second(runtime, &ours)),
        &mut || measure(1, &|| per_second(runtime, &peer)),
    ];
    let name = "one client, one task";
    let speed = alternate(rounds(ROUNDS), sides).row(name, Goal::AtLeast(20.0));
    let [of_ours, of_peer] = commands.get();
    let count = Row::count(name, of_ours, of_peer, Goal::AtMost(2.0));
    let tables = [
        ("Refusals of a client at full speed, Redis", "1/s", speed),
        ("Commands for refusals at full speed, Redis", "1/s", count),
    ];
    let tables = tables.map(|(title, unit, row)| {
        let mut table = Table::new(title, unit, "one script a decision");
        table.push(row);
        table
    });
    tables.into()
}

async fn connection(server: &RedisServer) -> MultiplexedConnection {
    let client = Client::open(server.url()).expect("a URL");
    let connection = client.get_multiplexed_async_connection();
    connection.await.expect("the server responds")
}

/// Returns the number of calls a second, one after the other.
fn per_second(runtime: &Runtime, call: &impl AsyncFn()) -> f64 {
    let round = Duration::from_millis(amount(ROUND, 5) as u64);
    let start = Instant::now();
    let calls = runtime.block_on(async {
        let mut calls = 0_u32;
        while start.elapsed() < round {
            call().await;
            calls += 1;
        }
        calls
    });
    f64::from(calls) / start.elapsed().as_secs_f64()
}

/// Measures an application whose throttle counts in a store, beside one without a limiter.
fn served(backends: &[(&str, Backend)]) -> Vec<Table> {
    let connections = loopback::CONNECTIONS;
    let title = format!("Requests per second over a shared store, {connections} connections");
    let mut speed = Table::new(title, "1/s", "bare").ours("limited");
    let title =
        format!("Processor time for a request over a shared store, {connections} connections");
    let mut time = Table::new(title, "µs", "bare").ours("limited");
    for (name, backend) in backends {
        let app = attribute(Job::AdmitWithFields).layer(Extension(backend.clone()));
        let [speeds, times] = compare(&format!("`#[throttled]` on {name}"), app);
        speed.push(speeds);
        time.push(times);
    }
    vec![speed, time]
}

fn compare(name: &str, app: Router) -> [Row; 2] {
    let rounds = loopback::compare([app, bare()].map(|app| (Server::start(app), REQUESTS)));
    [
        figures(&rounds, |speed| speed.per_second).row(name, Goal::None),
        figures(&rounds, |speed| speed.microseconds).row(name, Goal::None),
    ]
}
