//! Hot keys of several processes: windows admit exactly the law's number, for few commands.

use std::env;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use traffik::{Backend, DynThrottle, ManualClock};
use traffik_tests::RedisServer;

use super::{LIFE, client, connect, process, throttle};

const PROCESSES: u64 = 4;
const TASKS: u64 = 64;

/// The environment variable with the server's URL for the child processes.
const URL: &str = "TRAFFIK_TEST_LEASES_URL";

/// The time during which child processes hit at full speed.
const TIME: Duration = Duration::from_secs(2);

/// Hits at full speed from many tasks until each has been refused this many times in a row. Returns
/// the number of admitted hits.
async fn exhaust(throttle: &DynThrottle) -> u64 {
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let throttle = throttle.clone();
        tasks.spawn(async move {
            let (mut admitted, mut refused) = (0_u64, 0);
            while refused < 10 {
                let decision = throttle.hit(&client(), 1).await.unwrap();
                refused = if decision.admitted { 0 } else { refused + 1 };
                admitted += u64::from(decision.admitted);
                tokio::task::yield_now().await;
            }
            admitted
        });
    }
    tasks.join_all().await.into_iter().sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn admit_exactly_the_limit_of_a_window() {
    const LIMIT: u64 = 20_000;
    let server = RedisServer::start();
    let clock = ManualClock::new();
    let mut backends = Vec::new();
    for _ in 0..PROCESSES {
        let backend = process(&server, &clock).await;
        backends.push(backend.local_refusals(Duration::ZERO));
    }
    let throttles = backends.iter();
    let throttles: Vec<_> = throttles
        .map(|backend| throttle("one window", "20000/hour", backend))
        .collect();
    for window in 0..3 {
        let mut tasks = JoinSet::new();
        for throttle in &throttles {
            let throttle = throttle.clone();
            tasks.spawn(async move { exhaust(&throttle).await });
        }
        let admitted: u64 = tasks.join_all().await.into_iter().sum();
        assert_eq!(admitted, LIMIT, "window {window}");
        let stat = throttles[0].stat(&client()).await.unwrap();
        assert_eq!(stat.hits_remaining, 0, "window {window}");
        clock.advance(Duration::from_secs(3_600));
    }
}

#[test]
fn cost_less_than_a_tenth_of_a_command_each() {
    let server = RedisServer::start();
    let children = [(); PROCESSES as usize].map(|()| {
        let mut child = Command::new(env::current_exe().expect("this program has a path"));
        let test = "leases::hot_keys::child_process";
        child.args(["--exact", test, "--ignored", "--nocapture"]);
        child.env(URL, server.url()).stdout(Stdio::piped());
        child.spawn().expect("it runs once more")
    });
    let (mut decisions, mut admitted) = (0, 0);
    for child in children {
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "a process failed");
        let text = String::from_utf8(output.stdout).expect("text");
        let line = text.lines().find_map(|line| line.split_once("counted: "));
        let mut counts = line.expect("a line with the counts").1.split(' ');
        let mut count = || counts.next().and_then(|it| it.parse::<u64>().ok());
        decisions += count().expect("a count");
        admitted += count().expect("a count");
    }
    let calls = server.calls("evalsha");
    println!("{decisions} decisions, {admitted} admitted, {calls} calls");
    assert!(
        10 * calls <= decisions,
        "{calls} calls for {decisions} decisions"
    );
    // The window of the first second may have begun before, and the last one may go on.
    let most_windows = TIME.as_secs() + 2;
    assert!(admitted <= most_windows * 100_000, "{admitted} admitted");
}

/// Runs in each child process of the test above.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is a part of `cost_less_than_a_tenth_of_a_command_each`, which runs it"]
async fn child_process() {
    let url = env::var(URL).expect("set by the test above");
    let backend = Backend::redis(url).timeout(Duration::from_secs(5));
    let backend = backend.lease(LIFE).connect().await.unwrap();
    let throttle = throttle("processes", "100000/s", &backend);
    let (start, mut tasks) = (Instant::now(), JoinSet::new());
    for _ in 0..TASKS {
        let throttle = throttle.clone();
        tasks.spawn(async move {
            let (mut decisions, mut admitted) = (0_u64, 0_u64);
            while start.elapsed() < TIME {
                let decision = throttle.hit(&client(), 1).await;
                admitted += u64::from(decision.expect("the server is there").admitted);
                decisions += 1;
                if decisions.is_multiple_of(64) {
                    tokio::task::yield_now().await;
                }
            }
            (decisions, admitted)
        });
    }
    let counts = tasks.join_all().await.into_iter();
    let sum = |(a, b): (u64, u64), (c, d): (u64, u64)| (a + c, b + d);
    let (decisions, admitted) = counts.fold((0, 0), sum);
    println!("counted: {decisions} {admitted}");
}

/// A client below its limit costs the server a few commands in the life of a lease.
#[tokio::test]
async fn cost_a_few_commands_in_the_life_of_a_lease() {
    let server = RedisServer::start();
    let throttle = throttle("one task", "100000000/hour", &connect(&server).await);
    let before = server.calls("evalsha");
    let (start, mut hits) = (Instant::now(), 0_u64);
    while start.elapsed() < 5 * LIFE {
        assert!(throttle.hit(&client(), 1).await.unwrap().admitted);
        hits += 1;
    }
    let calls = server.calls("evalsha") - before;
    println!("{calls} calls for {hits} hits");
    assert!(calls <= 60, "{calls} calls for {hits} hits");
}
