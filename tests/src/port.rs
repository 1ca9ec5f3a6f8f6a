//! Free ports for servers that cannot choose one themselves.

use std::net::TcpListener;
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

/// The first port of a range below the ephemeral ports of outgoing connections, so that a server
/// that restarts finds its port free.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// Returns a free port of 127.0.0.1 that this process has not returned before.
///
/// # Panics
///
/// If no port is free.
pub(crate) fn free() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Other test processes start at other ports.
    let start = u16::try_from(process::id() % 997).expect("three digits") * 12;
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + start.wrapping_add(step) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}
