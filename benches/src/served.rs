//! Requests per second of an axum application with a limiter and without one, over TCP on loopback,
//! and the processor time of the server.

use axum::Router;

use crate::apps::{BODY, Job, attribute, bare, governed, layer, least};
use crate::loopback::{self, CONNECTIONS, Exchange, Message, Server, figures};
use crate::row::{Row, Table};
use crate::spread::Goal;

/// A request to an application of [`apps`](crate::apps), again and again.
pub const REQUESTS: Exchange = Exchange {
    opening: None,
    message: Message {
        bytes: b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n",
        is_answered: is_whole,
    },
};

/// Measures requests per second and the server's processor time for one, with limiters and without.
pub fn tables() -> Vec<Table> {
    let speed = format!("Requests per second, {CONNECTIONS} connections");
    let time = format!("Processor time of the server for a request, {CONNECTIONS} connections");
    let mut speed = Table::new(speed, "1/s", "bare").ours("limited");
    let mut time = Table::new(time, "µs", "bare").ours("limited");
    for job in [Job::AdmitWithFields, Job::Admit] {
        let apps = [
            ("`#[throttled]`", attribute(job), true),
            ("`ThrottleLayer`", layer(job), true),
            ("`tower_governor`", governed(job), false),
            ("the least layer", least(job), false),
        ];
        for (limiter, app, is_ours) in apps {
            let name = format!("{limiter}, {}", job.name());
            let goals = match (is_ours, job) {
                (false, _) => [Goal::None; 2],
                (true, Job::AdmitWithFields) => [Goal::AtLeast(0.95), Goal::AtMost(1.1)],
                (true, _) => [Goal::AtLeast(0.95), Goal::None],
            };
            let [speeds, times] = compare(&name, app, goals);
            speed.push(speeds);
            time.push(times);
        }
    }
    vec![speed, time]
}

fn compare(name: &str, app: Router, goals: [Goal; 2]) -> [Row; 2] {
    let rounds = loopback::compare([app, bare()].map(|app| (Server::start(app), REQUESTS)));
    [
        figures(&rounds, |speed| speed.per_second).row(name, goals[0]),
        figures(&rounds, |speed| speed.microseconds).row(name, goals[1]),
    ]
}

/// Returns `true` if the handler's response is complete; no other response ever is.
pub(crate) fn is_whole(answer: &[u8]) -> bool {
    let body = answer.strip_suffix(BODY.as_bytes());
    body.is_some_and(|head| head.starts_with(b"HTTP/1.1 200") && head.ends_with(b"\r\n\r\n"))
}
