//! A TCP proxy that forwards, delays, discards or closes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

/// The treatment of data that arrives at the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Forward,
    Delay(Duration),
    Discard,
    DiscardReplies,
    ReplaceReplies(&'static [u8]),
    CloseOnReply,
    TruncateReplies,
    Close,
}

/// A proxy that listens on a free port of 127.0.0.1 until it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    target: Arc<AtomicU16>,
    task: AbortHandle,
}

impl Proxy {
    /// Starts a proxy that forwards to a port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub async fn start(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port is free");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let (mode, receiver) = watch::channel(Mode::Forward);
        let target = Arc::new(AtomicU16::new(target));
        let task = tokio::spawn(accept(listener, target.clone(), receiver)).abort_handle();
        Self {
            address,
            mode,
            target,
            task,
        }
    }

    /// Returns the address on which the proxy listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL of a Redis server behind the proxy.
    pub fn url(&self) -> String {
        format!("redis://{}/", self.address)
    }

    /// Forwards new connections to another port; open connections stay.
    pub fn retarget(&self, target: u16) {
        self.target.store(target, Ordering::SeqCst);
    }

    /// Forwards all data at once.
    pub fn forward(&self) {
        self.mode.send_replace(Mode::Forward);
    }

    /// Forwards each chunk of data after a delay.
    pub fn delay(&self, by: Duration) {
        self.mode.send_replace(Mode::Delay(by));
    }

    /// Discards all data; connections stay open.
    pub fn discard(&self) {
        self.mode.send_replace(Mode::Discard);
    }

    /// Forwards requests and discards replies; connections stay open.
    pub fn discard_replies(&self) {
        self.mode.send_replace(Mode::DiscardReplies);
    }

    /// Forwards requests and closes the connection when the reply arrives.
    pub fn close_on_reply(&self) {
        self.mode.send_replace(Mode::CloseOnReply);
    }

    /// Forwards requests and answers each with these bytes in place of the reply.
    pub fn replace_replies(&self, with: &'static [u8]) {
        self.mode.send_replace(Mode::ReplaceReplies(with));
    }

    /// Forwards half of each reply and discards the rest.
    pub fn truncate_replies(&self) {
        self.mode.send_replace(Mode::TruncateReplies);
    }

    /// Closes all connections, and new ones as they arrive.
    pub fn close(&self) {
        self.mode.send_replace(Mode::Close);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, target: Arc<AtomicU16>, mode: watch::Receiver<Mode>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let target = target.load(Ordering::SeqCst);
        connections.spawn(connection(client, target, mode.clone()));
    }
}

async fn connection(client: TcpStream, target: u16, mut mode: watch::Receiver<Mode>) {
    if *mode.borrow() == Mode::Close {
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let requests = pump(from_client, to_server, mode.clone(), false);
    let replies = pump(from_server, to_client, mode.clone(), true);
    tokio::select! {
        () = requests => {}
        () = replies => {}
        _ = mode.wait_for(|mode| *mode == Mode::Close) => {}
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mode: watch::Receiver<Mode>,
    is_reply: bool,
) {
    let mut buffer = [0; 4096];
    while let Ok(mut length @ 1..) = from.read(&mut buffer).await {
        let mode = *mode.borrow();
        match mode {
            Mode::Discard => continue,
            Mode::DiscardReplies if is_reply => continue,
            Mode::CloseOnReply if is_reply => return,
            Mode::ReplaceReplies(with) if is_reply => {
                if to.write_all(with).await.is_err() {
                    return;
                }
                continue;
            }
            Mode::Delay(by) => sleep(by).await,
            Mode::TruncateReplies if is_reply => length /= 2,
            Mode::Forward
            | Mode::TruncateReplies
            | Mode::Close
            | Mode::DiscardReplies
            | Mode::ReplaceReplies(_)
            | Mode::CloseOnReply => {}
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
