//! The encoding of names, which users or clients choose, as parts of keys in shared stores.
//!
//! A part contains none of `:`, `{` and `}`, which separate the parts of keys, and none of the
//! characters that stand for others in patterns. Different names become different parts.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use sha2::{Digest, Sha256};

/// The length in bytes above which a name is replaced by its hash.
const LONGEST: usize = 100;

const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Percent-encodes a name. A long one becomes its SHA-256, behind a mark that no encoded name has.
pub(crate) fn encoded(name: &[u8]) -> String {
    let encoded = percent_encode(name, ESCAPED).to_string();
    if encoded.len() <= LONGEST {
        return encoded;
    }
    let mut hash = String::from("!");
    for byte in Sha256::digest(name) {
        // Writing to a string cannot fail.
        let _ = write!(hash, "{byte:02x}");
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn percent_encodes_short_names() {
        assert_eq!(encoded(b"user-7.a_b~c"), "user-7.a_b~c");
        assert_eq!(encoded(b"a:{b}*"), "a%3A%7Bb%7D%2A");
        assert_eq!(encoded(b""), "");
    }

    #[test]
    fn hashes_long_names() {
        assert_eq!(encoded(&[b'a'; 100]).len(), 100);
        let hash = encoded(&[b'a'; 101]);
        assert_eq!(
            hash,
            "!9d0793397991b57a99a07c6e6b4a92bab68dbf605345cd0b87f385a448a726bc"
        );
        // 34 bytes, 102 in their encoding, which is what the bound applies to.
        assert_eq!(encoded(&[b':'; 34]).len(), 65);
    }
}
