//! Options for the form of header fields.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::header_style::HeaderStyle;

/// The form of header fields. The [`HeaderStyle`](crate::header_style::HeaderStyle) of each
/// throttle selects the fields.
///
/// ```
/// use traffik::{HeaderOptions, HeaderSyntax, LegacyReset, set_header_options};
///
/// let options = HeaderOptions::new()
///     .syntax(HeaderSyntax::Draft6)
///     .legacy_reset(LegacyReset::Epoch);
/// set_header_options(options);
/// # set_header_options(HeaderOptions::new());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct HeaderOptions {
    pub(super) syntax: HeaderSyntax,
    pub(super) legacy_reset: LegacyReset,
}

/// The syntax of a version of `draft-ietf-httpapi-ratelimit-headers`, which is not a standard yet
/// and has changed several times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderSyntax {
    /// Drafts 8 to 11: `RateLimit-Policy: "api";q=100;w=60` and `RateLimit: "api";r=50;t=30`.
    #[default]
    Draft11,
    /// Draft 6: `RateLimit-Limit: 100`, `RateLimit-Remaining: 50`, `RateLimit-Reset: 30` of the
    /// policy that binds, and `RateLimit-Policy: 100;w=60`, without policies of less than a second,
    /// which this syntax cannot represent.
    Draft6,
}

/// The unit of `X-RateLimit-Reset`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LegacyReset {
    /// Seconds from now.
    #[default]
    Seconds,
    /// Seconds since 1970-01-01 00:00 UTC.
    Epoch,
}

/// The options of the process: the syntax in the first bit, the reset in the second.
static CHOSEN: AtomicU8 = AtomicU8::new(0);

/// Sets the form of header fields in this process, from the next response on; default:
/// [`HeaderOptions::new`].
pub fn set_header_options(options: HeaderOptions) {
    let syntax = u8::from(options.syntax == HeaderSyntax::Draft6);
    let reset = u8::from(options.legacy_reset == LegacyReset::Epoch);
    CHOSEN.store(syntax | reset << 1, Ordering::Relaxed);
}

impl HeaderOptions {
    /// Creates options with the syntax of draft 11, and resets in seconds from now.
    pub const fn new() -> Self {
        Self {
            syntax: HeaderSyntax::Draft11,
            legacy_reset: LegacyReset::Seconds,
        }
    }

    /// Sets the syntax of the IETF's fields; default: [`HeaderSyntax::Draft11`].
    pub const fn syntax(self, syntax: HeaderSyntax) -> Self {
        Self { syntax, ..self }
    }

    /// Sets the unit of `X-RateLimit-Reset`; default: [`LegacyReset::Seconds`].
    pub const fn legacy_reset(self, legacy_reset: LegacyReset) -> Self {
        Self {
            legacy_reset,
            ..self
        }
    }

    /// Returns `true` if a style has fields with room for one policy.
    pub(crate) fn sends_singles(self, style: HeaderStyle) -> bool {
        style.is_legacy() || (style.is_ietf() && self.syntax == HeaderSyntax::Draft6)
    }

    /// Returns the options of the process.
    pub(crate) fn chosen() -> Self {
        let chosen = CHOSEN.load(Ordering::Relaxed);
        let syntax = if chosen & 1 == 0 {
            HeaderSyntax::Draft11
        } else {
            HeaderSyntax::Draft6
        };
        let legacy_reset = if chosen & 2 == 0 {
            LegacyReset::Seconds
        } else {
            LegacyReset::Epoch
        };
        Self {
            syntax,
            legacy_reset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CHOSEN, HeaderOptions, HeaderSyntax, LegacyReset, set_header_options};

    #[test]
    fn returns_the_options_that_were_set() {
        for syntax in [HeaderSyntax::Draft6, HeaderSyntax::Draft11] {
            for reset in [LegacyReset::Epoch, LegacyReset::Seconds] {
                let options = HeaderOptions::new().syntax(syntax).legacy_reset(reset);
                set_header_options(options);
                assert_eq!(HeaderOptions::chosen(), options, "{CHOSEN:?}");
            }
        }
        assert_eq!(HeaderOptions::chosen(), HeaderOptions::new());
    }
}
