//! A log that a test reads.

use std::io;
use std::mem;
use std::sync::{Arc, Mutex};

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The events that one thread logs while a test runs.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Captures this thread's events of `INFO` and above until the guard is dropped.
    #[must_use = "capturing ends when the guard is dropped"]
    pub fn capture() -> (Self, impl Drop) {
        Self::capture_at(LevelFilter::INFO)
    }

    /// Captures this thread's events of a level and above until the guard is dropped.
    #[must_use = "capturing ends when the guard is dropped"]
    pub fn capture_at(level: LevelFilter) -> (Self, impl Drop) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_writer(move || writer.clone());
        (log, subscriber.finish().set_default())
    }

    /// Returns all lines that were captured.
    ///
    /// # Panics
    ///
    /// If a line is not UTF-8.
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Returns the lines that were captured since the last drain.
    ///
    /// # Panics
    ///
    /// If a line is not UTF-8.
    pub fn drain(&self) -> String {
        String::from_utf8(mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
