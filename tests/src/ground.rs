//! Where a test stands: a backend of its own, a clock that does not move, a client.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::ConnectInfo;
use http::Request;
use http::request::Parts;
use traffik::{Backend, ManualClock};

/// A client's address, for requests that come through no socket.
pub const PEER: &str = "192.0.2.1:50000";

/// An empty backend, and its clock: midnight, when windows of all usual lengths begin.
pub fn midnight() -> (Backend, ManualClock) {
    let clock = ManualClock::at(Duration::from_secs(11_574 * 24 * 60 * 60));
    (Backend::memory().clock(clock.clone()), clock)
}

/// What a request's extensions hold about its client.
///
/// # Panics
///
/// Where this is no address with a port.
pub fn peer(address: &str) -> ConnectInfo<SocketAddr> {
    ConnectInfo(address.parse().expect("an address and a port"))
}

/// The head of a request of [`PEER`], with this backend provided.
pub fn head(backend: &Backend) -> Parts {
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.extensions.insert(peer(PEER));
    parts.extensions.insert(backend.clone());
    parts
}
