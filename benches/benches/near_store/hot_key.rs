//! One hot key, hit by four processes of 64 tasks: by leases, and by one script a decision.
//!
//! The processes are this program, started again with a side and a URL in its environment.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use redis::{Client, Script};
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;
use traffik::strategy::FixedWindow;
use traffik::{Backend, DynThrottle, Identity, Rate};
use traffik_benches::effort::{amount, rounds};
use traffik_benches::measure::Rounds;
use traffik_benches::row::{Row, Table};
use traffik_benches::spread::Goal;
use traffik_tests::RedisServer;

use crate::WINDOW;

const PROCESSES: usize = 4;
const TASKS: usize = 64;
const LEASE: Duration = Duration::from_millis(200);
const LIMIT: u64 = 1_000_000_000;
const ROUNDS: usize = 7;
/// The length of a round, in milliseconds.
const ROUND: usize = 1_000;
/// The environment of a child: its side, and the URL of the server.
const SIDE: &str = "TRAFFIK_BENCH_SIDE";
const URL: &str = "TRAFFIK_BENCH_URL";

#[derive(Clone, Copy)]
enum Side {
    Leases,
    Script,
}

/// A process that hits the key in each round.
struct Worker {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

/// The decisions a second of all processes, and the commands that each cost.
struct Round {
    per_second: f64,
    commands: f64,
}

/// Runs this process as a worker, if it is one.
pub(crate) fn work_if_child() -> bool {
    let (Ok(side), Ok(url)) = (env::var(SIDE), env::var(URL)) else {
        return false;
    };
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    if side == "leases" {
        let backend = Backend::redis(url).lease(LEASE).connect();
        let backend = runtime.block_on(backend).expect("the server responds");
        let throttle = DynThrottle::builder("hot").strategy(FixedWindow::new());
        let throttle = throttle.rate(Rate::per_day(LIMIT)).backend(backend);
        let (throttle, client) = (throttle.build().expect("valid"), Identity::new("user:7"));
        serve(
            &runtime,
            &Rc::new(async move || {
                let decided = throttle.hit(&client, 1).await;
                assert!(decided.expect("the server responds").admitted);
            }),
        );
    } else {
        let client = Client::open(url).expect("a URL");
        let connection = runtime.block_on(client.get_multiplexed_async_connection());
        let connection = connection.expect("the server responds");
        let script = Script::new(WINDOW);
        serve(
            &runtime,
            &Rc::new(async move || {
                let mut call = script.key("peer:hot:");
                let called = call.arg(86_400).arg(LIMIT);
                let called = called.invoke_async(&mut connection.clone()).await;
                let _: i64 = called.expect("the server responds");
            }),
        );
    }
    true
}

/// Hits the key for as many milliseconds as each line of the input says, and prints the number of
/// hits.
fn serve(runtime: &Runtime, call: &Rc<impl AsyncFn() + 'static>) {
    println!("ready");
    for line in std::io::stdin().lines() {
        let millis = line.ok().and_then(|line| line.parse().ok());
        let round = Duration::from_millis(millis.expect("a number"));
        let (set, start) = (LocalSet::new(), Instant::now());
        let tasks = (0..TASKS).map(|_| {
            let call = call.clone();
            set.spawn_local(async move {
                let mut hits = 0_u64;
                while start.elapsed() < round {
                    call().await;
                    hits += 1;
                    // Hits by a lease are ready at once.
                    if hits.is_multiple_of(64) {
                        tokio::task::yield_now().await;
                    }
                }
                hits
            })
        });
        let tasks: Vec<_> = tasks.collect();
        let hits = runtime.block_on(set.run_until(async move {
            let mut hits = 0;
            for task in tasks {
                hits += task.await.expect("no task panics");
            }
            hits
        }));
        println!("{hits}");
    }
}

impl Worker {
    fn start(side: Side, server: &RedisServer) -> Self {
        let name = match side {
            Side::Leases => "leases",
            Side::Script => "script",
        };
        let program = env::current_exe().expect("the path of this program");
        let mut command = Command::new(program);
        command.env(SIDE, name).env(URL, server.url());
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("this program can be started");
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut worker = Self { child, lines };
        assert_eq!(worker.line(), "ready");
        worker
    }

    fn begin(&mut self, millis: usize) {
        let input = self.child.stdin.as_mut().expect("a pipe");
        writeln!(input, "{millis}").expect("the worker reads");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("the worker writes");
        line.trim_end().to_owned()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Measures the hot key on both sides in turn.
pub(crate) fn tables(server: &RedisServer) -> Vec<Table> {
    let sides = [Side::Leases, Side::Script];
    let mut sides = sides.map(|side| {
        let workers = (0..PROCESSES).map(|_| Worker::start(side, server));
        workers.collect::<Vec<_>>()
    });
    // The first round measures the demand.
    let _ = sides.each_mut().map(|workers| round(workers, server));
    let rounds: Vec<_> = (0..rounds(ROUNDS))
        .map(|_| sides.each_mut().map(|workers| round(workers, server)))
        .collect();
    let figures = |figure: fn(&Round) -> f64| {
        let rounds = rounds.iter();
        Rounds::new(rounds.map(|sides| sides.each_ref().map(figure)))
    };
    let name = format!("{PROCESSES} processes, {TASKS} tasks each");
    let speed = figures(|round| round.per_second).row(&name, Goal::AtLeast(10.0));
    let commands = figures(|round| round.commands);
    let commands = Row::count(
        name,
        commands.median(0),
        commands.median(1),
        Goal::AtMost(0.1),
    );
    let tables = [
        ("Decisions on a hot key by leases of 200 ms", "1/s", speed),
        (
            "Commands for a decision by leases of 200 ms",
            "count",
            commands,
        ),
    ];
    let tables = tables.map(|(title, unit, row)| {
        let mut table = Table::new(title, unit, "one script a decision");
        table.push(row);
        table
    });
    tables.into()
}

fn round(workers: &mut [Worker], server: &RedisServer) -> Round {
    let (before, start) = (server.calls("evalsha"), Instant::now());
    for worker in &mut *workers {
        worker.begin(amount(ROUND, 20));
    }
    let hits = workers
        .iter_mut()
        .map(|worker| worker.line().parse::<f64>());
    let hits: f64 = hits.map(|hits| hits.expect("a number")).sum();
    Round {
        per_second: hits / start.elapsed().as_secs_f64(),
        commands: (server.calls("evalsha") - before) as f64 / hits,
    }
}
