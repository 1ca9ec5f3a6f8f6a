//! Requests per second of an axum application and of the same application in Python, each with
//! limiters and without, over TCP on loopback.
//!
//! The Python library has the name and the features that this one re-imagines; `slowapi` is the
//! limiter that most applications of `FastAPI` have. Both count in memory, as this one does, and
//! each server has one thread.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::Duration;

use axum::Router;

use crate::apps::{Job, attribute, bare};
use crate::loopback::{self, Exchange, Message, Server, figures};
use crate::measure::Rounds;
use crate::row::Table;
use crate::served::is_whole;
use crate::spread::Goal;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python");
/// Tries to connect to a server that starts, a tenth of a second apart.
const TRIES: usize = 300;

const ROOT: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
const BARE: &[u8] = b"GET /bare HTTP/1.1\r\nhost: localhost\r\n\r\n";
const PEERS: [(&str, &[u8]); 2] = [
    (
        "`traffik` of Python",
        b"GET /traffik HTTP/1.1\r\nhost: localhost\r\n\r\n",
    ),
    (
        "`slowapi`",
        b"GET /slowapi HTTP/1.1\r\nhost: localhost\r\n\r\n",
    ),
];

/// Measures requests per second, and the processor time that each limiter adds to one. `uvicorn` is
/// the path of the server's program.
pub fn tables(uvicorn: &str) -> Vec<Table> {
    let uvicorn = Uvicorn::start(uvicorn);
    let limited = || attribute(Job::Admit);
    let mut speed =
        Table::new("Requests per second of a limited handler", "1/s", "Python").ours("axum");
    let mut added = Table::new(
        "Processor time that a limiter adds to a request",
        "µs",
        "Python",
    );

    let in_rust = sides(app(limited()), app(bare()));
    for (name, request) in PEERS {
        let rounds = loopback::compare([app(limited()), uvicorn.side(request)]);
        let speeds = figures(&rounds, |speed| speed.per_second);
        speed.push(speeds.row(name, Goal::None));

        let in_python = sides(uvicorn.side(request), uvicorn.side(BARE));
        let added_time = in_rust
            .iter()
            .zip(&in_python)
            .map(|(ours, peer)| [*ours, *peer]);
        added.push(Rounds::new(added_time).row(name, Goal::None));
    }
    vec![speed, added]
}

type Side = (Server, Exchange);

/// Returns the processor time that the limited side needs more than the other, by round.
fn sides(limited: Side, bare: Side) -> Vec<f64> {
    let rounds = loopback::compare([limited, bare]);
    let added = rounds
        .iter()
        .map(|[limited, bare]| limited.microseconds - bare.microseconds);
    added.collect()
}

fn app(app: Router) -> Side {
    (Server::start(app), exchange(ROOT))
}

fn exchange(request: &'static [u8]) -> Exchange {
    Exchange {
        opening: None,
        message: Message {
            bytes: request,
            is_answered: is_whole,
        },
    }
}

/// A server of the applications in Python, with one thread; stopped when it is dropped.
struct Uvicorn {
    process: Child,
    address: SocketAddr,
}

impl Uvicorn {
    fn start(program: &str) -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = free.local_addr().expect("its port");
        drop(free);
        let port = address.port().to_string();
        let mut command = Command::new(program);
        command.args(["app:app", "--app-dir", FOLDER, "--port", &port]);
        command.args(["--no-access-log", "--log-level", "warning"]);
        let process = command.spawn().expect("uvicorn is installed");
        let server = Self { process, address };
        for _ in 0..TRIES {
            if TcpStream::connect(address).is_ok() {
                return server;
            }
            sleep(Duration::from_millis(100));
        }
        panic!("uvicorn does not listen");
    }

    fn side(&self, request: &'static [u8]) -> Side {
        let server = Server::of_process(self.address, self.process.id());
        (server, exchange(request))
    }
}

impl Drop for Uvicorn {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
