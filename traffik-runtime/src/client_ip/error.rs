use thiserror::Error;

/// What is wrong with what was said of proxies, and what to write instead.
///
/// ```
/// use traffik::TrustedRange;
///
/// let error = "10.0.0.0/255.0.0.0".parse::<TrustedRange>().unwrap_err();
/// assert_eq!(error.to_string(), "`10.0.0.0/255.0.0.0` has a netmask; write a length, such as `10.0.0.0/8`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ForwardingError {
    /// Nothing stands where a trusted proxy belongs.
    #[error("a trusted proxy is empty; write an address or a range, such as `10.0.0.0/8`")]
    Empty,
    /// A host name, a star, or anything else that is no address.
    #[error(
        "`{0}` is no address and no range; write one such as `10.0.0.0/8` (names are not looked up)"
    )]
    NoRange(String),
    /// Nearly the word `unix`.
    #[error("`{0}` is no address and no range; write `unix` to trust the peers of Unix sockets")]
    Unix(String),
    /// Several ranges in one text, or one with blanks.
    #[error("`{0}` is not one range; write each by itself, without blanks")]
    Several(String),
    /// An address with a zone.
    #[error("`{entry}` has a zone; leave `{zone}` out")]
    Zone {
        /// What was written.
        entry: String,
        /// Its zone.
        zone: String,
    },
    /// A netmask in place of a length.
    #[error("`{0}` has a netmask; write a length, such as `10.0.0.0/8`")]
    Netmask(String),
    /// A length that is no number, or is beyond the address.
    #[error("the length of `{entry}` is no number from 0 to {most}")]
    Length {
        /// What was written.
        entry: String,
        /// The bits of such an address.
        most: u8,
    },
    /// A prefix that tells no IPv6 addresses apart, or is beyond them.
    #[error("a prefix of {0} is not possible; write one from 1 to 128, such as 64")]
    Prefix(u128),
    /// A word that is no forwarding header.
    #[error("unknown forwarding header `{word}`; {hint}")]
    UnknownHeader {
        /// What was written.
        word: String,
        /// What to write instead.
        hint: String,
    },
}
