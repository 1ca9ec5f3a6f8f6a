//! Elements of a list header, from the nearest hop backwards.

use std::net::IpAddr;

use http::HeaderValue;
use http::header::GetAll;

use crate::client_ip::address::{Ports, address};
use crate::client_ip::header::ForwardingHeader;
use crate::client_ip::quoted::trimmed;
use crate::client_ip::{forwarded, quoted};

/// Lists the address of each element, the last of the last line first; `None` for an element
/// without one.
pub(crate) fn addresses(
    header: ForwardingHeader,
    lines: GetAll<'_, HeaderValue>,
) -> impl Iterator<Item = Option<IpAddr>> {
    let lines = lines.into_iter().rev().map(HeaderValue::as_bytes);
    let elements = lines.flat_map(move |line| FromRight {
        rest: Some(line),
        quotes: header == ForwardingHeader::Forwarded,
    });
    elements.map(move |element| match header {
        ForwardingHeader::Forwarded => forwarded::address(element),
        _ => address(trimmed(element), Ports::Numbers),
    })
}

/// An iterator over the elements of a line, split at its commas from the right. An empty line is
/// one empty element.
struct FromRight<'a> {
    rest: Option<&'a [u8]>,
    /// `true` if commas in quotes do not separate.
    quotes: bool,
}

impl<'a> Iterator for FromRight<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let comma = if self.quotes {
            quoted::last_comma(rest)
        } else {
            rest.iter().rposition(|byte| *byte == b',')
        };
        let Some(comma) = comma else {
            self.rest = None;
            return Some(rest);
        };
        self.rest = Some(&rest[..comma]);
        Some(&rest[comma + 1..])
    }
}
