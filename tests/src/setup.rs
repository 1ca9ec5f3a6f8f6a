//! The set-up that most tests share: an empty backend, a manual clock, a client.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::ConnectInfo;
use http::Request;
use http::request::Parts;
use traffik::{Backend, ManualClock};

/// A client's address, for requests that do not come through a socket.
pub const PEER: &str = "192.0.2.1:50000";

/// Creates an empty memory backend with a manual clock that stands at midnight, where windows of
/// all usual lengths begin.
pub fn midnight() -> (Backend, ManualClock) {
    let clock = ManualClock::at(Duration::from_secs(11_574 * 24 * 60 * 60));
    (Backend::memory().clock(clock.clone()), clock)
}

/// Creates the extension that holds a client's address.
///
/// # Panics
///
/// Unless the text is an address with a port.
pub fn peer(address: &str) -> ConnectInfo<SocketAddr> {
    ConnectInfo(address.parse().expect("an address and a port"))
}

/// Creates the head of a request from [`PEER`] to which a backend is provided.
pub fn head(backend: &Backend) -> Parts {
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.extensions.insert(peer(PEER));
    parts.extensions.insert(backend.clone());
    parts
}
