//! How names that anybody may have chosen become parts of keys in shared stores.
//!
//! A part holds none of `:`, `{` and `}`, which keys are built with, and none of the characters that stand for others in
//! patterns; different names are different parts.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use sha2::{Digest, Sha256};

/// Above this many bytes a name is known by its hash.
const LONGEST: usize = 100;

const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A name, percent-encoded; a long one's SHA-256, with a mark that no encoded name has.
pub(crate) fn encoded(name: &[u8]) -> String {
    let encoded = percent_encode(name, ESCAPED).to_string();
    if encoded.len() <= LONGEST {
        return encoded;
    }
    let mut hash = String::from("!");
    for byte in Sha256::digest(name) {
        // To write into a string cannot fail.
        let _ = write!(hash, "{byte:02x}");
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn short_names_stay_readable() {
        assert_eq!(encoded(b"user-7.a_b~c"), "user-7.a_b~c");
        assert_eq!(encoded(b"a:{b}*"), "a%3A%7Bb%7D%2A");
        assert_eq!(encoded(b""), "");
    }

    #[test]
    fn long_names_are_hashed() {
        assert_eq!(encoded(&[b'a'; 100]).len(), 100);
        let hash = encoded(&[b'a'; 101]);
        assert_eq!(
            hash,
            "!9d0793397991b57a99a07c6e6b4a92bab68dbf605345cd0b87f385a448a726bc"
        );
        // 34 bytes, 102 once encoded: the bound is on what is stored.
        assert_eq!(encoded(&[b':'; 34]).len(), 65);
    }
}
