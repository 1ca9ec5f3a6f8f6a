//! One socket, on which one operation is under way at a time.
//!
//! Answers come in the order of requests, and nothing else tells whose they are: so a socket on which an operation ended
//! early, or on which anything unexpected was read, is never used again.

use std::io;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use smallvec::SmallVec;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

use super::error::Failed;
use super::nodes::Place;
use super::request::{Head, Opaque, Reply, Request, head};
use crate::failure::random;

/// Mostly one request is sent at a time.
pub(super) type Replies = SmallVec<[Reply; 2]>;

/// No line of Memcached's is this long.
const LONGEST_LINE: usize = 2_048;

pub(super) struct Connection {
    socket: Socket,
    /// What was read and not yet looked at.
    input: Vec<u8>,
    output: Vec<u8>,
    /// Whether everything that was asked was answered, and no more.
    settled: bool,
}

enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Connection {
    pub(super) async fn open(place: &Place) -> Result<Self, Failed> {
        let socket = Socket::open(place).await.map_err(Failed::unreached)?;
        Ok(Self {
            socket,
            input: Vec::with_capacity(512),
            output: Vec::with_capacity(512),
            settled: true,
        })
    }

    /// Whether it can be used: nothing is under way, and the other side has neither closed it nor sent anything.
    pub(super) fn is_usable(&self) -> bool {
        self.settled && self.socket.is_silent()
    }

    /// Sends all requests at once, and waits for all answers. Whoever gives up waiting leaves it useless.
    pub(super) async fn exchange(&mut self, requests: &[Request<'_>]) -> Result<Replies, Failed> {
        self.settled = false;
        self.output.clear();
        let mut opaques = SmallVec::<[Opaque; 2]>::new();
        for request in requests {
            let opaque = next_opaque();
            request.write(opaque, &mut self.output);
            opaques.push(opaque);
        }
        let written = self.socket.write_all(&self.output).await;
        written.map_err(Failed::broken)?;
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
            Some(Head::Unwell(said)) => return Err(Failed::Unwell(said)),
            Some(Head::Refused(said)) => return Err(Failed::Refused(said)),
            Some(Head::Reply(..)) | None => return Err(Failed::Astray),
        };
        let Some(size) = size else { return Ok(reply) };
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
        match self.socket.read(&mut self.input).await {
            Ok(0) => Err(Failed::broken(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => Ok(()),
            Err(error) => Err(Failed::broken(error)),
        }
    }
}

impl Socket {
    async fn open(place: &Place) -> io::Result<Self> {
        match place {
            Place::Tcp(host, port) => {
                let stream = TcpStream::connect((&**host, *port)).await?;
                stream.set_nodelay(true)?;
                Ok(Self::Tcp(stream))
            }
            #[cfg(unix)]
            Place::Unix(path) => UnixStream::connect(path).await.map(Self::Unix),
            #[cfg(not(unix))]
            Place::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.write_all(bytes).await,
            #[cfg(unix)]
            Self::Unix(stream) => stream.write_all(bytes).await,
        }
    }

    async fn read(&mut self, input: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read_buf(input).await,
            #[cfg(unix)]
            Self::Unix(stream) => stream.read_buf(input).await,
        }
    }

    /// Whether there is nothing to read, not even an end.
    fn is_silent(&self) -> bool {
        let read = match self {
            Self::Tcp(stream) => stream.try_read(&mut [0]),
            #[cfg(unix)]
            Self::Unix(stream) => stream.try_read(&mut [0]),
        };
        read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

/// A number that no other request of this process has, and hardly one of another.
fn next_opaque() -> Opaque {
    static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(random()));
    Opaque(NEXT.fetch_add(1, Ordering::Relaxed))
}
