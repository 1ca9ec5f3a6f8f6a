//! Memory and processor time of this process, as the kernel reports them; `None` on systems that do
//! not.

use std::fs;
use std::time::Duration;

/// Returns the resident set size, in bytes.
pub fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// A thread of a process.
#[derive(Clone, Debug)]
pub struct Thread(String);

impl Thread {
    /// Returns the calling thread.
    pub fn current() -> Option<Self> {
        let place = fs::read_link("/proc/thread-self").ok()?;
        Some(Self(format!("/proc/{}/schedstat", place.display())))
    }

    /// Returns the first thread of a process.
    pub fn of_process(process: u32) -> Self {
        Self(format!("/proc/{process}/schedstat"))
    }

    /// Returns the processor time that the thread has used.
    pub fn time(&self) -> Option<Duration> {
        let times = fs::read_to_string(&self.0).ok()?;
        let nanoseconds = times.split_whitespace().next()?.parse().ok()?;
        Some(Duration::from_nanos(nanoseconds))
    }
}
