//! Messages through a guarded WebSocket, beside the bare socket.
//!
//! Over TCP, axum's sockets answer each message: with itself, or, if it is refused, with the
//! guard's notice, which is about as long. In memory, tungstenite's sockets read prepared messages
//! without a network, which shows the guard's own cost.

use std::hint::black_box;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::Router;
use axum::extract::FromRequestParts as _;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use futures_util::StreamExt as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::{Builder, Runtime};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;
use traffik::{Limiter, Throttle, throttles};

use crate::apps::request;
use crate::effort::{amount, rounds};
use crate::loopback::{self, CONNECTIONS, Exchange, Message, Server, figures};
use crate::measure::alternate;
use crate::row::{Row, Table};
use crate::spread::Goal;

const ROUNDS: usize = 31;
const MESSAGES: usize = 20_000;

throttles! {
    /// Admits every message.
    pub throttle Admitting(rate = "1000000000/hour");
    /// Refuses every message but one.
    pub throttle Refusing(rate = "1/day");
}

/// Measures text and binary messages, admitted and refused.
pub fn tables() -> Vec<Table> {
    let title = format!(
        "Processor time of the server for a message of a WebSocket, {CONNECTIONS} connections"
    );
    let mut served = Table::new(title, "µs", "bare socket").ours("guard");
    let title = "A message of a WebSocket in memory, without a network";
    let mut in_memory = Table::new(title, "ns", "bare socket").ours("guard");
    for (kind, frame, exchange) in [("text", TEXT, TEXTS), ("binary", BINARY, BINARIES)] {
        let admitted = format!("{kind}, admitted");
        let refused = format!("{kind}, refused");
        served.push(over_tcp::<Admitting>(&admitted, exchange));
        served.push(over_tcp::<Refusing>(&refused, exchange));
        in_memory.push(without_network::<Admitting>(&admitted, frame));
        in_memory.push(without_network::<Refusing>(&refused, frame));
    }
    vec![served, in_memory]
}

fn over_tcp<T: Throttle>(name: &str, exchange: Exchange) -> Row {
    let guarded = Router::new().route("/", get(guarded::<T>));
    let bare = Router::new().route("/", get(bare));
    let rounds = loopback::compare([guarded, bare].map(|app| (Server::start(app), exchange)));
    figures(&rounds, |speed| speed.microseconds).row(name, Goal::AtMost(1.1))
}

async fn bare(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async |mut socket: WebSocket| {
        while let Some(Ok(message)) = socket.recv().await {
            if socket.send(message).await.is_err() {
                break;
            }
        }
    })
}

async fn guarded<T: Throttle>(upgrade: WebSocketUpgrade, limiter: Limiter<T>) -> Response {
    upgrade.on_upgrade(async |socket: WebSocket| {
        let mut socket = limiter.guard(socket);
        while let Some(Ok(message)) = socket.recv().await {
            if socket.send(message).await.is_err() {
                break;
            }
        }
    })
}

/// The payload of every message, of the length of a notice.
const PAYLOAD: &[u8; LENGTH] =
    b"a message that is as long as the notice which a client gets for one that is refused by it";
const LENGTH: usize = 89;
/// A text message of a client.
pub const TEXT: &[u8] = &frame(1);
const BINARY: &[u8] = &frame(2);
const TEXTS: Exchange = exchange(TEXT);
const BINARIES: Exchange = exchange(BINARY);

/// Makes a client's frame, whose mask is zero.
const fn frame(opcode: u8) -> [u8; 6 + LENGTH] {
    let mut frame = [0; 6 + LENGTH];
    frame[0] = 0x80 | opcode;
    frame[1] = 0x80 | LENGTH as u8;
    let mut place = 0;
    while place < LENGTH {
        frame[6 + place] = PAYLOAD[place];
        place += 1;
    }
    frame
}

const fn exchange(bytes: &'static [u8]) -> Exchange {
    Exchange {
        opening: Some(Message {
            bytes: b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            is_answered: |answer| answer.ends_with(b"\r\n\r\n"),
        }),
        message: Message {
            bytes,
            is_answered: is_whole_frame,
        },
    }
}

/// Returns `true` if a frame of a server is complete. It has a length of less than 126, in its
/// second byte.
fn is_whole_frame(answer: &[u8]) -> bool {
    let length = answer.get(1).map(|length| usize::from(*length) + 2);
    length.is_some_and(|length| answer.len() >= length)
}

/// Compares sockets that read prepared messages. A guard that refuses reads until the end.
fn without_network<T: Throttle>(name: &str, frame: &'static [u8]) -> Row {
    let messages = amount(MESSAGES, 20);
    let time = |read: fn(&[u8], usize) -> usize| {
        let start = Instant::now();
        black_box(read(frame, messages));
        start.elapsed().as_nanos() as f64 / messages as f64
    };
    let sides: &mut [&mut dyn FnMut() -> f64] =
        &mut [&mut || time(read_guarded::<T>), &mut || time(read_bare)];
    alternate(rounds(ROUNDS), sides).row(name, Goal::None)
}

/// Reads messages through a guard, without a network, and returns the number of those that are
/// delivered.
///
/// # Panics
///
/// Panics if the throttle is not valid.
pub fn read_guarded<T: Throttle>(frame: &[u8], messages: usize) -> usize {
    runtime().block_on(async {
        let (mut parts, _) = request().into_parts();
        let limiter = Limiter::<T>::from_request_parts(&mut parts, &()).await;
        let limiter = limiter.expect("a limiter");
        limiter.guard(socket(frame, messages).await).count().await
    })
}

/// Reads messages without a guard and without a network, and returns their number.
pub fn read_bare(frame: &[u8], messages: usize) -> usize {
    runtime().block_on(async { socket(frame, messages).await.count().await })
}

async fn socket(frame: &[u8], messages: usize) -> WebSocketStream<Prepared> {
    let prepared = Prepared::new(frame, messages);
    WebSocketStream::from_raw_socket(prepared, Role::Server, None).await
}

fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime")
}

/// Bytes that a socket reads: one frame, again and again. What it writes is dropped.
#[derive(Debug)]
struct Prepared {
    frames: Vec<u8>,
    /// The bytes that are left to read.
    left: usize,
}

impl Prepared {
    /// Frames in the buffer, which is read again and again.
    const FRAMES: usize = 32;

    fn new(frame: &[u8], messages: usize) -> Self {
        Self {
            frames: frame.repeat(Self::FRAMES),
            left: frame.len() * messages,
        }
    }
}

impl AsyncRead for Prepared {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let whole = self.frames.len();
        let from = (whole - self.left % whole) % whole;
        let length = (whole - from).min(buffer.remaining()).min(self.left);
        buffer.put_slice(&self.frames[from..from + length]);
        self.left -= length;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Prepared {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
