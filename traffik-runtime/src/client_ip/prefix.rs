//! `Ipv6Prefix`: the bits of an IPv6 address that identify a client.

use crate::client_ip::error::ForwardingError;

/// The number of leading bits of an IPv6 address that identify a client. The default is 64, the
/// prefix that one subscriber gets.
///
/// ```
/// use traffik_runtime::client_ip::Ipv6Prefix;
///
/// assert!(Ipv6Prefix::new(56).is_ok());
/// assert!(Ipv6Prefix::new(0).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6Prefix(u8);

impl Ipv6Prefix {
    /// The default: 64 bits.
    pub const DEFAULT: Self = Self(64);

    /// Makes a prefix of this many bits.
    ///
    /// # Errors
    ///
    /// [`ForwardingError::Prefix`] for 0 bits, or more than an address has.
    pub const fn new(bits: u128) -> Result<Self, ForwardingError> {
        match bits {
            1..=128 => Ok(Self(bits as u8)),
            _ => Err(ForwardingError::Prefix(bits)),
        }
    }

    /// Returns the number of bits, 1 to 128.
    pub const fn bits(self) -> u8 {
        self.0
    }
}

impl Default for Ipv6Prefix {
    fn default() -> Self {
        Self::DEFAULT
    }
}
