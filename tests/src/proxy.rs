//! What can happen to a connection: a proxy that passes on, holds up, swallows or cuts.

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

/// What the proxy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Pass,
    Delay(Duration),
    Swallow,
    Mute,
    Break,
    Halve,
    Cut,
}

/// A proxy on a free port of 127.0.0.1, until it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    target: Arc<AtomicU16>,
    task: AbortHandle,
}

impl Proxy {
    /// Passes on to this port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// Where there is no free port.
    pub async fn start(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port is free");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let (mode, watched) = watch::channel(Mode::Pass);
        let target = Arc::new(AtomicU16::new(target));
        let task = tokio::spawn(accept(listener, target.clone(), watched)).abort_handle();
        Self {
            address,
            mode,
            target,
            task,
        }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a Redis server behind it.
    pub fn url(&self) -> String {
        format!("redis://{}/", self.address)
    }

    /// Leads connections that come from now on to another port; those that are there stay where they are.
    pub fn lead_to(&self, target: u16) {
        self.target.store(target, Ordering::SeqCst);
    }

    /// Passes on what comes, at once.
    pub fn pass(&self) {
        self.mode.send_replace(Mode::Pass);
    }

    /// Passes on what comes from now on, each piece after a while.
    pub fn delay(&self, by: Duration) {
        self.mode.send_replace(Mode::Delay(by));
    }

    /// Takes everything and passes nothing on; connections stay open.
    pub fn swallow(&self) {
        self.mode.send_replace(Mode::Swallow);
    }

    /// Passes on what is asked, and no answer; connections stay open.
    pub fn mute(&self) {
        self.mode.send_replace(Mode::Mute);
    }

    /// Passes on what is asked, and closes the connection when the answer comes.
    pub fn break_off(&self) {
        self.mode.send_replace(Mode::Break);
    }

    /// Passes on half of each answer, and keeps the rest for ever.
    pub fn halve(&self) {
        self.mode.send_replace(Mode::Halve);
    }

    /// Closes all connections, and new ones as they come.
    pub fn cut(&self) {
        self.mode.send_replace(Mode::Cut);
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
    if *mode.borrow() == Mode::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let there = pump(from_client, to_server, mode.clone(), false);
    let back = pump(from_server, to_client, mode.clone(), true);
    tokio::select! {
        () = there => {}
        () = back => {}
        _ = mode.wait_for(|mode| *mode == Mode::Cut) => {}
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mode: watch::Receiver<Mode>,
    answers: bool,
) {
    let mut buffer = [0; 4096];
    while let Ok(mut length @ 1..) = from.read(&mut buffer).await {
        let mode = *mode.borrow();
        match mode {
            Mode::Swallow => continue,
            Mode::Mute if answers => continue,
            Mode::Break if answers => return,
            Mode::Delay(by) => sleep(by).await,
            Mode::Halve if answers => length /= 2,
            Mode::Pass | Mode::Halve | Mode::Cut | Mode::Mute | Mode::Break => {}
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
