//! Errors in the settings of proxies.

use thiserror::Error;

/// A mistake in the settings of proxies, and what to write instead.
///
/// ```
/// use traffik::TrustedRange;
///
/// let error = "10.0.0.0/255.0.0.0".parse::<TrustedRange>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "`10.0.0.0/255.0.0.0` has a netmask; write a length, such as `10.0.0.0/8`",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ForwardingError {
    /// An empty trusted proxy.
    #[error("a trusted proxy is empty; write an address or a range, such as `10.0.0.0/8`")]
    Empty,
    /// A host name, a star, or anything else that is not an address.
    #[error(
        "`{0}` is not an address or a range; write one such as `10.0.0.0/8` (names are not resolved)"
    )]
    NoRange(String),
    /// A misspelling of the word `unix`.
    #[error("`{0}` is not an address or a range; write `unix` to trust the peers of Unix sockets")]
    Unix(String),
    /// Several ranges in one text, or one range with blanks.
    #[error("`{0}` is not one range; write each range as a string of its own, without blanks")]
    Several(String),
    /// An address with a zone.
    #[error("`{entry}` has a zone; leave `{zone}` out")]
    Zone {
        /// The text.
        entry: String,
        /// Its zone.
        zone: String,
    },
    /// A netmask instead of a length.
    #[error("`{0}` has a netmask; write a length, such as `10.0.0.0/8`")]
    Netmask(String),
    /// A length that is not a number, or longer than the address.
    #[error("the length of `{entry}` is not a number from 0 to {max}")]
    Length {
        /// The text.
        entry: String,
        /// The bits of such an address.
        max: u8,
    },
    /// A prefix of an IPv6 address that is 0 or longer than the address.
    #[error("a prefix of {0} is not possible; write one from 1 to 128, such as 64")]
    Prefix(u128),
    /// An unknown forwarding header.
    #[error("unknown forwarding header `{word}`; {hint}")]
    UnknownHeader {
        /// The text.
        word: String,
        /// The words to write instead.
        hint: String,
    },
}
