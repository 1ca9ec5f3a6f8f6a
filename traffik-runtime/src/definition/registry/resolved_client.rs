//! A client of a decision, with the address that it is counted by.

use std::fmt;
use std::net::IpAddr;

use crate::identity::{ClientKey, Identity};

/// A client as a decision resolved it: with its address, if the throttle counts addresses.
///
/// Its `Display` is that of an [`Identity`], with the address in place of the word `ip`.
#[derive(Clone, Copy, Debug)]
pub struct ResolvedClient<'a> {
    identity: &'a Identity,
    address: Option<IpAddr>,
}

impl<'a> ResolvedClient<'a> {
    /// Resolves a client. The address of the request is looked up only if it is part of the
    /// client's key.
    pub(crate) fn new(
        identity: &'a Identity,
        request_address: impl FnOnce() -> Option<IpAddr>,
    ) -> Self {
        let address = match identity {
            Identity::Exempt => None,
            Identity::Client(client) if has_request_address(&client.key) => request_address(),
            Identity::Client(client) => fixed_address(&client.key),
        };
        Self { identity, address }
    }

    /// Returns the address that the client is counted by, or `None` if it is counted by something
    /// else. Behind trusted proxies it is the address that they report; of an IPv6 address, it is
    /// the prefix that tells clients apart.
    pub const fn address(&self) -> Option<IpAddr> {
        self.address
    }
}

fn has_request_address(key: &ClientKey) -> bool {
    match key {
        ClientKey::Ip | ClientKey::IpOr(_) | ClientKey::IpWithoutHeader => true,
        ClientKey::Both(keys) => keys.iter().any(has_request_address),
        ClientKey::Named(_)
        | ClientKey::Header(_)
        | ClientKey::Address(_)
        | ClientKey::Everyone => false,
    }
}

/// Returns the address in a key, the first of two.
fn fixed_address(key: &ClientKey) -> Option<IpAddr> {
    match key {
        ClientKey::Address(address) => Some(*address),
        ClientKey::Both(keys) => keys.iter().find_map(fixed_address),
        _ => None,
    }
}

impl fmt::Display for ResolvedClient<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.identity.write(self.address, f)
    }
}
