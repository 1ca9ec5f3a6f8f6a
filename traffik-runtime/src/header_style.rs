//! The style of the header fields that tell a client of its limits.

/// Which header fields a throttle sends, on admitted and on refused responses. How they are written, say
/// [`HeaderOptions`](crate::http::headers::options::HeaderOptions).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderStyle {
    /// `RateLimit` and `RateLimit-Policy` in the syntax of the IETF's draft 11, or the fields of an older one.
    #[default]
    Ietf,
    /// `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`, in seconds from now or of Unix time.
    Legacy,
    /// Both kinds.
    Both,
    /// None; a refusal still says `Retry-After`.
    None,
}

impl HeaderStyle {
    pub(crate) const fn is_ietf(self) -> bool {
        matches!(self, Self::Ietf | Self::Both)
    }

    pub(crate) const fn is_legacy(self) -> bool {
        matches!(self, Self::Legacy | Self::Both)
    }
}
