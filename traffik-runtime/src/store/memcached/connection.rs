//! One socket, which one exchange uses at a time.
//!
//! Replies come in the order of the requests. So a socket on which an exchange ended early, or on
//! which an unexpected reply was read, is never used again.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use smallvec::SmallVec;
use tokio::io::{AsyncRead as _, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};

use crate::resilience::backoff::random;
use crate::store::memcached::error::Failed;
use crate::store::memcached::handshake::{Credentials, Handshake, Socket};
use crate::store::memcached::meta_protocol::reply::{Head, Reply, head};
use crate::store::memcached::meta_protocol::request::{Opaque, Request};
use crate::store::memcached::nodes::Address;

/// The replies of one exchange, which mostly has one request.
pub(crate) type Replies = SmallVec<[Reply; 2]>;

/// The numbers of the requests of one exchange.
pub(crate) type Opaques = SmallVec<[Opaque; 2]>;

/// The length beyond which a line is no reply.
const LONGEST_LINE: usize = 2_048;

/// The greatest size of a value in bytes: sixteen times Memcached's default.
const LARGEST_VALUE: usize = 16 << 20;

/// A socket and its buffers.
pub(crate) struct Connection {
    socket: Socket,
    /// The bytes that were read and not yet parsed.
    input: Vec<u8>,
    output: Vec<u8>,
    /// Set while every request has its reply and nothing else was read.
    idle: bool,
}

impl Connection {
    /// Connects, and authenticates if there are credentials.
    pub(crate) async fn open(address: &Address, handshake: &Handshake) -> Result<Self, Failed> {
        let socket = handshake
            .socket(address)
            .await
            .map_err(Failed::not_connected)?;
        let mut connection = Self {
            socket,
            input: Vec::with_capacity(512),
            output: Vec::with_capacity(512),
            idle: true,
        };
        if let Some(credentials) = &handshake.credentials {
            let presented = connection.present(credentials).await;
            presented.map_err(Failed::before_anything_was_sent)?;
        }
        Ok(connection)
    }

    /// Authenticates by the text protocol.
    async fn present(&mut self, credentials: &Credentials) -> Result<(), Failed> {
        self.write(&credentials.command()).await?;
        let end = self.line().await?;
        let line: Vec<u8> = self.input.drain(..end + 2).take(end).collect();
        if line == b"STORED" && self.input.is_empty() {
            return Ok(());
        }
        Err(Failed::Unauthenticated(
            "the server refuses the user or the password",
        ))
    }

    /// Returns `true` if the socket can be used: no exchange has ended early, and the server has
    /// neither closed it nor sent anything.
    pub(crate) async fn is_usable(&mut self) -> bool {
        self.idle && self.is_silent().await
    }

    /// Returns `true` if there is nothing to read, not even an end. Messages of TLS itself are read
    /// on the way.
    async fn is_silent(&mut self) -> bool {
        let (mut byte, socket) = ([0], &mut self.socket);
        let silent = poll_fn(|context| {
            let read = Pin::new(&mut *socket).poll_read(context, &mut ReadBuf::new(&mut byte));
            Poll::Ready(read.is_pending())
        });
        // Otherwise a task whose budget is used up would find every socket silent.
        tokio::task::unconstrained(silent).await
    }

    /// Writes requests to the output buffer.
    ///
    /// # Errors
    ///
    /// A value that is too large. The socket stays usable.
    pub(crate) fn prepare(&mut self, requests: &[Request<'_>]) -> Result<Opaques, Failed> {
        // A server may be configured to store it, but it could never be read again.
        if requests
            .iter()
            .any(|request| request.size() > LARGEST_VALUE)
        {
            let message = "a value for Memcached must not be larger than 16 MiB";
            return Err(Failed::Refused(message.to_owned()));
        }
        self.idle = false;
        self.output.clear();
        let opaques = requests.iter().map(|request| {
            let opaque = next_opaque();
            request.write(opaque, &mut self.output);
            opaque
        });
        Ok(opaques.collect())
    }

    /// Sends the requests that were prepared, and waits for all replies. If that is cancelled, the
    /// socket is not used again.
    pub(crate) async fn exchange(&mut self, opaques: Opaques) -> Result<Replies, Failed> {
        let output = std::mem::take(&mut self.output);
        let written = self.write(&output).await;
        self.output = output;
        written?;
        let mut replies = Replies::new();
        for opaque in opaques {
            replies.push(self.reply(opaque).await?);
        }
        self.idle = self.input.is_empty();
        Ok(replies)
    }

    /// Reads the next reply, which must belong to this request.
    async fn reply(&mut self, opaque: Opaque) -> Result<Reply, Failed> {
        let end = self.line().await?;
        let read = head(&self.input[..end]);
        self.input.drain(..end + 2);
        let (reply, size) = match read {
            Some(Head::Reply(Some(of), reply, size)) if of == opaque => (reply, size),
            Some(Head::Unauthenticated) => {
                let message = "the server requires a user and a password";
                return Err(Failed::Unauthenticated(message));
            }
            Some(Head::ServerError(line)) => return Err(Failed::ServerError(line)),
            Some(Head::Unclear(line)) => return Err(Failed::Unclear(line)),
            Some(Head::Refused(line)) => return Err(Failed::Refused(line)),
            Some(Head::Reply(..)) | None => return Err(Failed::Protocol),
        };
        let Some(size) = size else { return Ok(reply) };
        if size > LARGEST_VALUE {
            return Err(Failed::Protocol);
        }
        while self.input.len() < size + 2 {
            self.read().await?;
        }
        let mut value: Vec<u8> = self.input.drain(..size + 2).collect();
        if !value.ends_with(b"\r\n") {
            return Err(Failed::Protocol);
        }
        value.truncate(size);
        Ok(Reply {
            value: Some(value),
            ..reply
        })
    }

    async fn write(&mut self, output: &[u8]) -> Result<(), Failed> {
        let written = self.socket.write_all(output).await;
        written.map_err(Failed::broken)?;
        // TLS may buffer a part.
        self.socket.flush().await.map_err(Failed::broken)
    }

    /// Reads up to the end of the next line, and returns its position.
    async fn line(&mut self) -> Result<usize, Failed> {
        loop {
            let ends = self.input.windows(2).position(|two| two == b"\r\n");
            match ends {
                Some(end) => return Ok(end),
                None if self.input.len() > LONGEST_LINE => return Err(Failed::Protocol),
                None => self.read().await?,
            }
        }
    }

    async fn read(&mut self) -> Result<(), Failed> {
        match self.socket.read_buf(&mut self.input).await {
            Ok(0) => Err(Failed::broken(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => Ok(()),
            Err(error) => Err(Failed::broken(error)),
        }
    }
}

/// Returns a number that no other request of this process has, and hardly one of another process.
fn next_opaque() -> Opaque {
    static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(random()));
    Opaque(NEXT.fetch_add(1, Ordering::Relaxed))
}
