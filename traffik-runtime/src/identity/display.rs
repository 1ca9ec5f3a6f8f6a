//! The text that names a client to people, in logs and messages.

use std::fmt;
use std::fmt::Write as _;
use std::net::IpAddr;

use crate::identity::{ClientKey, Identity};

/// The largest number of bytes of a name that are shown to people.
const SHOWN_BYTES: usize = 128;

/// Names the client for people, in logs and messages: `user:7`, `203.0.113.7`, `everyone`.
///
/// Control characters and bytes that are not UTF-8 are escaped, and a text of more than 128 bytes
/// ends in `…`, since clients choose the values of their headers. Two clients may print alike, so
/// this is not a key. The address of [`Identity::ip`] depends on the request: here it is printed as
/// the word `ip`, and [`Event::client`] and logs print the address.
///
/// [`Event::client`]: crate::definition::registry::event::Event::client
///
/// ```
/// use traffik::Identity;
///
/// assert_eq!(Identity::new("user:7").to_string(), "user:7");
/// assert_eq!(Identity::new("a\nb").to_string(), r"a\nb");
/// assert_eq!(Identity::everyone().to_string(), "everyone");
/// ```
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(None, f)
    }
}

impl Identity {
    /// Writes the client for people, with the address of its request where that is known.
    pub(crate) fn write(&self, address: Option<IpAddr>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Client(client) = self else {
            return f.write_str("exempt");
        };
        write_key(&client.key, address, f)
    }
}

fn write_key(key: &ClientKey, address: Option<IpAddr>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match (key, address) {
        (ClientKey::Named(name) | ClientKey::Header(name), _) | (ClientKey::IpOr(name), None) => {
            write_name(name, f)
        }
        (ClientKey::Everyone, _) => f.write_str("everyone"),
        (ClientKey::Address(address), _) => write!(f, "{address}"),
        (ClientKey::Ip | ClientKey::IpOr(_), Some(address)) => write!(f, "{address}"),
        (ClientKey::IpWithoutHeader, Some(address)) => write!(f, "{address} (no header)"),
        (ClientKey::Ip, None) => f.write_str("ip"),
        (ClientKey::IpWithoutHeader, None) => f.write_str("ip (no header)"),
        (ClientKey::Both(keys), address) => {
            let [first, second] = &**keys;
            write_key(first, address, f)?;
            f.write_str(", ")?;
            write_key(second, address, f)
        }
    }
}

/// Writes bytes that a client may have chosen, so that they stay on one line.
fn write_name(name: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let shown = name.get(..SHOWN_BYTES).unwrap_or(name);
    // A character that the cut has split is left out.
    let shown = match std::str::from_utf8(shown) {
        Err(error) if shown.len() < name.len() && error.error_len().is_none() => {
            &shown[..error.valid_up_to()]
        }
        _ => shown,
    };
    for chunk in shown.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\'' => f.write_char(character)?,
                _ => write!(f, "{}", character.escape_debug())?,
            }
        }
        write!(f, "{}", chunk.invalid().escape_ascii())?;
    }
    f.write_str(if shown.len() < name.len() { "…" } else { "" })
}
