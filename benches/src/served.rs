//! Requests per second of an axum application with a limiter and without one, over TCP on loopback.
//!
//! The client is our own: one thread with `CONNECTIONS` connections, each of which sends a request,
//! waits for the whole response, and sends the next. Each application has one thread. Where the
//! kernel reports a thread's processor time, this does too: it leaves out the work of the client,
//! which hides differences.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use axum::Router;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

use crate::apps::{BODY, Job, attribute, bare, governed, layer, least};
use crate::effort::{amount, rounds};
use crate::measure::Rounds;
use crate::process::Thread;
use crate::row::{Row, Table};
use crate::spread::Goal;

const ROUNDS: usize = 25;
/// Milliseconds.
const ROUND: usize = 150;
const CONNECTIONS: usize = 32;
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

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
    let client = Client::new();
    let with = client.connect(&Server::start(app));
    let without = client.connect(&Server::start(bare()));
    let mut sides = [with, without];
    for side in &mut sides {
        client.load(side);
    }
    let rounds: Vec<[Speed; 2]> = (0..rounds(ROUNDS))
        .map(|round| {
            let first = round % 2;
            let earlier = client.load(&mut sides[first]);
            let later = client.load(&mut sides[1 - first]);
            if first == 0 {
                [earlier, later]
            } else {
                [later, earlier]
            }
        })
        .collect();
    let figures = |figure: fn(&Speed) -> f64| {
        Rounds::new(rounds.iter().map(|sides| sides.each_ref().map(figure)))
    };
    [
        figures(|speed| speed.per_second).row(name, goals[0]),
        figures(|speed| speed.microseconds).row(name, goals[1]),
    ]
}

/// An application on a thread of its own that ends with the process.
struct Server {
    address: SocketAddr,
    thread: Option<Thread>,
}

impl Server {
    fn start(app: Router) -> Self {
        let (started, server) = mpsc::channel();
        std::thread::spawn(move || {
            runtime().block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await;
                let listener = listener.expect("a free port");
                let server = Self {
                    address: listener.local_addr().expect("its port"),
                    thread: Thread::current(),
                };
                let _ = started.send(server);
                let app = app.into_make_service_with_connect_info::<SocketAddr>();
                axum::serve(listener, app).await
            })
        });
        server.recv().expect("a server")
    }
}

struct Client(Runtime);

/// The connections to one server.
struct Connections {
    sockets: Vec<TcpStream>,
    thread: Option<Thread>,
}

struct Speed {
    per_second: f64,
    /// Processor time of the server's thread per request.
    microseconds: f64,
}

impl Client {
    fn new() -> Self {
        Self(runtime())
    }

    fn connect(&self, server: &Server) -> Connections {
        let connect = async || {
            let socket = TcpStream::connect(server.address).await;
            let socket = socket.expect("the server listens");
            socket.set_nodelay(true).expect("a socket");
            socket
        };
        let sockets = (0..CONNECTIONS).map(|_| self.0.block_on(connect()));
        Connections {
            sockets: sockets.collect(),
            thread: server.thread.clone(),
        }
    }

    /// Sends requests as fast as the server responds.
    fn load(&self, side: &mut Connections) -> Speed {
        let time = |side: &Connections| side.thread.as_ref().and_then(Thread::time);
        let round = Duration::from_millis(amount(ROUND, 10) as u64);
        let (before, start) = (time(side), Instant::now());
        let sockets = side.sockets.drain(..);
        let tasks = sockets.map(|socket| self.0.spawn(send_requests(socket, start + round)));
        let tasks: Vec<_> = tasks.collect();
        let mut answers = 0;
        for task in tasks {
            let (socket, answered) = self
                .0
                .block_on(task)
                .expect("every request gets a response");
            side.sockets.push(socket);
            answers += answered;
        }
        let answers = f64::from(answers);
        let took = time(side)
            .zip(before)
            .map(|(after, before)| after.saturating_sub(before));
        Speed {
            per_second: answers / start.elapsed().as_secs_f64(),
            microseconds: took.map_or(f64::NAN, |took| took.as_secs_f64() * 1e6 / answers),
        }
    }
}

async fn send_requests(mut socket: TcpStream, until: Instant) -> (TcpStream, u32) {
    let mut answer = Vec::with_capacity(1 << 10);
    let mut answered = 0;
    while Instant::now() < until {
        socket
            .write_all(REQUEST)
            .await
            .expect("the server accepts requests");
        answer.clear();
        while !is_whole(&answer) {
            let read = socket.read_buf(&mut answer).await;
            assert!(read.expect("the server responds") > 0);
        }
        answered += 1;
    }
    (socket, answered)
}

/// Returns `true` if the handler's response is complete; no other response ever is.
fn is_whole(answer: &[u8]) -> bool {
    let body = answer.strip_suffix(BODY.as_bytes());
    body.is_some_and(|head| head.starts_with(b"HTTP/1.1 200") && head.ends_with(b"\r\n\r\n"))
}

fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime")
}
