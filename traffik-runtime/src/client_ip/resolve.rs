//! Who a request comes from, behind proxies: the peer, or whoever trusted proxies say they forwarded it for.
//!
//! A header's [`elements`] are read from the nearest hop backwards, past trusted ones; each says an [`address`], or the
//! walk ends there. In `Forwarded` an element is a list of [parameters](forwarded).

use crate::client_ip::elements;
#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;

use std::net::{IpAddr, Ipv6Addr};

use http::HeaderMap;

use crate::client_ip::error::ForwardingError;
use crate::client_ip::header::ForwardingHeader;
use crate::client_ip::peer::PeerAddr;
use crate::client_ip::prefix::Ipv6Prefix;
use crate::client_ip::range::TrustedRange;
use crate::error::Error;
use crate::warnings;

/// How the address of a request's client is found: from which proxies what header is believed, and how many bits of an
/// IPv6 address tell clients apart.
///
/// By default no proxy is trusted, and the client is the peer; where one is, and no header is chosen, it is
/// `X-Forwarded-For`.
///
/// ```
/// use traffik::{ClientIp, ForwardingHeader};
///
/// let client_ip = ClientIp::new().trusted(["10.0.0.0/8"]).header(ForwardingHeader::Forwarded);
/// let mut headers = http::HeaderMap::new();
/// headers.insert("forwarded", "for=198.51.100.1, for=203.0.113.7".parse()?);
/// // The nearest hop is believed, what stands left of it is not: the client may have sent it.
/// let client = client_ip.resolve("10.0.0.1".parse()?, &headers)?;
/// assert_eq!(client.to_string(), "203.0.113.7");
/// // Nor is a peer that is none of the proxies.
/// let client = client_ip.resolve("192.0.2.1".parse()?, &headers)?;
/// assert_eq!(client.to_string(), "192.0.2.1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientIp {
    trusted: Vec<TrustedRange>,
    header: ForwardingHeader,
    prefix: Ipv6Prefix,
    error: Option<ForwardingError>,
}

/// What was found out about a request.
struct Found {
    /// `None` for the peer of a Unix socket.
    address: Option<IpAddr>,
    /// Whether a trusted proxy sent the request without the header that it was to have.
    lacks_header: bool,
}

impl ClientIp {
    /// The peer's address; of an IPv6 address the first 64 bits.
    pub const fn new() -> Self {
        Self {
            trusted: Vec::new(),
            header: ForwardingHeader::XForwardedFor,
            prefix: Ipv6Prefix::DEFAULT,
            error: None,
        }
    }

    /// Trusts these proxies, besides those that are trusted already: addresses, ranges such as `10.0.0.0/8`, or the word
    /// `unix` for whoever connects over a Unix socket.
    ///
    /// What is no range is remembered, and is the error of all that is done with this.
    pub fn trusted(self, ranges: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut trusting = self;
        for range in ranges {
            match range.as_ref().parse() {
                Ok(range) => trusting.trust(range),
                Err(error) => trusting.remember(error),
            }
        }
        trusting
    }

    /// The same, where what is no range is told at once.
    ///
    /// # Errors
    ///
    /// [`ForwardingError`], which names the first entry that is wrong.
    pub fn try_trusted(
        self,
        ranges: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, ForwardingError> {
        let mut trusting = self;
        for range in ranges {
            trusting.trust(range.as_ref().parse()?);
        }
        Ok(trusting)
    }

    /// The header that trusted proxies write; default `X-Forwarded-For`. Exactly this one is read.
    pub fn header(self, header: ForwardingHeader) -> Self {
        Self { header, ..self }
    }

    /// How many bits of an IPv6 address tell clients apart, 1 to 128; default 64. Another number is remembered as an
    /// error.
    pub fn prefix(mut self, bits: u8) -> Self {
        match Ipv6Prefix::new(bits.into()) {
            Ok(prefix) => self.prefix = prefix,
            Err(error) => self.remember(error),
        }
        self
    }

    /// The client's address, of which the last bits of an IPv6 address are zero.
    ///
    /// # Errors
    ///
    /// [`Error::BackendConfiguration`] if what this was made of is wrong.
    pub fn resolve(&self, peer: IpAddr, headers: &HeaderMap) -> Result<IpAddr, Error> {
        self.check()?;
        let found = self.find(Some(peer), headers).address;
        Ok(found.unwrap_or_else(|| masked(peer.to_canonical(), self.prefix)))
    }

    /// Whether all that this was made of makes sense.
    ///
    /// # Errors
    ///
    /// [`Error::BackendConfiguration`] with the first thing that does not.
    pub fn check(&self) -> Result<(), Error> {
        match &self.error {
            None => Ok(()),
            Some(error) => Err(Error::BackendConfiguration {
                message: error.to_string(),
            }),
        }
    }

    /// Returns the client's address, with a warning where this and the requests that come do not seem to go together;
    /// `None` if a Unix socket's peer is not trusted, or told of no client.
    #[inline]
    pub(crate) fn watched(&self, peer: PeerAddr, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = match peer {
            PeerAddr::Tcp(peer) => Some(peer.ip()),
            PeerAddr::Unix => None,
        };
        let Found {
            address,
            lacks_header,
        } = self.find(peer, headers);
        if self.trusted.is_empty() {
            if self.header != ForwardingHeader::None {
                let carried = |field: &&str| headers.contains_key(*field);
                warnings::no_proxy_is_trusted(|| ForwardingHeader::fields().find(carried));
            }
        } else if let (true, Some(field)) = (lacks_header, self.header.field()) {
            warnings::proxy_sent_no_header(field);
        }
        address
    }

    #[inline]
    fn find(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Found {
        let mut nearest = peer.map(|peer| peer.to_canonical());
        let mut lacks_header = false;
        if let Some(field) = self.header.field()
            && self.trusts_peer(nearest)
        {
            lacks_header = true;
            for element in elements::of(self.header, headers.get_all(field)) {
                lacks_header = false;
                let Some(address) = element else { break };
                nearest = Some(address);
                if !self.trusts(address) {
                    break;
                }
            }
        }
        Found {
            address: nearest.map(|address| masked(address, self.prefix)),
            lacks_header,
        }
    }

    /// Reports whether the peer is a trusted proxy; one without an address is that of a Unix socket.
    #[inline]
    fn trusts_peer(&self, peer: Option<IpAddr>) -> bool {
        match peer {
            Some(address) => self.trusts(address),
            None => self.trusts_unix(),
        }
    }

    /// Reports whether the peers of Unix sockets are trusted proxies.
    pub(crate) fn trusts_unix(&self) -> bool {
        self.trusted.iter().any(TrustedRange::is_unix)
    }

    /// Returns the name of the header that is read, if one is.
    pub(crate) const fn field(&self) -> Option<&'static str> {
        self.header.field()
    }

    #[inline]
    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|range| range.holds(address))
    }

    fn trust(&mut self, range: TrustedRange) {
        if range.is_everyone() {
            warnings::trusts_everyone(&range);
        }
        self.trusted.push(range);
    }

    /// The first error is the one to mend first.
    fn remember(&mut self, error: ForwardingError) {
        self.error.get_or_insert(error);
    }
}

impl Default for ClientIp {
    fn default() -> Self {
        Self::new()
    }
}

#[inline]
fn masked(address: IpAddr, prefix: Ipv6Prefix) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let beyond = 128 - u32::from(prefix.bits());
            let kept = u128::MAX.checked_shl(beyond).unwrap_or_default();
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & kept))
        }
    }
}
