//! An application and its client on this machine's loopback interface.
//!
//! The client is our own: one thread with `CONNECTIONS` connections, each of which sends a message,
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

use crate::effort::{amount, rounds};
use crate::measure::Rounds;
use crate::process::Thread;

const ROUNDS: usize = 25;
/// Milliseconds.
const ROUND: usize = 150;
/// The number of open connections to each application.
pub const CONNECTIONS: usize = 32;

/// The messages of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    /// Sent once, before all others.
    pub opening: Option<Message>,
    /// Sent again and again.
    pub message: Message,
}

/// A message, and the response to it.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// The bytes to send.
    pub bytes: &'static [u8],
    /// Returns `true` if a response is complete.
    pub is_answered: fn(&[u8]) -> bool,
}

/// The speed of an application in one round.
#[derive(Clone, Copy, Debug)]
pub struct Speed {
    /// Answered messages per second.
    pub per_second: f64,
    /// Microseconds of processor time of the server's thread per message.
    pub microseconds: f64,
}

/// Loads two servers in turn, and returns the speeds of both.
pub fn compare(sides: [(Server, Exchange); 2]) -> Vec<[Speed; 2]> {
    let client = Client { runtime: runtime() };
    let mut sides = sides.map(|(server, exchange)| client.connect(&server, exchange));
    for side in &mut sides {
        client.load(side);
    }
    let rounds = (0..rounds(ROUNDS)).map(|round| {
        let first = round % 2;
        let earlier = client.load(&mut sides[first]);
        let later = client.load(&mut sides[1 - first]);
        if first == 0 {
            [earlier, later]
        } else {
            [later, earlier]
        }
    });
    rounds.collect()
}

/// Selects one figure of each side.
pub fn figures(rounds: &[[Speed; 2]], figure: fn(&Speed) -> f64) -> Rounds {
    Rounds::new(rounds.iter().map(|sides| sides.each_ref().map(figure)))
}

/// An application that listens on loopback.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    thread: Option<Thread>,
}

impl Server {
    /// Starts an application on a thread of its own, which ends with the process.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub fn start(app: Router) -> Self {
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

    /// Creates the server of another process, with one thread.
    pub fn of_process(address: SocketAddr, process: u32) -> Self {
        Self {
            address,
            thread: Some(Thread::of_process(process)),
        }
    }
}

struct Client {
    runtime: Runtime,
}

/// The connections to one server.
struct Connections {
    exchange: Exchange,
    sockets: Vec<TcpStream>,
    thread: Option<Thread>,
}

impl Client {
    fn connect(&self, server: &Server, exchange: Exchange) -> Connections {
        let connect = async || {
            let socket = TcpStream::connect(server.address).await;
            let mut socket = socket.expect("the server listens");
            socket.set_nodelay(true).expect("a socket");
            if let Some(opening) = exchange.opening {
                opening.send(&mut socket, &mut Vec::new()).await;
            }
            socket
        };
        let sockets = (0..CONNECTIONS).map(|_| self.runtime.block_on(connect()));
        Connections {
            exchange,
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
        let message = side.exchange.message;
        let tasks = sockets.map(|socket| {
            let sent = message.send_until(socket, start + round);
            self.runtime.spawn(sent)
        });
        let tasks: Vec<_> = tasks.collect();
        let mut answers = 0;
        for task in tasks {
            let (socket, answered) = self
                .runtime
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

impl Message {
    async fn send(self, socket: &mut TcpStream, answer: &mut Vec<u8>) {
        let sent = socket.write_all(self.bytes).await;
        sent.expect("the server accepts messages");
        answer.clear();
        while !(self.is_answered)(answer) {
            let read = socket.read_buf(answer).await;
            assert!(read.expect("the server responds") > 0);
        }
    }

    async fn send_until(self, mut socket: TcpStream, until: Instant) -> (TcpStream, u32) {
        let mut answer = Vec::with_capacity(1 << 10);
        let mut answered = 0;
        while Instant::now() < until {
            self.send(&mut socket, &mut answer).await;
            answered += 1;
        }
        (socket, answered)
    }
}

fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime")
}
