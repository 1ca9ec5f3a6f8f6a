//! What the kernel knows of this process; nothing where it does not say.

use std::fs;
use std::time::Duration;

/// Bytes of memory that are in use.
pub fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// One thread of this process.
#[derive(Clone, Debug)]
pub struct Thread(String);

impl Thread {
    /// The one that asks.
    pub fn current() -> Option<Self> {
        let place = fs::read_link("/proc/thread-self").ok()?;
        Some(Self(format!("/proc/{}/schedstat", place.display())))
    }

    /// How long it has run on a processor.
    pub fn time(&self) -> Option<Duration> {
        let times = fs::read_to_string(&self.0).ok()?;
        let nanoseconds = times.split_whitespace().next()?.parse().ok()?;
        Some(Duration::from_nanos(nanoseconds))
    }
}
