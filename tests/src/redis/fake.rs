//! A server that answers as a test wants it to.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// A server on a free port of 127.0.0.1 that speaks RESP2 and holds no keys. It answers every command with `+OK`, `PING`
/// with `+PONG` and `SCRIPT LOAD` with a hash, unless it has another answer for the command.
#[derive(Debug)]
pub struct FakeRedis {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: AbortHandle,
}

#[derive(Debug, Default)]
struct Shared {
    answers: Mutex<HashMap<String, String>>,
    connections: AtomicUsize,
}

impl FakeRedis {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// Where no port is free.
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

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://{}/", self.address)
    }

    /// Answers these commands with this line from now on, such as `-LOADING Redis is loading the dataset in memory`.
    pub fn answer(&self, commands: &[&str], line: &str) {
        let mut answers = self.shared.answers();
        answers.extend(
            commands
                .iter()
                .map(|name| ((*name).to_owned(), format!("{line}\r\n"))),
        );
    }

    /// The number of connections that were made to it.
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
    fn answers(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, command: &[String]) -> String {
        let name = command[0].to_ascii_uppercase();
        if let Some(answer) = self.answers().get(&name) {
            return answer.clone();
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
        let answer = shared.answer(&command);
        socket.write_all(answer.as_bytes()).await.ok()?;
    }
}

/// Reads a line that is a sign and a number.
async fn number(socket: &mut BufReader<TcpStream>, sign: char) -> Option<usize> {
    let mut line = String::new();
    socket.read_line(&mut line).await.ok()?;
    line.strip_prefix(sign)?.trim_end().parse().ok()
}
