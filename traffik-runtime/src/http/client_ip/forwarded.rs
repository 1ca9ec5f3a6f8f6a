//! An element of `Forwarded` (RFC 7239): parameters, of which `for` names the hop.

use std::net::IpAddr;

use smallvec::SmallVec;

use super::address::{self, Ports};
use super::elements::trimmed;
use super::quoted::{Unquoted, split_parameter, unquoted};

/// The address that `for` gives, if the whole element is well-formed.
pub(super) fn address(element: &[u8]) -> Option<IpAddr> {
    let mut names: SmallVec<[&[u8]; 8]> = SmallVec::new();
    let mut hop = None;
    let mut rest = Some(element);
    while let Some(parameters) = rest {
        let (parameter, others) = split_parameter(parameters);
        rest = others;
        let parameter = trimmed(parameter);
        // Nothing between two semicolons is no parameter, and no mistake.
        if parameter.is_empty() {
            continue;
        }
        let (name, value) = read(parameter)?;
        if names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return None;
        }
        names.push(name);
        if name.eq_ignore_ascii_case(b"for") {
            hop = Some(value);
        }
    }
    address::address(&hop?, Ports::OrNames)
}

/// A parameter's name and value, with no blanks around the `=`.
fn read(parameter: &[u8]) -> Option<(&[u8], Unquoted)> {
    let equals = parameter.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (&parameter[..equals], &parameter[equals + 1..]);
    if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
        return None;
    }
    if value.first() == Some(&b'"') {
        return Some((name, unquoted(value)?));
    }
    let plain = !value.is_empty() && value.iter().all(|byte| is_plain(*byte));
    plain.then(|| (name, Unquoted::from_slice(value)))
}

/// A character of a token, as RFC 9110 has it.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What a value without quotes may hold: more than a token, since many a proxy writes ports and brackets without them.
fn is_plain(byte: u8) -> bool {
    !matches!(byte, b' ' | b'\t' | b'"' | b'\\')
}
