//! One decision on Memcached, beside an equal `ma` sent by hand, on a server of our own, and the
//! number of commands of each.
//!
//! `cargo bench -p traffik-benches --features servers --bench memcached`

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use traffik::strategy::{FixedWindow, SlidingCounter, Strategy, TokenBucket};
use traffik::{Backend, DynThrottle, Identity, Rate};
use traffik_benches::effort::{amount, rounds};
use traffik_benches::measure::alternate;
use traffik_benches::row::{Row, Table, print};
use traffik_benches::spread::Goal;
use traffik_tests::MemcachedServer;

const ROUNDS: usize = 15;
const CALLS: usize = 4_000;
const SOCKETS: usize = 8;

fn main() {
    let calls = amount(CALLS, 40);
    let server = MemcachedServer::start();
    let runtime = Runtime::new().expect("a runtime");
    let backend = Backend::memcached(server.url()).pool_size(SOCKETS);
    let backend = backend.timeout(Duration::from_secs(5)).connect();
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
    print(&[times, commands]);
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
