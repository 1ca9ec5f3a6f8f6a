//! Several processes on one key: together they admit exactly what the law allows.

use std::env;
use std::process::{Command, Stdio};

use tokio::task::JoinSet;
use traffik::{Backend, Identity, ManualClock};
use traffik_tests::RedisServer;

use super::each;

const PROCESSES: usize = 4;
const TASKS: usize = 64;
const LIMIT: u64 = 500;

/// What a child process is told the server by.
const URL: &str = "TRAFFIK_TEST_REDIS_URL";

#[test]
fn four_processes_on_one_key() {
    let server = RedisServer::start();
    let children = [(); PROCESSES].map(|()| {
        let mut child = Command::new(env::current_exe().expect("this program has a path"));
        child.args([
            "--exact",
            "redis::decisions::processes::one_of_them",
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
        let counts = line.expect("it says what it was admitted").1.split(' ');
        for (sum, count) in admitted.iter_mut().zip(counts) {
            *sum += count.parse::<u64>().expect("a count");
        }
    }
    assert_eq!(admitted, [LIMIT; 13]);
}

/// Run by the test above, several times at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is a part of `four_processes_on_one_key`, which runs it"]
async fn one_of_them() {
    let url = env::var(URL).expect("the test above says where the server is");
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
