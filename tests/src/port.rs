//! Ports for servers that cannot be asked to choose one.

use std::net::TcpListener;
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ports that the system gives to outgoing connections, so that a server finds its own again when it returns.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A port of 127.0.0.1 on which nobody listens, and that this process has not given out yet.
///
/// # Panics
///
/// Where all are taken.
pub(crate) fn free() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Other processes of the same tests begin elsewhere.
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
