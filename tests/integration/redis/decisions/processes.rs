//! Several processes on one key: together they admit exactly the limit.

use std::env;
use std::process::{Command, Stdio};

use tokio::task::JoinSet;
use traffik::{Backend, Identity, ManualClock};
use traffik_tests::RedisServer;

use super::each;

const PROCESSES: usize = 4;
const TASKS: usize = 64;
const LIMIT: u64 = 500;

/// The environment variable with the server's URL for the child processes.
const URL: &str = "TRAFFIK_TEST_REDIS_URL";

#[test]
fn admits_exactly_the_limit_across_four_processes() {
    let server = RedisServer::start();
    let children = [(); PROCESSES].map(|()| {
        let mut child = Command::new(env::current_exe().expect("this program has a path"));
        child.args([
            "--exact",
            "redis::decisions::processes::child_process",
            "--ignored",
            "--nocapture",
        ]);
        child.env(URL, server.url()).stdout(Stdio::piped());
        child.spawn().expect("it runs once more")
    });
    let mut admitted = [0_u64; 13];
    for child in children {
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "a process failed");
        let text = String::from_utf8(output.stdout).expect("text");
        let line = text.lines().find_map(|line| line.split_once("admitted: "));
        let counts = line.expect("a line with the counts").1.split(' ');
        for (sum, count) in admitted.iter_mut().zip(counts) {
            *sum += count.parse::<u64>().expect("a count");
        }
    }
    assert_eq!(admitted, [LIMIT; 13]);
}

/// Runs in each child process of the test above.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is a part of `admits_exactly_the_limit_across_four_processes`, which runs it"]
async fn child_process() {
    let url = env::var(URL).expect("set by the test above");
    let backend = Backend::redis(url)
        .timeout(super::super::PATIENCE)
        .connect()
        .await
        .unwrap();
    let mut admitted = Vec::new();
    for (name, throttle) in each(&backend.clock(ManualClock::new()), LIMIT) {
        let mut tasks = JoinSet::new();
        for _ in 0..TASKS {
            let throttle = throttle.clone();
            tasks.spawn(async move {
                let mut admitted = 0_u64;
                for _ in 0..4 {
                    let decision = throttle.hit(&Identity::new(name), 1).await;
                    admitted += u64::from(decision.expect("the server is there").admitted);
                }
                admitted
            });
        }
        admitted.push(tasks.join_all().await.into_iter().sum::<u64>().to_string());
    }
    println!("admitted: {}", admitted.join(" "));
}
