//! The client of a decision, with the address that it is counted by.

use std::fmt;
use std::net::IpAddr;

use crate::identity::{ClientKey, Identity};

/// A client as a decision has resolved it: with its address, where the throttle counts addresses.
///
/// It is displayed for people like an [`Identity`], with the address in place of the word `ip`.
#[derive(Clone, Copy, Debug)]
pub struct ResolvedClient<'a> {
    identity: &'a Identity,
    address: Option<IpAddr>,
}

impl<'a> ResolvedClient<'a> {
    /// Resolves a client; the request's address is looked up only if it is part of the client's key.
    pub(crate) fn new(
        identity: &'a Identity,
        request_address: impl FnOnce() -> Option<IpAddr>,
    ) -> Self {
        let address = match identity {
            Identity::Exempt => None,
            Identity::Client(client) => match &client.key {
                ClientKey::Address(address) => Some(*address),
                ClientKey::Ip | ClientKey::IpOr(_) | ClientKey::IpWithoutHeader => {
                    request_address()
                }
                ClientKey::Named(_) | ClientKey::Header(_) | ClientKey::Everyone => None,
            },
        };
        Self { identity, address }
    }

    /// Returns the address that the client is counted by: behind trusted proxies the one that they report, and of an IPv6
    /// address as many bits as tell clients apart. `None` if the client is counted by something else.
    pub const fn address(&self) -> Option<IpAddr> {
        self.address
    }
}

impl fmt::Display for ResolvedClient<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.identity.write(self.address, f)
    }
}
