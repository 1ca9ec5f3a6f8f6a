//! A fake Redis server with scripted replies.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// A server on a free port of 127.0.0.1 that speaks RESP2 and stores no keys. It replies to every
/// command with `+OK`, to `PING` with `+PONG` and to `SCRIPT LOAD` with a hash, unless a test has
/// set another reply.
#[derive(Debug)]
pub struct FakeRedis {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: AbortHandle,
}

#[derive(Debug, Default)]
struct Shared {
    replies: Mutex<HashMap<String, String>>,
    connections: AtomicUsize,
}

impl FakeRedis {
    /// Starts a fake server.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port is free");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let shared = Arc::new(Shared::default());
        let task = tokio::spawn(accept(listener, shared.clone())).abort_handle();
        Self {
            address,
            shared,
            task,
        }
    }

    /// Returns the server's URL.
    pub fn url(&self) -> String {
        format!("redis://{}/", self.address)
    }

    /// Sets the line with which the server replies to these commands, such as `-LOADING Redis is
    /// loading the dataset in memory`.
    pub fn set_reply(&self, commands: &[&str], line: &str) {
        let mut replies = self.shared.replies();
        replies.extend(
            commands
                .iter()
                .map(|name| ((*name).to_owned(), format!("{line}\r\n"))),
        );
    }

    /// Returns the number of connections that clients have made.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for FakeRedis {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn replies(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.replies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reply(&self, command: &[String]) -> String {
        let name = command[0].to_ascii_uppercase();
        if let Some(reply) = self.replies().get(&name) {
            return reply.clone();
        }
        match &*name {
            "PING" => "+PONG\r\n".to_owned(),
            "SCRIPT" => format!("$40\r\n{}\r\n", "0".repeat(40)),
            _ => "+OK\r\n".to_owned(),
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::SeqCst);
        connections.spawn(serve(socket, shared.clone()));
    }
}

async fn serve(socket: TcpStream, shared: Arc<Shared>) -> Option<()> {
    let mut socket = BufReader::new(socket);
    loop {
        let mut command = Vec::new();
        for _ in 0..number(&mut socket, '*').await? {
            let mut word = vec![0; number(&mut socket, '$').await? + 2];
            socket.read_exact(&mut word).await.ok()?;
            word.truncate(word.len() - 2);
            command.push(String::from_utf8_lossy(&word).into_owned());
        }
        let reply = shared.reply(&command);
        socket.write_all(reply.as_bytes()).await.ok()?;
    }
}

/// Reads a line of a sign and a number.
async fn number(socket: &mut BufReader<TcpStream>, sign: char) -> Option<usize> {
    let mut line = String::new();
    socket.read_line(&mut line).await.ok()?;
    line.strip_prefix(sign)?.trim_end().parse().ok()
}
