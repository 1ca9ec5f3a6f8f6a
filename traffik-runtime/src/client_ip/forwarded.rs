//! Elements of `Forwarded` (RFC 7239): parameters, of which `for` names the hop.

use std::collections::HashSet;
use std::net::IpAddr;

use smallvec::SmallVec;

use crate::client_ip::address;
use crate::client_ip::address::Ports;
use crate::client_ip::quoted::{Unquoted, split_parameter, trimmed, unquoted};

/// Returns the address of `for`, if the whole element is well-formed.
pub(crate) fn address(element: &[u8]) -> Option<IpAddr> {
    let mut names = Names::default();
    let mut hop = None;
    let mut rest = Some(element);
    while let Some(parameters) = rest {
        let (parameter, others) = split_parameter(parameters);
        rest = others;
        let parameter = trimmed(parameter);
        // An empty text between two semicolons is neither a parameter nor a mistake.
        if parameter.is_empty() {
            continue;
        }
        let (name, value) = read(parameter)?;
        if !names.insert(name) {
            return None;
        }
        if name.eq_ignore_ascii_case(b"for") {
            hop = Some(value);
        }
    }
    address::address(&hop?, Ports::OrNames)
}

/// The names of an element's parameters, in any case. Proxies write a few, but a client can write
/// thousands, so the time must not grow with their square.
#[derive(Default)]
struct Names<'a> {
    few: SmallVec<[&'a [u8]; 8]>,
    many: HashSet<Vec<u8>>,
}

impl<'a> Names<'a> {
    /// Adds a name, and reports whether it is new.
    fn insert(&mut self, name: &'a [u8]) -> bool {
        if self
            .few
            .iter()
            .any(|other| other.eq_ignore_ascii_case(name))
        {
            return false;
        }
        if self.few.len() < self.few.inline_size() {
            self.few.push(name);
            return true;
        }
        self.many.insert(name.to_ascii_lowercase())
    }
}

/// Splits a parameter into name and value, with no blanks around the `=`.
fn read(parameter: &[u8]) -> Option<(&[u8], Unquoted)> {
    let equals = parameter.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (&parameter[..equals], &parameter[equals + 1..]);
    if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
        return None;
    }
    if value.first() == Some(&b'"') {
        return Some((name, unquoted(value)?));
    }
    let is_unquoted = !value.is_empty() && value.iter().all(|byte| is_unquoted_byte(*byte));
    is_unquoted.then(|| (name, Unquoted::from_slice(value)))
}

/// Reports whether a byte may be in a token (RFC 9110).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Reports whether a byte may be in a value without quotes: more bytes than in a token, since many
/// proxies write ports and brackets without quotes.
fn is_unquoted_byte(byte: u8) -> bool {
    !matches!(byte, b' ' | b'\t' | b'"' | b'\\')
}
