//! One decision on Memcached, beside an equal `ma` sent by hand, on a server of our own, and the
//! number of commands of each; decisions of many tasks, beside the same `ma` by a pool of
//! `async-memcached` clients.
//!
//! `cargo bench -p traffik-benches --features servers --bench memcached`

use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_memcached::{Client, MetaProtocol as _};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use traffik::strategy::{FixedWindow, SlidingCounter, Strategy, TokenBucket};
use traffik::{Backend, DynThrottle, Identity, Rate};
use traffik_benches::effort::{amount, rounds};
use traffik_benches::measure::{Rounds, alternate};
use traffik_benches::row::{Row, Table, print};
use traffik_benches::spread::Goal;
use traffik_tests::MemcachedServer;

const ROUNDS: usize = 15;
const CALLS: usize = 4_000;
/// The tasks with a socket of their own, and the clients of the pool.
const SOCKETS: usize = 8;
/// The tasks of which the throughput is measured.
const TASKS: [usize; 4] = [1, 16, 64, 256];
const CALLS_OF_ALL_TASKS: usize = 16_384;

fn main() {
    let calls = amount(CALLS, 40);
    let server = MemcachedServer::start();
    let runtime = Runtime::new().expect("a runtime");
    let backend = Backend::memcached(server.url()).timeout(Duration::from_secs(5));
    let backend = backend.connect();
    let backend = runtime.block_on(backend).expect("the server responds");
    let hour = Rate::per_hour;
    let ours = [
        (
            "an admitted hit, fixed window",
            throttle(&backend, FixedWindow::new(), hour(u32::MAX.into())),
        ),
        (
            "a refused hit, fixed window",
            throttle(&backend, FixedWindow::new(), hour(1)),
        ),
        (
            "an admitted hit, token bucket",
            throttle(&backend, TokenBucket::new(), hour(1_000_000_000)),
        ),
        (
            "an admitted hit, sliding counter",
            throttle(&backend, SlidingCounter::new(), hour(1_000_000_000)),
        ),
    ];
    let mut times = Table::new("A hit in Memcached, by tasks", "µs", "a bare `ma`");
    let title = "Commands for a hit in Memcached";
    let mut commands = Table::new(title, "count", "a bare `ma`");
    for (name, throttle) in &ours {
        for tasks in [1, SOCKETS] {
            let name = format!("{name}, {tasks} tasks");
            let hit = || {
                run(&runtime, tasks, |task| {
                    hits(throttle.clone(), task, calls / tasks)
                })
            };
            let add = || {
                run(&runtime, tasks, |task| {
                    adds(server.port(), task, calls / tasks)
                })
            };
            let before = server.command_count();
            hit();
            let count = (server.command_count() - before) as f64 / calls as f64;
            commands.push(Row::count(&name, count, 1.0, Goal::None));
            let sides: &mut [&mut dyn FnMut() -> f64] = &mut [&mut || hit(), &mut || add()];
            times.push(alternate(rounds(ROUNDS), sides).row(&name, Goal::None));
        }
    }
    let mut tables = vec![times, commands];
    tables.extend(many_tasks(&runtime, &server, &ours[0].1));
    print(&tables);
}

fn throttle(backend: &Backend, strategy: impl Strategy, rate: Rate) -> Arc<DynThrottle> {
    let builder = DynThrottle::builder(format!("{strategy:?} {rate}")).rate(rate);
    let builder = builder.strategy(strategy).backend(backend.clone());
    Arc::new(builder.build().expect("the settings are valid"))
}

/// Returns microseconds per call over all tasks; each task has a client of its own.
fn run<F>(runtime: &Runtime, tasks: usize, work: impl Fn(usize) -> F) -> f64
where
    F: Future<Output = ()> + Send + 'static,
{
    let start = Instant::now();
    let running: Vec<_> = (0..tasks).map(|task| runtime.spawn(work(task))).collect();
    for task in running {
        runtime.block_on(task).expect("no task panics");
    }
    start.elapsed().as_secs_f64() * 1e6 / amount(CALLS, 40) as f64
}

async fn hits(throttle: Arc<DynThrottle>, task: usize, calls: usize) {
    let client = Identity::new(format!("user:{task:08}"));
    for _ in 0..calls {
        black_box(throttle.hit(&client, 1).await.expect("the server responds"));
    }
}

/// Sends the same command without a limiter around it, over one open connection.
async fn adds(port: u16, task: usize, calls: usize) {
    let stream = TcpStream::connect(("127.0.0.1", port))
        .await
        .expect("the server responds");
    stream.set_nodelay(true).expect("a socket");
    let mut stream = BufReader::new(stream);
    let command =
        format!("ma {{traffik:id:user%3A{task:08}}}:raw@3600000000.500000 N3600 J1 D1 v t O1\r\n");
    let mut line = String::new();
    for _ in 0..calls {
        stream
            .get_mut()
            .write_all(command.as_bytes())
            .await
            .expect("the server accepts commands");
        for _ in 0..2 {
            line.clear();
            stream
                .read_line(&mut line)
                .await
                .expect("the server responds");
        }
        black_box(&line);
    }
}

/// Measures decisions of many tasks beside the same command by a pool: the time of a decision, and
/// the latency for its task.
fn many_tasks(
    runtime: &Runtime,
    server: &MemcachedServer,
    throttle: &Arc<DynThrottle>,
) -> Vec<Table> {
    let pool = Arc::new(runtime.block_on(Pool::connect(&server.url())));
    let title = |of| format!("{of} an admitted hit in Memcached, of many tasks");
    let titles = ["The time of", "Median latency of", "Latency (p99) of"];
    let mut tables = titles.map(|of| Table::new(title(of), "µs", "a pool of `async-memcached`"));
    for tasks in TASKS {
        let calls = amount(CALLS_OF_ALL_TASKS, 256) / tasks;
        let hit = || {
            latencies(runtime, tasks, |task| {
                timed_hits(throttle.clone(), task, calls)
            })
        };
        let add = || latencies(runtime, tasks, |task| pool.clone().timed_adds(task, calls));
        hit();
        add();
        let rounds: Vec<_> = (0..rounds(ROUNDS))
            .map(|round| {
                if round % 2 == 0 {
                    let hits = hit();
                    (hits, add())
                } else {
                    let adds = add();
                    (hit(), adds)
                }
            })
            .collect();
        for (place, table) in tables.iter_mut().enumerate() {
            let rounds = rounds.iter().map(|(hits, adds)| [hits[place], adds[place]]);
            let row = Rounds::new(rounds).row(format!("{tasks} tasks"), Goal::None);
            table.push(row);
        }
    }
    tables.into()
}

/// Returns microseconds per call over all tasks, and the median and the 99th percentile of the
/// latencies that they measured.
fn latencies<F>(runtime: &Runtime, tasks: usize, work: impl Fn(usize) -> F) -> [f64; 3]
where
    F: Future<Output = Vec<Duration>> + Send + 'static,
{
    let start = Instant::now();
    let running: Vec<_> = (0..tasks).map(|task| runtime.spawn(work(task))).collect();
    let mut latencies = Vec::new();
    for task in running {
        latencies.extend(runtime.block_on(task).expect("no task panics"));
    }
    let took = start.elapsed();
    latencies.sort_unstable();
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let at = |share: usize| micros(latencies[latencies.len() * share / 100]);
    [micros(took) / latencies.len() as f64, at(50), at(99)]
}

async fn timed_hits(throttle: Arc<DynThrottle>, task: usize, calls: usize) -> Vec<Duration> {
    let client = Identity::new(format!("user:{task:08}"));
    let mut latencies = Vec::with_capacity(calls);
    for _ in 0..calls {
        let start = Instant::now();
        black_box(throttle.hit(&client, 1).await.expect("the server responds"));
        latencies.push(start.elapsed());
    }
    latencies
}

/// A pool of clients, each of which serves one task at a time.
struct Pool {
    free: Semaphore,
    clients: Mutex<Vec<Client>>,
}

impl Pool {
    async fn connect(url: &str) -> Self {
        let mut clients = Vec::new();
        for _ in 0..SOCKETS {
            let client = Client::new(format!("tcp://{url}")).await;
            clients.push(client.expect("the server responds"));
        }
        Self {
            free: Semaphore::new(SOCKETS),
            clients: Mutex::new(clients),
        }
    }

    /// Sends the command that counts a hit.
    async fn timed_adds(self: Arc<Self>, task: usize, calls: usize) -> Vec<Duration> {
        let key = format!("{{traffik:id:user%3A{task:08}}}:pool@3600000000.500000");
        let mut latencies = Vec::with_capacity(calls);
        for call in 0..calls {
            let start = Instant::now();
            let _permit = self.free.acquire().await.expect("the pool is never closed");
            let client = self.clients.lock().expect("no task panics").pop();
            let mut client = client.expect("there is a client for each permit");
            let opaque = call.to_string();
            let flags = ["N3600", "J1024", "v", "t", "c"];
            let added = client
                .meta_increment(
                    &key,
                    false,
                    Some(opaque.as_bytes()),
                    Some(1024),
                    Some(&flags),
                )
                .await;
            let added = added.expect("the server responds").and_then(|it| it.data);
            let number = added.and_then(|data| String::from_utf8(data).ok());
            let number: u64 = number.and_then(|it| it.parse().ok()).expect("a number");
            black_box(number);
            self.clients.lock().expect("no task panics").push(client);
            latencies.push(start.elapsed());
        }
        latencies
    }
}
