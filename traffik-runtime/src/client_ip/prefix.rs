use crate::client_ip::error::ForwardingError;

/// How many leading bits of an IPv6 address tell clients apart; 64 unless something else is said, which is what one
/// subscriber is given.
///
/// ```
/// use traffik_runtime::forwarding::Ipv6Prefix;
///
/// assert!(Ipv6Prefix::new(56).is_ok());
/// assert!(Ipv6Prefix::new(0).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6Prefix(u8);

impl Ipv6Prefix {
    /// What is used unless something else is said.
    pub const DEFAULT: Self = Self(64);

    /// This many bits.
    ///
    /// # Errors
    ///
    /// [`ForwardingError::Prefix`] if there are none, or more than an address has.
    pub const fn new(bits: u128) -> Result<Self, ForwardingError> {
        match bits {
            1..=128 => Ok(Self(bits as u8)),
            _ => Err(ForwardingError::Prefix(bits)),
        }
    }

    /// The number of bits, 1 to 128.
    pub const fn bits(self) -> u8 {
        self.0
    }
}

impl Default for Ipv6Prefix {
    fn default() -> Self {
        Self::DEFAULT
    }
}
