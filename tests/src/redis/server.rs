//! A single Redis server.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use redis::{Client, Connection, FromRedisValue, RedisResult};

use super::until;
use crate::process::Process;
use crate::{Certificates, port};

/// A `redis-server` on a free port of 127.0.0.1, killed when this is dropped. It
/// persists nothing.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    /// The port for TLS, if the server has one.
    tls_port: Option<u16>,
    directory: PathBuf,
    arguments: Vec<String>,
    process: Process,
}

impl RedisServer {
    /// Starts a server and waits until it replies.
    ///
    /// # Panics
    ///
    /// If `redis-server` cannot be started.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with more arguments, such as `["--replicaof", "127.0.0.1 6379"]`.
    ///
    /// # Panics
    ///
    /// If `redis-server` cannot be started.
    pub fn start_with(arguments: &[&str]) -> Self {
        let mut server = Self::prepare(arguments);
        server.restart();
        server
    }

    /// Starts a server with a TLS port beside the port without TLS. Clients need a certificate
    /// unless the arguments say otherwise.
    ///
    /// # Panics
    ///
    /// If `redis-server` cannot be started, or was built without TLS.
    pub fn start_with_tls(certificates: &Certificates, arguments: &[&str]) -> Self {
        let mut server = Self::prepare(arguments);
        server.enable_tls(certificates);
        server.restart();
        server
    }

    pub(super) fn enable_tls(&mut self, certificates: &Certificates) {
        let port = port::free();
        self.tls_port = Some(port);
        let arguments = [
            ("--tls-port", port.to_string()),
            ("--tls-cert-file", certificates.path("server.pem")),
            ("--tls-key-file", certificates.path("server.key")),
            ("--tls-ca-cert-file", certificates.path("ca.pem")),
        ];
        for (name, value) in arguments {
            self.arguments.extend([name.to_owned(), value]);
        }
    }

    /// Starts a server with a configuration file, which comes before the arguments.
    pub(super) fn start_with_file(
        text: &str,
        arguments: &[&str],
        certificates: Option<&Certificates>,
    ) -> Self {
        let mut server = Self::prepare(arguments);
        if let Some(certificates) = certificates {
            server.enable_tls(certificates);
        }
        let path = server.directory.join("redis.conf");
        fs::write(&path, text).expect("a temporary directory can be written to");
        server.arguments.insert(0, path.display().to_string());
        server.restart();
        server
    }

    fn prepare(arguments: &[&str]) -> Self {
        let port = port::free();
        let name = format!("traffik-{}-{port}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).expect("there is a temporary directory");
        let mut arguments: Vec<_> = arguments.iter().map(|text| (*text).to_owned()).collect();
        let has = |name| arguments.iter().any(|text: &String| text == name);
        // By default, this port is 10 000 above the other: one of the ephemeral ports.
        if has("--cluster-enabled") && !has("--cluster-port") {
            arguments.extend(["--cluster-port".to_owned(), port::free().to_string()]);
        }
        Self {
            port,
            tls_port: None,
            directory,
            arguments,
            process: Process::default(),
        }
    }

    /// Restarts the server on the same port, empty, and waits until it replies.
    ///
    /// # Panics
    ///
    /// If `redis-server` cannot be started.
    pub fn restart(&mut self) {
        self.kill();
        let port = self.port.to_string();
        let mut command = Command::new("redis-server");
        command
            .args(&self.arguments)
            .args(["--port", &port, "--bind", "127.0.0.1", "--dir"])
            .arg(&self.directory);
        if !self.arguments.iter().any(|text| text == "--sentinel") {
            command.args(["--save", "", "--appendonly", "no"]);
            command.args(["--repl-diskless-sync-delay", "0"]);
        }
        self.process.start(&mut command);
        let url = self.url();
        until("the server replies", || {
            if self.process.has_ended() {
                self.process.start(&mut command);
            }
            connect(&url).is_some()
        });
    }

    /// Kills the server, as a crash would.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Suspends the server: sockets stay open, but it does not reply.
    pub fn stop(&self) {
        self.signal("STOP");
    }

    /// Resumes a suspended server.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// Sends a signal to the server.
    ///
    /// # Panics
    ///
    /// If the server does not run.
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Returns the port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Returns the port for TLS.
    ///
    /// # Panics
    ///
    /// If the server has no port for TLS.
    pub fn tls_port(&self) -> u16 {
        self.tls_port.expect("a port for TLS")
    }

    /// Returns the URL with TLS.
    ///
    /// # Panics
    ///
    /// If the server has no port for TLS.
    pub fn tls_url(&self) -> String {
        format!("rediss://127.0.0.1:{}/", self.tls_port())
    }

    /// Returns the URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Runs a command and returns the reply.
    ///
    /// # Panics
    ///
    /// If there is no reply, or the reply is an error.
    pub fn command<T: FromRedisValue>(&self, words: &[&str]) -> T {
        reply(connect(&self.url()), words)
    }

    /// Runs a command and returns the reply, if there is one.
    pub(super) fn try_command<T: FromRedisValue>(&self, words: &[&str]) -> Option<T> {
        send(&mut connect(&self.url())?, words).ok()
    }

    /// Runs a command with a password and returns the reply, if there is one.
    pub(super) fn try_command_as<T: FromRedisValue>(
        &self,
        password: &str,
        words: &[&str],
    ) -> Option<T> {
        send(&mut connect(&self.url_with(password))?, words).ok()
    }

    /// Runs a command with a password and returns the reply.
    ///
    /// # Panics
    ///
    /// If there is no reply, or the reply is an error.
    pub fn command_as<T: FromRedisValue>(&self, password: &str, words: &[&str]) -> T {
        reply(connect(&self.url_with(password)), words)
    }

    fn url_with(&self, password: &str) -> String {
        format!("redis://:{password}@127.0.0.1:{}/", self.port)
    }

    /// Returns the number of calls of a command, by clients and by scripts, since the server was
    /// started or its statistics were reset.
    ///
    /// # Panics
    ///
    /// If the server does not reply.
    pub fn calls(&self, command: &str) -> u64 {
        self.command_stat(command, "calls")
    }

    /// Returns the number of calls of a command that the server has not run, since the client had
    /// no permission.
    pub fn rejected_calls(&self, command: &str) -> u64 {
        self.command_stat(command, "rejected_calls")
    }

    fn command_stat(&self, command: &str, field: &str) -> u64 {
        let info: String = self.command(&["INFO", "commandstats"]);
        let start = format!("cmdstat_{command}:");
        let line = info.lines().find_map(|line| line.strip_prefix(&start));
        let mut fields = line.into_iter().flat_map(|line| line.split(','));
        let number = fields.find_map(|it| it.strip_prefix(field)?.strip_prefix('='));
        number.map_or(0, |number| number.parse().expect("a number of calls"))
    }
}

fn connect(url: &str) -> Option<Connection> {
    let client = Client::open(url).expect("a URL");
    let mut connection = client.get_connection().ok()?;
    let reply = redis::cmd("PING").exec(&mut connection);
    // A server that demands a password is up too.
    let is_up = reply.map_or_else(|error| error.code() == Some("NOAUTH"), |()| true);
    is_up.then_some(connection)
}

fn reply<T: FromRedisValue>(connection: Option<Connection>, words: &[&str]) -> T {
    let mut connection = connection.expect("the server runs");
    send(&mut connection, words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

fn send<T: FromRedisValue>(connection: &mut Connection, words: &[&str]) -> RedisResult<T> {
    let (name, arguments) = words.split_first().expect("a command has a name");
    let mut command = redis::cmd(name);
    command.arg(arguments).query(connection)
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.directory);
    }
}
