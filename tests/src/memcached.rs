//! Memcached servers of a test's own.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::port;

/// Where it listens.
#[derive(Clone, Debug)]
enum Listens {
    /// On this address and port.
    Tcp(&'static str, u16),
    Unix(PathBuf),
}

/// A `memcached` on a free port of 127.0.0.1 or a Unix socket, killed when this is dropped.
#[derive(Debug)]
pub struct MemcachedServer {
    listens: Listens,
    arguments: Vec<String>,
    /// None while it is killed.
    child: Option<Child>,
}

trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

impl MemcachedServer {
    /// Starts one, and waits until it answers.
    ///
    /// # Panics
    ///
    /// Where `memcached` cannot be started: is it installed?
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with more arguments, such as `["-m", "64"]`.
    ///
    /// # Panics
    ///
    /// Where `memcached` cannot be started: is it installed?
    pub fn start_with(arguments: &[&str]) -> Self {
        Self::listening(Listens::Tcp("127.0.0.1", port::free()), arguments)
    }

    /// Starts one on the loopback address of IPv6.
    ///
    /// # Panics
    ///
    /// Where `memcached` cannot be started: is it installed?
    pub fn start_on_ipv6() -> Self {
        Self::listening(Listens::Tcp("::1", port::free()), &[])
    }

    /// Starts one on a Unix socket.
    ///
    /// # Panics
    ///
    /// Where `memcached` cannot be started: is it installed?
    pub fn start_on_socket() -> Self {
        let name = format!("traffik-{}-{}.sock", std::process::id(), port::free());
        Self::listening(Listens::Unix(std::env::temp_dir().join(name)), &[])
    }

    fn listening(listens: Listens, arguments: &[&str]) -> Self {
        let mut server = Self {
            listens,
            arguments: arguments.iter().map(|text| (*text).to_owned()).collect(),
            child: None,
        };
        server.restart();
        server
    }

    /// Starts it again on the same port or socket, empty, and waits until it answers.
    ///
    /// # Panics
    ///
    /// Where `memcached` cannot be started.
    pub fn restart(&mut self) {
        self.kill();
        let mut command = Command::new("memcached");
        match &self.listens {
            Listens::Tcp(address, port) => {
                let port = port.to_string();
                command.args(["-p", &port, "-l", address, "-U", "0"]);
            }
            Listens::Unix(path) => {
                let _ = fs::remove_file(path);
                command.arg("-s").arg(path);
            }
        }
        // It refuses to be root; as anybody else this is ignored.
        command
            .args(["-u", "nobody", "-t", "2"])
            .args(&self.arguments);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.child = Some(child.expect("`memcached` is installed; `tests/run` does that"));
        let start = Instant::now();
        while self.connect().is_none() {
            assert!(start.elapsed() < Duration::from_secs(30), "never up");
            sleep(Duration::from_millis(10));
        }
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

    fn signal(&self, name: &str) {
        let child = self.child.as_ref().expect("it is running");
        let line = format!("kill -{name} {}", child.id());
        let status = Command::new("sh").args(["-c", &line]).status();
        assert!(status.is_ok_and(|status| status.success()), "{line}");
    }

    /// Its port.
    ///
    /// # Panics
    ///
    /// Where it listens on a Unix socket.
    pub fn port(&self) -> u16 {
        match &self.listens {
            Listens::Tcp(_, port) => *port,
            Listens::Unix(path) => panic!("{} has no port", path.display()),
        }
    }

    /// Its name, as a backend takes it.
    pub fn url(&self) -> String {
        match &self.listens {
            Listens::Tcp(address, port) if address.contains(':') => format!("[{address}]:{port}"),
            Listens::Tcp(address, port) => format!("{address}:{port}"),
            Listens::Unix(path) => format!("unix://{}", path.display()),
        }
    }

    /// The lines it answers to a line, up to one that begins with this.
    ///
    /// # Panics
    ///
    /// Where it does not answer.
    pub fn ask(&self, line: &str, last: &str) -> Vec<String> {
        let mut stream = self.connect().expect("it is running");
        write!(stream, "{line}\r\n").expect("it takes lines");
        let mut lines = Vec::new();
        for line in BufReader::new(stream).lines() {
            let line = line.expect("it answers");
            let ends = line.starts_with(last);
            lines.push(line);
            if ends {
                return lines;
            }
        }
        panic!("it closed the connection after {lines:?}");
    }

    /// Forgets everything.
    ///
    /// # Panics
    ///
    /// Where it does not answer.
    pub fn flush_all(&self) {
        self.ask("flush_all", "OK");
    }

    /// What it has counted since it was started, by name: `cmd_get`, `curr_items`, `evictions`, …
    ///
    /// # Panics
    ///
    /// Where it does not answer.
    pub fn stats(&self) -> BTreeMap<String, u64> {
        let lines = self.ask("stats", "END");
        let words = lines
            .iter()
            .filter_map(|line| line.strip_prefix("STAT ")?.split_once(' '));
        words
            .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
            .collect()
    }

    /// How often it was asked to do something with a key since it was started.
    ///
    /// # Panics
    ///
    /// Where it does not answer.
    pub fn commands(&self) -> u64 {
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
        Some(match &self.listens {
            Listens::Tcp(address, port) => {
                let stream = TcpStream::connect((*address, *port)).ok()?;
                stream.set_read_timeout(timeout).ok()?;
                Box::new(stream)
            }
            Listens::Unix(path) => {
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
        if let Listens::Unix(path) = &self.listens {
            let _ = fs::remove_file(path);
        }
    }
}
