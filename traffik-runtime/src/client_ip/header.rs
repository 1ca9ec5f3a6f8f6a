//! `ForwardingHeader`: the header that trusted proxies write.

use std::str::FromStr;

use crate::client_ip::error::ForwardingError;
use crate::suggest::{did_you_mean, one_slip};

/// The header that names the client a request was forwarded for. A header that the proxy does not
/// set may come from the client, so choose the one that the proxy nearest to the application writes
/// or appends to.
///
/// ```
/// use traffik::ForwardingHeader;
///
/// assert_eq!("x_real_ip".parse(), Ok(ForwardingHeader::XRealIp));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ForwardingHeader {
    /// `Forwarded` (RFC 7239); `forwarded` in the attribute.
    Forwarded,
    /// `X-Forwarded-For`, the default where proxies are trusted; `x_forwarded_for`.
    #[default]
    XForwardedFor,
    /// `X-Real-IP`; `x_real_ip`.
    XRealIp,
    /// `CF-Connecting-IP`, which Cloudflare sets; `cf_connecting_ip`.
    CfConnectingIp,
    /// `True-Client-IP`, which Akamai and Cloudflare can set; `true_client_ip`.
    TrueClientIp,
    /// No header: the client is the peer; `none`.
    None,
}

impl ForwardingHeader {
    /// The words of the headers, in the attribute and for [`FromStr`].
    pub const WORDS: &'static [&'static str] = &[
        "forwarded",
        "x_forwarded_for",
        "x_real_ip",
        "cf_connecting_ip",
        "true_client_ip",
        "none",
    ];

    const ALL: [Self; 6] = [
        Self::Forwarded,
        Self::XForwardedFor,
        Self::XRealIp,
        Self::CfConnectingIp,
        Self::TrueClientIp,
        Self::None,
    ];

    /// Returns the field's name in lower case; `None` for [`None`](Self::None).
    pub const fn field(self) -> Option<&'static str> {
        Some(match self {
            Self::Forwarded => "forwarded",
            Self::XForwardedFor => "x-forwarded-for",
            Self::XRealIp => "x-real-ip",
            Self::CfConnectingIp => "cf-connecting-ip",
            Self::TrueClientIp => "true-client-ip",
            Self::None => return None,
        })
    }

    /// Lists the names of all fields.
    #[cfg_attr(
        not(feature = "engine"),
        expect(dead_code, reason = "only the HTTP adapter reads fields")
    )]
    pub(crate) fn fields() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().filter_map(Self::field)
    }
}

impl FromStr for ForwardingHeader {
    type Err = ForwardingError;

    fn from_str(word: &str) -> Result<Self, ForwardingError> {
        let mut words = Self::WORDS.iter().zip(Self::ALL);
        if let Some((_, header)) = words.find(|(name, _)| **name == word) {
            return Ok(header);
        }
        let normalized = word.to_ascii_lowercase().replace('-', "_");
        // By spelling alone another header may be the nearest, one that clients can set.
        let words = || Self::WORDS.iter().copied();
        let longer = || words().find(|name| normalized.len() > 3 && name.starts_with(&normalized));
        let meant = longer().or_else(|| one_slip(&normalized, words()));
        let hint = match meant {
            Some(name) => did_you_mean(word, name),
            None => format!("use one of `{}`", Self::WORDS.join("`, `")),
        };
        Err(ForwardingError::UnknownHeader {
            word: word.to_owned(),
            hint,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::ForwardingHeader;

    #[test]
    fn every_word_names_its_field() {
        for (word, header) in ForwardingHeader::WORDS.iter().zip(ForwardingHeader::ALL) {
            assert_eq!(word.parse(), Ok(header));
            let field = header.field().unwrap_or("none");
            assert_eq!(field.replace('-', "_"), *word);
        }
    }

    #[test]
    fn refuses_another_word_and_suggests_the_nearest() {
        let message = |word: &str| word.parse::<ForwardingHeader>().unwrap_err().to_string();
        for (word, meant) in [
            ("X-Forwarded-For", "x_forwarded_for"),
            ("Forwarded", "forwarded"),
            ("x_forwarded_fro", "x_forwarded_for"),
            ("cf_conecting_ip", "cf_connecting_ip"),
            ("x_forwarded", "x_forwarded_for"),
            ("X-Forwarded", "x_forwarded_for"),
            ("true_client", "true_client_ip"),
        ] {
            assert_eq!(
                message(word),
                format!("unknown forwarding header `{word}`; did you mean `{meant}`?")
            );
        }
        for word in [
            "via",
            "x",
            "forwarded_for",
            "x_client_ip",
            "real_ip",
            "x_forwarded_host",
        ] {
            let message = message(word);
            assert!(
                message.contains("use one of `forwarded`, `x_forwarded_for`"),
                "{message}"
            );
        }
    }
}
