//! Addresses in elements of a forwarding header.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str;

/// Parses `IPv4`, `IPv4:port`, `IPv6`, `[IPv6]` or `[IPv6]:port`. An IPv4-mapped address becomes
/// the IPv4 address. Everything else is `None`, and so are unspecified addresses.
pub(crate) fn address(value: &[u8], ports: Ports) -> Option<IpAddr> {
    let value = str::from_utf8(value).ok()?;
    let (address, port) = split(value)?;
    if port.is_some_and(|port| !ports.has(port)) {
        return None;
    }
    Some(address.to_canonical()).filter(|address| !address.is_unspecified())
}

/// The accepted ports.
#[derive(Clone, Copy)]
pub(crate) enum Ports {
    /// A number.
    Numbers,
    /// A number, or `_name` as in `Forwarded`.
    OrNames,
}

impl Ports {
    fn has(self, port: &str) -> bool {
        match (self, port.strip_prefix('_')) {
            (Self::OrNames, Some(name)) => is_obfuscated(name),
            _ => is_number(port),
        }
    }
}

/// Reports whether a port is one to five digits, up to 65535.
fn is_number(port: &str) -> bool {
    (1..=5).contains(&port.len())
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && port.parse::<u16>().is_ok()
}

/// Reports whether a text may follow the `_` of a name that hides a port (RFC 7239, section 6.2).
fn is_obfuscated(name: &str) -> bool {
    let has = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !name.is_empty() && name.bytes().all(has)
}

/// Splits a value into the address and the text after its colon.
fn split(value: &str) -> Option<(IpAddr, Option<&str>)> {
    if let Some(bracketed) = value.strip_prefix('[') {
        let (address, rest) = bracketed.split_once(']')?;
        let port = match rest {
            "" => None,
            rest => Some(rest.strip_prefix(':')?),
        };
        return Some((ipv6(address)?.into(), port));
    }
    match value.split_once(':') {
        None => Some((value.parse::<Ipv4Addr>().ok()?.into(), None)),
        Some((address, port)) if !port.contains(':') && !address.is_empty() => {
            Some((address.parse::<Ipv4Addr>().ok()?.into(), Some(port)))
        }
        Some(_) => Some((ipv6(value)?.into(), None)),
    }
}

/// Parses an IPv6 address. Its zone, which means something only to the sender, is dropped.
fn ipv6(text: &str) -> Option<Ipv6Addr> {
    let address = match text.split_once('%') {
        None => text,
        Some((address, zone)) if is_zone(zone) => address,
        Some(_) => return None,
    };
    address.parse().ok()
}

fn is_zone(zone: &str) -> bool {
    !zone.is_empty() && zone.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::{Ports, address};

    fn read(value: &str) -> Option<String> {
        address(value.as_bytes(), Ports::Numbers).map(|address| address.to_string())
    }

    #[test]
    fn reads_every_form() {
        for (value, expected) in [
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.7:0", "203.0.113.7"),
            ("203.0.113.7:65535", "203.0.113.7"),
            ("203.0.113.7:00080", "203.0.113.7"),
            ("2001:db8::1", "2001:db8::1"),
            ("2001:DB8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("::1", "::1"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("[::ffff:203.0.113.7]:80", "203.0.113.7"),
            ("::ffff:cb00:7107", "203.0.113.7"),
            ("::203.0.113.7", "::cb00:7107"),
            ("64:ff9b::203.0.113.7", "64:ff9b::cb00:7107"),
            ("fe80::1%eth0", "fe80::1"),
            ("fe80::1%25eth0", "fe80::1"),
            ("fe80::1%eth0:1", "fe80::1"),
            ("[fe80::1%eth0]:80", "fe80::1"),
            ("::ffff:203.0.113.7%1", "203.0.113.7"),
            ("255.255.255.255", "255.255.255.255"),
        ] {
            assert_eq!(read(value).as_deref(), Some(expected), "{value}");
        }
    }

    #[test]
    fn refuses_everything_else() {
        for value in [
            "",
            "unknown",
            "_hidden",
            "localhost",
            "203.0.113",
            "203.0.113.7.9",
            "203.0.113.256",
            "0203.0.113.7",
            "0xcb.0.113.7",
            "3405803783",
            " 203.0.113.7",
            "203.0.113.7 ",
            "203.0.113.7:",
            "203.0.113.7:65536",
            "203.0.113.7:-1",
            "203.0.113.7:+80",
            "203.0.113.7:80:80",
            "203.0.113.7:000080",
            "203.0.113.7:http",
            "203.0.113.7:_p",
            "203.0.113.7%eth0",
            "203.0.113.7/32",
            ":80",
            ":",
            "[203.0.113.7]",
            "[203.0.113.7]:80",
            "[]",
            "[]:80",
            "[2001:db8::1",
            "2001:db8::1]",
            "[2001:db8::1]:",
            "[2001:db8::1]80",
            "[2001:db8::1]:80:80",
            "[2001:db8::1]:_p",
            "[[2001:db8::1]]",
            "2001:db8::1::2",
            "2001:db8::12345",
            "fe80::1%",
            "[fe80::1%]:80",
            "fe80::1%a b",
            "\"203.0.113.7\"",
            "for=203.0.113.7",
            "0.0.0.0",
            "0.0.0.0:80",
            "::",
            "[::]",
            "[::]:80",
            "::ffff:0.0.0.0",
            "::%1",
        ] {
            assert_eq!(read(value), None, "{value}");
        }
        assert_eq!(address(b"203.0.113.7\xff", Ports::Numbers), None);
    }

    #[test]
    fn accepts_names_of_ports_only_in_forwarded() {
        let read = |value: &str| address(value.as_bytes(), Ports::OrNames).is_some();
        assert!(read("203.0.113.7:_p") && read("[2001:db8::1]:_a.b-c_9") && read("203.0.113.7:80"));
        for value in [
            "203.0.113.7:_",
            "203.0.113.7:p",
            "203.0.113.7:_p!",
            "[2001:db8::1]:_",
            "_p",
        ] {
            assert!(!read(value), "{value}");
        }
    }
}
