//! One socket, on which one operation is under way at a time.
//!
//! Answers come in the order of requests, and nothing else tells whose they are: so a socket on which an operation ended
//! early, or on which anything unexpected was read, is never used again.

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
use crate::store::memcached::meta_protocol::{Head, Opaque, Reply, Request, head};
use crate::store::memcached::nodes::Place;

/// Mostly one request is sent at a time.
pub(crate) type Replies = SmallVec<[Reply; 2]>;

/// The numbers of the requests that are sent at a time.
pub(crate) type Opaques = SmallVec<[Opaque; 2]>;

/// No line of Memcached's is this long.
const LONGEST_LINE: usize = 2_048;

/// No value is this long, in bytes: sixteen times what Memcached stores unless it is told otherwise.
const LARGEST_VALUE: usize = 16 << 20;

pub(crate) struct Connection {
    socket: Socket,
    /// What was read and not yet looked at.
    input: Vec<u8>,
    output: Vec<u8>,
    /// Whether everything that was asked was answered, and no more.
    settled: bool,
}

impl Connection {
    pub(crate) async fn open(place: &Place, handshake: &Handshake) -> Result<Self, Failed> {
        let socket = handshake.socket(place).await.map_err(Failed::unreached)?;
        let mut connection = Self {
            socket,
            input: Vec::with_capacity(512),
            output: Vec::with_capacity(512),
            settled: true,
        };
        if let Some(credentials) = &handshake.credentials {
            let presented = connection.present(credentials).await;
            presented.map_err(Failed::before_anything_was_sent)?;
        }
        Ok(connection)
    }

    /// Authenticates, as the text protocol does.
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

    /// Whether it can be used: nothing is under way, and the other side has neither closed it nor sent anything.
    pub(crate) async fn is_usable(&mut self) -> bool {
        self.settled && self.is_silent().await
    }

    /// Whether there is nothing to read, not even an end. What TLS has to say for itself is read on
    /// the way.
    async fn is_silent(&mut self) -> bool {
        let (mut byte, socket) = ([0], &mut self.socket);
        let silent = poll_fn(|context| {
            let read = Pin::new(&mut *socket).poll_read(context, &mut ReadBuf::new(&mut byte));
            Poll::Ready(read.is_pending())
        });
        // Else a task that has done much lately would find every socket silent.
        tokio::task::unconstrained(silent).await
    }

    /// Prepares all requests to be sent at once.
    ///
    /// # Errors
    ///
    /// A value that is too large. Nothing is under way then.
    pub(crate) fn prepare(&mut self, requests: &[Request<'_>]) -> Result<Opaques, Failed> {
        // It could be written to a server that was told so, and never be read again.
        if requests
            .iter()
            .any(|request| request.size() > LARGEST_VALUE)
        {
            let message = "a value for Memcached must not be larger than 16 MiB";
            return Err(Failed::Refused(message.to_owned()));
        }
        self.settled = false;
        self.output.clear();
        let opaques = requests.iter().map(|request| {
            let opaque = next_opaque();
            request.write(opaque, &mut self.output);
            opaque
        });
        Ok(opaques.collect())
    }

    /// Sends what was prepared, and waits for all answers. Whoever gives up waiting leaves it useless.
    pub(crate) async fn exchange(&mut self, opaques: Opaques) -> Result<Replies, Failed> {
        let output = std::mem::take(&mut self.output);
        let written = self.write(&output).await;
        self.output = output;
        written?;
        let mut replies = Replies::new();
        for opaque in opaques {
            replies.push(self.reply(opaque).await?);
        }
        self.settled = self.input.is_empty();
        Ok(replies)
    }

    /// The next answer, which is to be the one to this request.
    async fn reply(&mut self, opaque: Opaque) -> Result<Reply, Failed> {
        let end = self.line().await?;
        let read = head(&self.input[..end]);
        self.input.drain(..end + 2);
        let (reply, size) = match read {
            Some(Head::Reply(Some(of), reply, size)) if of == opaque => (reply, size),
            Some(Head::Unauthenticated) => {
                let message = "the server asks for a user and a password";
                return Err(Failed::Unauthenticated(message));
            }
            Some(Head::Unwell(said)) => return Err(Failed::Unwell(said)),
            Some(Head::Unclear(said)) => return Err(Failed::Unclear(said)),
            Some(Head::Refused(said)) => return Err(Failed::Refused(said)),
            Some(Head::Reply(..)) | None => return Err(Failed::Astray),
        };
        let Some(size) = size else { return Ok(reply) };
        if size > LARGEST_VALUE {
            return Err(Failed::Astray);
        }
        while self.input.len() < size + 2 {
            self.read().await?;
        }
        let mut value: Vec<u8> = self.input.drain(..size + 2).collect();
        if !value.ends_with(b"\r\n") {
            return Err(Failed::Astray);
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
        // TLS may hold a part back.
        self.socket.flush().await.map_err(Failed::broken)
    }

    /// Where the next line ends.
    async fn line(&mut self) -> Result<usize, Failed> {
        loop {
            let ends = self.input.windows(2).position(|two| two == b"\r\n");
            match ends {
                Some(end) => return Ok(end),
                None if self.input.len() > LONGEST_LINE => return Err(Failed::Astray),
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

/// A number that no other request of this process has, and hardly one of another.
fn next_opaque() -> Opaque {
    static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(random()));
    Opaque(NEXT.fetch_add(1, Ordering::Relaxed))
}
