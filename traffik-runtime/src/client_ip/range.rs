//! `TrustedRange`: a range of addresses of trusted proxies.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

use crate::client_ip::error::ForwardingError;

/// The length of the prefix of IPv4-mapped addresses: `::ffff:0:0/96`.
const MAPPED: u8 = 96;

/// A range of addresses of trusted proxies: one address, or `address/length`. Bits beyond the
/// length are ignored. The word `unix` trusts every peer of a Unix socket, which has no address.
///
/// ```
/// use traffik::TrustedRange;
///
/// let range: TrustedRange = "10.0.0.0/8".parse()?;
/// assert!(range.contains("10.1.2.3".parse().unwrap()));
/// // An IPv4-mapped IPv6 address is the IPv4 address.
/// assert!(range.contains("::ffff:10.1.2.3".parse().unwrap()));
/// assert_eq!("::ffff:10.0.0.0/104".parse(), Ok(range));
/// assert!("unix".parse::<TrustedRange>()?.is_unix());
/// # Ok::<(), traffik::ForwardingError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TrustedRange(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Net(IpNet),
    Unix,
}

/// The word for the peers of Unix sockets.
const UNIX: &str = "unix";

impl TrustedRange {
    /// Reports whether these are the peers of Unix sockets.
    pub const fn is_unix(&self) -> bool {
        matches!(self.0, Kind::Unix)
    }

    /// Reports whether an address is in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.contains_canonical(address.to_canonical())
    }

    /// Reports whether an address that is not IPv4-mapped is in the range.
    pub(crate) fn contains_canonical(&self, address: IpAddr) -> bool {
        match self.0 {
            Kind::Net(net) => net.contains(&address),
            Kind::Unix => false,
        }
    }

    /// Reports whether these are all addresses of their family.
    #[cfg_attr(
        not(feature = "engine"),
        expect(dead_code, reason = "only the engine warns")
    )]
    pub(crate) fn is_everyone(&self) -> bool {
        matches!(self.0, Kind::Net(net) if net.prefix_len() == 0)
    }

    fn new(address: IpAddr, length: u8) -> Option<Self> {
        let range = match address {
            IpAddr::V6(address) if (MAPPED..=128).contains(&length) => address
                .to_ipv4_mapped()
                .and_then(|address| Ipv4Net::new(address, length - MAPPED).ok())
                .map(IpNet::V4),
            _ => None,
        };
        let range = range.or_else(|| IpNet::new(address, length).ok());
        range.map(|range| Self(Kind::Net(range.trunc())))
    }
}

impl From<IpAddr> for TrustedRange {
    fn from(address: IpAddr) -> Self {
        Self(Kind::Net(IpNet::from(address.to_canonical())))
    }
}

impl FromStr for TrustedRange {
    type Err = ForwardingError;

    fn from_str(entry: &str) -> Result<Self, ForwardingError> {
        if entry == UNIX {
            return Ok(Self(Kind::Unix));
        }
        let (address, length) = match entry.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (entry, None),
        };
        let Ok(address) = address.parse::<IpAddr>() else {
            return Err(no_address(entry, address));
        };
        let Some(length) = length else {
            return Ok(Self::from(address));
        };
        let bits = number(length).and_then(|length| Self::new(address, length));
        bits.ok_or_else(|| no_length(entry, address, length))
    }
}

/// Parses a number of ASCII digits.
fn number(digits: &str) -> Option<u8> {
    let only_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| only_digits)
}

fn no_address(entry: &str, address: &str) -> ForwardingError {
    let written = entry.to_owned();
    if entry.is_empty() {
        return ForwardingError::Empty;
    }
    if entry.contains(|c: char| c.is_whitespace() || c == ',' || c == ';') {
        return ForwardingError::Several(written);
    }
    let unix = entry.get(..UNIX.len());
    if unix.is_some_and(|word| word.eq_ignore_ascii_case(UNIX)) {
        return ForwardingError::Unix(written);
    }
    match address.find('%') {
        Some(place) => ForwardingError::Zone {
            entry: written,
            zone: address[place..].to_owned(),
        },
        None => ForwardingError::NoRange(written),
    }
}

fn no_length(entry: &str, address: IpAddr, length: &str) -> ForwardingError {
    let written = entry.to_owned();
    if length.parse::<IpAddr>().is_ok() {
        return ForwardingError::Netmask(written);
    }
    if length.contains(|c: char| c.is_whitespace() || c == ',' || c == ';') {
        return ForwardingError::Several(written);
    }
    ForwardingError::Length {
        entry: written,
        max: if address.is_ipv4() { 32 } else { 128 },
    }
}

impl fmt::Display for TrustedRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::Net(net) => net.fmt(f),
            Kind::Unix => f.write_str(UNIX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TrustedRange;
    use crate::client_ip::error::ForwardingError;

    fn holds(range: &str, address: &str) -> bool {
        let range: TrustedRange = range.parse().unwrap();
        range.contains(address.parse().unwrap())
    }

    #[test]
    fn a_range_holds_what_begins_like_it() {
        for (range, inside, outside) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("10.1.2.3/8", "10.0.0.0", "9.255.255.255"),
            ("10.0.0.1", "10.0.0.1", "10.0.0.2"),
            ("10.0.0.1/32", "10.0.0.1", "10.0.0.0"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
            ("::/0", "2001:db8::1", "203.0.113.9"),
            ("::/0", "::1", "::ffff:203.0.113.9"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
            ("::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"),
            ("::ffff:10.9.9.9/104", "10.0.0.0", "2001:db8::1"),
            ("::ffff:10.0.0.0/96", "203.0.113.9", "2001:db8::1"),
            ("::ffff:10.0.0.1", "10.0.0.1", "10.0.0.2"),
            // Not inside the mapped range: an IPv6 range.
            ("::ffff:10.0.0.0/95", "::fffe:10.0.0.1", "10.0.0.1"),
            ("::10.0.0.0/104", "::10.0.0.1", "10.0.0.1"),
            ("10.0.0.0/8", "::ffff:10.0.0.1", "::10.0.0.1"),
        ] {
            assert!(holds(range, inside), "{range} holds {inside}");
            assert!(!holds(range, outside), "{range} does not hold {outside}");
        }
    }

    #[test]
    fn the_word_unix_holds_no_address() {
        let unix: TrustedRange = "unix".parse().unwrap();
        assert!(unix.is_unix() && !unix.is_everyone());
        assert_eq!(unix.to_string(), "unix");
        for address in ["127.0.0.1", "::1", "0.0.0.0", "::"] {
            assert!(!holds("unix", address), "{address}");
        }
        let every: TrustedRange = "0.0.0.0/0".parse().unwrap();
        assert!(every.is_everyone() && !every.is_unix());
    }

    #[test]
    fn what_is_no_range_is_refused_by_its_name() {
        let kind = |error: &ForwardingError| match error {
            ForwardingError::Empty => "empty",
            ForwardingError::NoRange(_) => "no range",
            ForwardingError::Several(_) => "several",
            ForwardingError::Zone { .. } => "zone",
            ForwardingError::Unix(_) => "unix",
            ForwardingError::Netmask(_) => "netmask",
            ForwardingError::Length { max: 32, .. } => "length, IPv4",
            ForwardingError::Length { .. } => "length, IPv6",
            _ => "another",
        };
        for (entry, expected) in [
            ("", "empty"),
            ("*", "no range"),
            ("/8", "no range"),
            ("localhost", "no range"),
            ("Unix", "unix"),
            ("unix:", "unix"),
            ("unix:/run/app.sock", "unix"),
            ("unix/8", "unix"),
            ("unix ", "several"),
            ("/run/app.sock", "no range"),
            ("proxy.internal", "no range"),
            ("proxy.internal/8", "no range"),
            ("10.0.0", "no range"),
            ("10.0.0.256", "no range"),
            ("10.0.0.*", "no range"),
            ("010.0.0.1", "no range"),
            ("10.0.0.1:80", "no range"),
            ("[::1]", "no range"),
            ("10.0.0.0-10.0.0.9", "no range"),
            ("10.0.0.0/255.0.0.0", "netmask"),
            ("::/ffff::", "netmask"),
            ("fe80::1%eth0", "zone"),
            ("fe80::%1/64", "zone"),
            ("10.0.0.1, 10.0.0.2", "several"),
            ("10.0.0.0/8,10.0.0.2", "several"),
            ("10.0.0.1 10.0.0.2", "several"),
            (" 10.0.0.1", "several"),
            ("10.0.0.0/8 ", "several"),
            ("10.0.0.0/", "length, IPv4"),
            ("10.0.0.0/33", "length, IPv4"),
            ("10.0.0.0/256", "length, IPv4"),
            ("10.0.0.0/+8", "length, IPv4"),
            ("10.0.0.0/8/8", "length, IPv4"),
            ("::/129", "length, IPv6"),
        ] {
            let error = entry.parse::<TrustedRange>().unwrap_err();
            assert_eq!(kind(&error), expected, "{entry:?}");
            assert!(error.to_string().contains(entry), "{entry:?}: {error}");
        }
    }
}
