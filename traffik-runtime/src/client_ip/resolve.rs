//! `ClientIp`: the client's address behind proxies, which is the peer's or the one that trusted
//! proxies report.
//!
//! The [elements](crate::client_ip::elements) of a header are read from the nearest hop backwards,
//! past trusted ones, to the first that is not an [address](crate::client_ip::address). In
//! `Forwarded` an element is a list of [parameters](crate::client_ip::forwarded).

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

/// The settings that resolve the address of a request's client: the trusted proxies, the header
/// that they write, and the bits of an IPv6 address that identify a client.
///
/// By default no proxy is trusted, and the client is the peer. The default header of trusted
/// proxies is `X-Forwarded-For`.
///
/// ```
/// use traffik::{ClientIp, ForwardingHeader};
///
/// let client_ip = ClientIp::new().trusted(["10.0.0.0/8"]).header(ForwardingHeader::Forwarded);
/// let mut headers = http::HeaderMap::new();
/// headers.insert("forwarded", "for=198.51.100.1, for=203.0.113.7".parse()?);
/// // The nearest hop is accepted. Elements left of it are not: the client may have sent them.
/// let client = client_ip.resolve("10.0.0.1".parse()?, &headers)?;
/// assert_eq!(client.to_string(), "203.0.113.7");
/// // A header from a peer that is not a trusted proxy is ignored.
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

/// The client of a request.
struct Resolved {
    /// The address; `None` for the peer of a Unix socket.
    address: Option<IpAddr>,
    /// `true` if a trusted proxy sent the request without the chosen header.
    lacks_header: bool,
}

impl ClientIp {
    /// Makes settings that resolve the peer's address, or the first 64 bits of an IPv6 address.
    pub const fn new() -> Self {
        Self {
            trusted: Vec::new(),
            header: ForwardingHeader::XForwardedFor,
            prefix: Ipv6Prefix::DEFAULT,
            error: None,
        }
    }

    /// Trusts these proxies in addition to those that are trusted already: addresses, ranges such
    /// as `10.0.0.0/8`, or the word `unix` for the peers of Unix sockets.
    ///
    /// A malformed range makes every later use of these settings an error.
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

    /// Trusts these proxies, like [`trusted`](Self::trusted), and returns an error for a malformed
    /// range.
    ///
    /// # Errors
    ///
    /// [`ForwardingError`], which names the first malformed range.
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

    /// Sets the header that trusted proxies write; default `X-Forwarded-For`. No other header is
    /// read.
    pub fn header(self, header: ForwardingHeader) -> Self {
        Self { header, ..self }
    }

    /// Sets the number of bits of an IPv6 address that identify a client, 1 to 128; default 64.
    /// Another number makes every later use of these settings an error.
    pub fn prefix(mut self, bits: u8) -> Self {
        match Ipv6Prefix::new(bits.into()) {
            Ok(prefix) => self.prefix = prefix,
            Err(error) => self.remember(error),
        }
        self
    }

    /// Returns the client's address. The bits of an IPv6 address beyond the prefix are zero.
    ///
    /// # Errors
    ///
    /// [`Error::BackendConfiguration`] if a setting is malformed.
    pub fn resolve(&self, peer: IpAddr, headers: &HeaderMap) -> Result<IpAddr, Error> {
        self.check()?;
        let address = self.find(Some(peer), headers).address;
        Ok(address.unwrap_or_else(|| masked(peer.to_canonical(), self.prefix)))
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// [`Error::BackendConfiguration`] with the first malformed setting.
    pub fn check(&self) -> Result<(), Error> {
        match &self.error {
            None => Ok(()),
            Some(error) => Err(Error::BackendConfiguration {
                message: error.to_string(),
            }),
        }
    }

    /// Returns the client's address, and logs a warning where the settings do not seem to fit the
    /// requests. `None` if a Unix socket's peer is not trusted, or reported no client.
    #[inline]
    pub(crate) fn watched(&self, peer: PeerAddr, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = match peer {
            PeerAddr::Tcp(peer) => Some(peer.ip()),
            PeerAddr::Unix => None,
        };
        let Resolved {
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
    fn find(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Resolved {
        let mut nearest = peer.map(|peer| peer.to_canonical());
        let mut lacks_header = false;
        if let Some(field) = self.header.field()
            && self.trusts_peer(nearest)
        {
            lacks_header = true;
            for element in elements::addresses(self.header, headers.get_all(field)) {
                lacks_header = false;
                let Some(address) = element else { break };
                nearest = Some(address);
                if !self.trusts(address) {
                    break;
                }
            }
        }
        Resolved {
            address: nearest.map(|address| masked(address, self.prefix)),
            lacks_header,
        }
    }

    /// Reports whether the peer is a trusted proxy. A peer without an address is that of a Unix
    /// socket.
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

    /// Returns the name of the header that is read, if there is one.
    pub(crate) const fn field(&self) -> Option<&'static str> {
        self.header.field()
    }

    #[inline]
    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted
            .iter()
            .any(|range| range.contains_canonical(address))
    }

    fn trust(&mut self, range: TrustedRange) {
        if range.is_everyone() {
            warnings::trusts_everyone(&range);
        }
        self.trusted.push(range);
    }

    /// Keeps the first error, which is to be fixed first.
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
            let mask = u128::MAX.checked_shl(beyond).unwrap_or_default();
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    }
}
