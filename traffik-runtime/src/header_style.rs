//! The style of the header fields that describe a client's limits.

/// The header fields that a throttle adds to admitted and refused responses.
/// [`HeaderOptions`](crate::http::headers::options::HeaderOptions) sets their syntax.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderStyle {
    /// `RateLimit` and `RateLimit-Policy` in the syntax of the IETF's draft 11, or the fields of an
    /// older draft.
    #[default]
    Ietf,
    /// `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`, in seconds from now or
    /// of Unix time.
    Legacy,
    /// The fields of both styles.
    Both,
    /// No fields; a refusal still has `Retry-After`.
    None,
}

impl HeaderStyle {
    /// Returns `true` if the style has the fields of the IETF.
    pub(crate) const fn is_ietf(self) -> bool {
        matches!(self, Self::Ietf | Self::Both)
    }

    /// Returns `true` if the style has the `X-RateLimit` fields.
    pub(crate) const fn is_legacy(self) -> bool {
        matches!(self, Self::Legacy | Self::Both)
    }
}
