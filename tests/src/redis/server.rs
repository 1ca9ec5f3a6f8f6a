//! One Redis server.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use redis::{Client, Connection, FromRedisValue, RedisResult};

use super::until;
use crate::{Certificates, port};

/// A `redis-server` on a free port of 127.0.0.1, killed when this is dropped. It keeps nothing on disk.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    /// If it speaks TLS too.
    tls_port: Option<u16>,
    directory: PathBuf,
    arguments: Vec<String>,
    /// None while it is killed.
    child: Option<Child>,
}

impl RedisServer {
    /// Starts one, and waits until it answers.
    ///
    /// # Panics
    ///
    /// Where `redis-server` cannot be started: is it installed?
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with more arguments, such as `["--replicaof", "127.0.0.1 6379"]`.
    ///
    /// # Panics
    ///
    /// Where `redis-server` cannot be started: is it installed?
    pub fn start_with(arguments: &[&str]) -> Self {
        let mut server = Self::prepare(arguments);
        server.restart();
        server
    }

    /// Starts one that speaks TLS on a port of its own, beside the plain one. Clients are asked for a
    /// certificate unless the arguments say otherwise.
    ///
    /// # Panics
    ///
    /// Where `redis-server` cannot be started, or was built without TLS.
    pub fn start_with_tls(certificates: &Certificates, arguments: &[&str]) -> Self {
        let mut server = Self::prepare(arguments);
        server.speak_tls(certificates);
        server.restart();
        server
    }

    pub(super) fn speak_tls(&mut self, certificates: &Certificates) {
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

    /// The same with a configuration file, which comes first.
    pub(super) fn start_with_file(
        text: &str,
        arguments: &[&str],
        certificates: Option<&Certificates>,
    ) -> Self {
        let mut server = Self::prepare(arguments);
        if let Some(certificates) = certificates {
            server.speak_tls(certificates);
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
        Self {
            port,
            tls_port: None,
            directory,
            arguments: arguments.iter().map(|text| (*text).to_owned()).collect(),
            child: None,
        }
    }

    /// Starts it again on the same port, empty, and waits until it answers.
    ///
    /// # Panics
    ///
    /// Where `redis-server` cannot be started.
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
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.child = Some(child.expect("`redis-server` is installed; `tests/run` does that"));
        until("up", || connect(&self.url()).is_some());
    }

    /// Kills it, as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Stops it where it is: sockets stay open, nothing answers.
    pub fn stop(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// Sends it a signal, by the shell, whose `kill` is everywhere.
    ///
    /// # Panics
    ///
    /// Where it is not running.
    pub fn signal(&self, name: &str) {
        let child = self.child.as_ref().expect("it is running");
        let line = format!("kill -{name} {}", child.id());
        let status = Command::new("sh").args(["-c", &line]).status();
        assert!(status.is_ok_and(|status| status.success()), "{line}");
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its port with TLS.
    ///
    /// # Panics
    ///
    /// Where it speaks none.
    pub fn tls_port(&self) -> u16 {
        self.tls_port.expect("it speaks TLS")
    }

    /// Its URL with TLS.
    ///
    /// # Panics
    ///
    /// Where it speaks none.
    pub fn tls_url(&self) -> String {
        format!("rediss://127.0.0.1:{}/", self.tls_port())
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// What it answers to a command.
    ///
    /// # Panics
    ///
    /// Where it does not, or with an error.
    pub fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        answer(connect(&self.url()), words)
    }

    /// The same, if it does answer.
    pub(super) fn try_to_ask<T: FromRedisValue>(&self, words: &[&str]) -> Option<T> {
        send(&mut connect(&self.url())?, words).ok()
    }

    /// The same, with a password, if it does answer.
    pub(super) fn try_to_ask_as<T: FromRedisValue>(
        &self,
        password: &str,
        words: &[&str],
    ) -> Option<T> {
        let url = format!("redis://:{password}@127.0.0.1:{}/", self.port);
        send(&mut connect(&url)?, words).ok()
    }

    /// The same, with a password.
    ///
    /// # Panics
    ///
    /// Where it does not, or with an error.
    pub fn ask_as<T: FromRedisValue>(&self, password: &str, words: &[&str]) -> T {
        let url = format!("redis://:{password}@127.0.0.1:{}/", self.port);
        answer(connect(&url), words)
    }

    /// How often a command was called since the server was started, or its statistics were reset, scripts' calls
    /// included.
    ///
    /// # Panics
    ///
    /// Where it does not answer.
    pub fn calls(&self, command: &str) -> u64 {
        let info: String = self.ask(&["INFO", "commandstats"]);
        let start = format!("cmdstat_{command}:calls=");
        let line = info.lines().find_map(|line| line.strip_prefix(&start));
        let calls = line.and_then(|line| line.split(',').next());
        calls.map_or(0, |calls| calls.parse().expect("a number of calls"))
    }
}

fn connect(url: &str) -> Option<Connection> {
    let client = Client::open(url).expect("a URL");
    let mut connection = client.get_connection().ok()?;
    let answered = redis::cmd("PING").exec(&mut connection);
    // One that wants a password first is up too.
    let up = answered.map_or_else(|error| error.code() == Some("NOAUTH"), |()| true);
    up.then_some(connection)
}

fn answer<T: FromRedisValue>(connection: Option<Connection>, words: &[&str]) -> T {
    let mut connection = connection.expect("it is running");
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
