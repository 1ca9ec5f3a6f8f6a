//! One connection, which any number of exchanges share.
//!
//! Replies come in the order of the requests, and each repeats the number of its request. So
//! exchanges are written one behind the other, without waiting for replies, and the replies are
//! matched with them in that order. A connection on which a reply does not match is closed.
//!
//! Callers come and go without an effect on the connection: the answer to one that has gone is read
//! and dropped. A connection is judged by what is read from it alone. If nothing was read for three
//! times the time limit of an operation, although an answer was due, it is retired: it gets no more
//! exchanges, and waits for late answers. A new connection gets a second exchange only after it has
//! answered the first one, and is retired earlier. A silent one is sent a probe.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until, timeout};

use crate::store::caller::PATIENCE;
use crate::store::memcached::buffered_socket::BufferedSocket;
use crate::store::memcached::connector::Connector;
use crate::store::memcached::error::Failed;
use crate::store::memcached::handshake::Socket;
use crate::store::memcached::in_flight::InFlight;
use crate::store::memcached::meta_protocol::decode::next_reply;
use crate::store::memcached::meta_protocol::reply::Head;
use crate::store::memcached::request_queue::RequestQueue;

/// The number of operations' times for which a connection may be silent while an answer is due. A
/// server may be busy for longer than an operation waits.
const STALLS: u32 = 3;

/// The shortest time limit by which a connection is judged.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(10);

/// The time without an answer after which an idle connection is probed, so that the next caller
/// does not have to discover that it is broken.
const IDLE: Duration = Duration::from_secs(1);

/// A request that does nothing.
const PROBE: &[u8] = b"mn\r\n";

/// The number of exchanges that may wait for replies.
const MAX_IN_FLIGHT: usize = 4_096;

/// The number of bytes from which on no more are collected for one write.
const WRITE_SIZE: usize = 64 << 10;

/// Errors of the server after which the next reply certainly belongs to the next request. Other
/// errors may be the reply to a part of a request.
const FRAMED_ERRORS: [&str; 2] = [
    "CLIENT_ERROR cannot increment or decrement non-numeric value",
    "SERVER_ERROR out of memory storing object",
];

/// A socket, the queue of its exchanges, and those that were written.
pub(crate) struct Connection {
    socket: BufferedSocket,
    queue: Arc<RequestQueue>,
    connector: Arc<Connector>,
    in_flight: InFlight,
    last_read: Instant,
    has_answered: bool,
    /// Set while the callers that were just answered get time to send more.
    has_yielded: bool,
    is_retired: bool,
    /// Ends when the connection is to be judged, or earlier.
    timer: Pin<Box<Sleep>>,
}

/// The reason for which a connection gets no more exchanges.
#[derive(Debug)]
pub(crate) enum End {
    /// It is unusable.
    Broken(Failed),
    /// It may still answer.
    Retired(Failed),
    /// The queue was closed.
    Closed,
}

impl Connection {
    pub(crate) fn new(socket: Socket, queue: Arc<RequestQueue>, connector: Arc<Connector>) -> Self {
        let now = Instant::now();
        Self {
            socket: BufferedSocket::new(socket),
            queue,
            connector,
            in_flight: InFlight::default(),
            last_read: now,
            has_answered: false,
            has_yielded: false,
            is_retired: false,
            timer: Box::pin(sleep_until(now + IDLE)),
        }
    }

    /// Returns `true` if the server has answered.
    pub(crate) const fn has_answered(&self) -> bool {
        self.has_answered
    }

    /// Writes the exchanges of the queue, and answers them, until the connection has ended.
    pub(crate) async fn serve(&mut self) -> End {
        let end = poll_fn(|context| match self.poll_exchanges(context) {
            Err(end) => Poll::Ready(end),
            Ok(()) => self.poll_silence(context),
        });
        let end = end.await;
        if let End::Broken(failed) = &end {
            self.in_flight.fail(failed, self.socket.written());
        }
        end
    }

    /// Reads late answers, as long as somebody may wait for them.
    pub(crate) async fn drain(mut self) {
        self.is_retired = true;
        let drained = poll_fn(|context| match self.poll_exchanges(context) {
            Err(End::Broken(failed)) => {
                self.in_flight.fail(&failed, self.socket.written());
                Poll::Ready(())
            }
            _ if self.in_flight.is_empty() => Poll::Ready(()),
            _ => Poll::Pending,
        });
        let _ = timeout(PATIENCE, drained).await;
    }

    /// Reads and writes as much as is possible now.
    fn poll_exchanges(&mut self, context: &mut Context<'_>) -> Result<(), End> {
        loop {
            let answered = self.poll_replies(context)?;
            if answered > 1 && !self.has_yielded {
                // The callers run first, and their next requests are written at once.
                self.has_yielded = true;
                context.waker().wake_by_ref();
                return Ok(());
            }
            self.has_yielded = false;
            let may_be_more = self.take_exchanges(context)?;
            match self.socket.poll_write(context) {
                Poll::Ready(Ok(())) if may_be_more => {}
                Poll::Ready(Err(error)) => return Err(broken(error)),
                _ => return Ok(()),
            }
        }
    }

    /// Reads replies, and returns the number of callers that were answered.
    fn poll_replies(&mut self, context: &mut Context<'_>) -> Result<usize, End> {
        let mut answered = 0;
        loop {
            answered += self.answer()?;
            match self.socket.poll_read(context) {
                Poll::Pending => return Ok(answered),
                Poll::Ready(Ok(())) => self.last_read = Instant::now(),
                Poll::Ready(Err(error)) => return Err(broken(error)),
            }
        }
    }

    /// Answers callers by the replies that were read, and returns their number.
    fn answer(&mut self) -> Result<usize, End> {
        let mut answered = 0;
        while !self.socket.input.is_empty() {
            let head = next_reply(&mut self.socket.input);
            let failed = match head.map_err(|_| End::Broken(Failed::Protocol))? {
                Some(Head::Reply(opaque, reply, _)) => {
                    let is_awaited = self.in_flight.reply(opaque, reply);
                    answered += usize::from(is_awaited.map_err(End::Broken)?);
                    self.record_answer();
                    continue;
                }
                Some(Head::NoOp) => {
                    self.in_flight.probed().map_err(End::Broken)?;
                    self.record_answer();
                    continue;
                }
                // The beginning of a reply to nothing.
                None if self.in_flight.is_empty() => return Err(End::Broken(Failed::Protocol)),
                None => break,
                Some(Head::Unauthenticated) => {
                    Failed::Unauthenticated("the server requires a user and a password")
                }
                Some(Head::ServerError(line)) => Failed::ServerError(line),
                Some(Head::Unclear(line)) => Failed::Unclear(line),
                Some(Head::Refused(line)) => Failed::Refused(line),
            };
            self.refuse(failed)?;
        }
        Ok(answered)
    }

    /// Records that the server answers.
    fn record_answer(&mut self) {
        if !self.has_answered {
            self.has_answered = true;
            self.connector.connected();
        }
    }

    /// Answers the first exchange with an error.
    fn refuse(&mut self, failed: Failed) -> Result<(), End> {
        // A server or a proxy that does not know probes has answered.
        if self.in_flight.is_probe() {
            return self.in_flight.probed().map_err(End::Broken);
        }
        if self.is_retired {
            // It could belong to the same request as an earlier error.
            return Err(End::Broken(Failed::Protocol));
        }
        self.in_flight.refuse(failed.clone()).map_err(End::Broken)?;
        if FRAMED_ERRORS.contains(&&*failed.to_string()) {
            self.record_answer();
            return Ok(());
        }
        Err(End::Retired(failed))
    }

    /// Takes exchanges from the queue. Returns `true` if there may be more.
    fn take_exchanges(&mut self, context: &Context<'_>) -> Result<bool, End> {
        let (mut may_be_more, mut now) = (false, None);
        while self.has_room() {
            match self.queue.poll_next(context) {
                Poll::Pending => return Ok(false),
                Poll::Ready(None) => return Err(End::Closed),
                Poll::Ready(Some(next)) => {
                    let position = self.socket.push(&next.requests.bytes);
                    let opaques = next.requests.opaques;
                    let now = *now.get_or_insert_with(Instant::now);
                    self.in_flight.push(opaques, next.answer, position, now);
                    may_be_more = true;
                }
            }
        }
        Ok(may_be_more)
    }

    fn has_room(&self) -> bool {
        let max_in_flight = if self.has_answered { MAX_IN_FLIGHT } else { 1 };
        let has_place = self.in_flight.len() < max_in_flight;
        !self.is_retired && has_place && self.socket.unwritten() < WRITE_SIZE
    }

    /// Waits until the connection has been silent for too long.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<End> {
        loop {
            let due = self.due();
            if due < self.timer.deadline() {
                self.timer.as_mut().reset(due);
            }
            if self.timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() < due {
                // Something was read or written since the timer was set.
                self.timer.as_mut().reset(due);
            } else if self.in_flight.is_empty() {
                let position = self.socket.push(PROBE);
                self.in_flight.push_probe(position, due);
                if let Poll::Ready(Err(error)) = self.socket.poll_write(context) {
                    return Poll::Ready(broken(error));
                }
            } else {
                return Poll::Ready(End::Retired(Failed::Timeout(self.connector.timeout)));
            }
        }
    }

    /// Returns the moment at which the connection has been silent for too long, if nothing is read
    /// until then.
    fn due(&self) -> Instant {
        let Some(sent) = self.in_flight.first_sent() else {
            return self.last_read + IDLE;
        };
        let is_half = !self.socket.input.is_empty();
        let stalls = match (self.has_answered, is_half) {
            (true, false) => STALLS,
            _ => 1,
        };
        sent.max(self.last_read) + self.connector.timeout.max(SHORTEST_TIMEOUT) * stalls
    }
}

fn broken(error: io::Error) -> End {
    End::Broken(Failed::broken(error))
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
