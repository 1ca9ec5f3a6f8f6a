//! Memcached servers that tests start.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::port;
use crate::process::Process;

/// The socket on which a server listens.
#[derive(Clone, Debug)]
enum Endpoint {
    /// An address and a port.
    Tcp(&'static str, u16),
    Unix(PathBuf),
}

/// A `memcached` on a free port of 127.0.0.1 or on a Unix socket, killed when this is dropped.
#[derive(Debug)]
pub struct MemcachedServer {
    endpoint: Endpoint,
    arguments: Vec<String>,
    process: Process,
}

trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

impl MemcachedServer {
    /// Starts a server and waits until it replies.
    ///
    /// # Panics
    ///
    /// If `memcached` cannot be started.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with more arguments, such as `["-m", "64"]`.
    ///
    /// # Panics
    ///
    /// If `memcached` cannot be started.
    pub fn start_with(arguments: &[&str]) -> Self {
        Self::start_on(Endpoint::Tcp("127.0.0.1", port::free()), arguments)
    }

    /// Starts a server on the loopback address of IPv6.
    ///
    /// # Panics
    ///
    /// If `memcached` cannot be started.
    pub fn start_on_ipv6() -> Self {
        Self::start_on(Endpoint::Tcp("::1", port::free()), &[])
    }

    /// Starts a server on a Unix socket.
    ///
    /// # Panics
    ///
    /// If `memcached` cannot be started.
    pub fn start_on_socket() -> Self {
        let name = format!("traffik-{}-{}.sock", std::process::id(), port::free());
        Self::start_on(Endpoint::Unix(std::env::temp_dir().join(name)), &[])
    }

    fn start_on(endpoint: Endpoint, arguments: &[&str]) -> Self {
        let mut server = Self {
            endpoint,
            arguments: arguments.iter().map(|text| (*text).to_owned()).collect(),
            process: Process::default(),
        };
        server.restart();
        server
    }

    /// Restarts the server on the same port or socket, empty, and waits until it replies.
    ///
    /// # Panics
    ///
    /// If `memcached` cannot be started.
    pub fn restart(&mut self) {
        self.kill();
        let mut command = Command::new("memcached");
        match &self.endpoint {
            Endpoint::Tcp(address, port) => {
                let port = port.to_string();
                command.args(["-p", &port, "-l", address, "-U", "0"]);
            }
            Endpoint::Unix(path) => {
                let _ = fs::remove_file(path);
                command.arg("-s").arg(path);
            }
        }
        // `memcached` refuses to run as root; other users cannot switch and ignore the option.
        command
            .args(["-u", "nobody", "-t", "2"])
            .args(&self.arguments);
        self.process.start(&mut command);
        let start = Instant::now();
        while self.connect().is_none() {
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "the server does not reply"
            );
            if self.process.has_ended() {
                self.process.start(&mut command);
            }
            sleep(Duration::from_millis(10));
        }
    }

    /// Kills the server, as a crash would.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Suspends the server: sockets stay open, but it does not reply.
    pub fn stop(&self) {
        self.process.signal("STOP");
    }

    /// Resumes a suspended server.
    pub fn resume(&self) {
        self.process.signal("CONT");
    }

    /// Returns the port.
    ///
    /// # Panics
    ///
    /// If the server listens on a Unix socket.
    pub fn port(&self) -> u16 {
        match &self.endpoint {
            Endpoint::Tcp(_, port) => *port,
            Endpoint::Unix(path) => panic!("{} has no port", path.display()),
        }
    }

    /// Returns the node in the form that `Backend::memcached` accepts.
    pub fn url(&self) -> String {
        match &self.endpoint {
            Endpoint::Tcp(address, port) if address.contains(':') => format!("[{address}]:{port}"),
            Endpoint::Tcp(address, port) => format!("{address}:{port}"),
            Endpoint::Unix(path) => format!("unix://{}", path.display()),
        }
    }

    /// Sends a command and returns the lines of the reply, up to the one that begins with `last`,
    /// or with `BUSY`: the server lists its keys for one client at a time.
    ///
    /// # Panics
    ///
    /// If there is no reply, or no such line in it.
    pub fn command(&self, line: &str, last: &str) -> Vec<String> {
        let mut stream = self.connect().expect("the server runs");
        write!(stream, "{line}\r\n").expect("the command is sent");
        let mut lines = Vec::new();
        for line in BufReader::new(stream).lines() {
            let line = line.expect("a line of the reply");
            let ends = line.starts_with(last) || line.starts_with("BUSY");
            lines.push(line);
            if ends {
                return lines;
            }
        }
        panic!("the connection was closed after {lines:?}");
    }

    /// Removes every value.
    ///
    /// # Panics
    ///
    /// If the server does not reply.
    pub fn flush_all(&self) {
        self.command("flush_all", "OK");
    }

    /// Returns the server's counters by name: `cmd_get`, `curr_items`, `evictions`, …
    ///
    /// # Panics
    ///
    /// If the server does not reply.
    pub fn stats(&self) -> BTreeMap<String, u64> {
        let lines = self.command("stats", "END");
        let words = lines
            .iter()
            .filter_map(|line| line.strip_prefix("STAT ")?.split_once(' '));
        words
            .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
            .collect()
    }

    /// Returns the number of commands on keys since the server was started.
    ///
    /// # Panics
    ///
    /// If the server does not reply.
    pub fn command_count(&self) -> u64 {
        const COUNTED: [&str; 8] = [
            "cmd_get",
            "cmd_set",
            "incr_hits",
            "incr_misses",
            "decr_hits",
            "decr_misses",
            "delete_hits",
            "delete_misses",
        ];
        let stats = self.stats();
        COUNTED.iter().map(|name| stats[*name]).sum()
    }

    fn connect(&self) -> Option<Box<dyn Stream>> {
        let timeout = Some(Duration::from_secs(5));
        Some(match &self.endpoint {
            Endpoint::Tcp(address, port) => {
                let stream = TcpStream::connect((*address, *port)).ok()?;
                stream.set_read_timeout(timeout).ok()?;
                Box::new(stream)
            }
            Endpoint::Unix(path) => {
                let stream = UnixStream::connect(path).ok()?;
                stream.set_read_timeout(timeout).ok()?;
                Box::new(stream)
            }
        })
    }
}

impl Drop for MemcachedServer {
    fn drop(&mut self) {
        self.kill();
        if let Endpoint::Unix(path) = &self.endpoint {
            let _ = fs::remove_file(path);
        }
    }
}
