//! Meta commands in the form in which they are sent.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write as _;

use sha2::{Digest, Sha256};
use smallvec::SmallVec;

/// The greatest length of a key in Memcached.
const LONGEST_KEY: usize = 250;

/// One meta command.
#[derive(Clone, Debug)]
pub(crate) struct Request<'a> {
    verb: &'static str,
    key: &'a str,
    value: Option<&'a [u8]>,
    /// The flags, each behind a space.
    flags: SmallVec<[u8; 96]>,
}

impl<'a> Request<'a> {
    fn new(verb: &'static str, key: &'a str) -> Self {
        Self {
            verb,
            key,
            value: None,
            flags: SmallVec::new(),
        }
    }

    /// Reads a value, its version, its time to live and its flags.
    pub(crate) fn get(key: &'a str) -> Self {
        Self::new("mg", key).with("v").with("c").with("t").with("f")
    }

    /// Writes a value.
    pub(crate) fn set(key: &'a str, value: &'a [u8], lifetime: Lifetime) -> Self {
        let Lifetime { seconds, flags } = lifetime;
        let request = Self {
            value: Some(value),
            ..Self::new("ms", key)
        };
        request.number(b'T', seconds).number(b'F', flags.into())
    }

    /// Removes a value.
    pub(crate) fn delete(key: &'a str) -> Self {
        Self::new("md", key)
    }

    /// Adds to a number that exists.
    pub(crate) fn add_to(key: &'a str, by: u64) -> Self {
        Self::new("ma", key).number(b'D', by).with("v").with("t")
    }

    /// Subtracts from a number that exists, down to 0.
    pub(crate) fn subtract_from(key: &'a str, by: u64) -> Self {
        Self::new("ma", key).with("MD").number(b'D', by).with("v")
    }

    /// Creates a missing number with this value.
    pub(crate) fn or_new(self, value: u64, seconds: u64) -> Self {
        self.number(b'N', seconds).number(b'J', value)
    }

    /// Requests the version of the value.
    pub(crate) fn with_cas(self) -> Self {
        self.with("c")
    }

    /// Does nothing if the key exists.
    pub(crate) fn only_new(self) -> Self {
        self.with("ME")
    }

    /// Does nothing if the value has another version.
    pub(crate) fn only_if(self, cas: u64) -> Self {
        self.number(b'C', cas)
    }

    fn with(mut self, flag: &str) -> Self {
        self.flags.push(b' ');
        self.flags.extend_from_slice(flag.as_bytes());
        self
    }

    fn number(mut self, flag: u8, number: u64) -> Self {
        self.flags.extend_from_slice(&[b' ', flag]);
        let mut digits = itoa::Buffer::new();
        self.flags
            .extend_from_slice(digits.format(number).as_bytes());
        self
    }

    /// Returns the key.
    pub(crate) const fn key(&self) -> &'a str {
        self.key
    }

    /// Returns the size of the value in bytes.
    pub(crate) fn size(&self) -> usize {
        self.value.map_or(0, <[u8]>::len)
    }

    /// Writes the request in the form in which it is sent, with the key that the name has in this
    /// generation of its namespace.
    pub(crate) fn write(&self, generation: Option<u64>, opaque: Opaque, output: &mut Vec<u8>) {
        output.extend_from_slice(self.verb.as_bytes());
        output.push(b' ');
        output.extend_from_slice(legal(self.key, generation).as_bytes());
        if let Some(value) = self.value {
            // Writing to a vector cannot fail.
            let _ = write!(output, " {}", value.len());
        }
        output.extend_from_slice(&self.flags);
        let Opaque(opaque) = opaque;
        let _ = write!(output, " O{opaque:x}\r\n");
        if let Some(value) = self.value {
            output.extend_from_slice(value);
            output.extend_from_slice(b"\r\n");
        }
    }
}

/// Returns the key of a name on the server. Names are ASCII without spaces; a name that is too long
/// is replaced by its SHA-256, behind an initial that no name has.
fn legal(name: &str, generation: Option<u64>) -> Cow<'_, str> {
    let mut key = Cow::Borrowed(name);
    if let Some(generation) = generation {
        // Writing to a string cannot fail.
        let _ = write!(key.to_mut(), "^{generation:x}");
    }
    if key.len() <= LONGEST_KEY {
        return key;
    }
    let mut hash = String::from("!");
    for byte in Sha256::digest(&*key) {
        let _ = write!(hash, "{byte:02x}");
    }
    hash.into()
}

/// The end of a value, in the form in which it is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lifetime {
    pub(crate) seconds: u64,
    /// Bits that are stored with the value; see `ttl`.
    pub(crate) flags: u32,
}

/// The number of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opaque(pub(crate) u64);

#[cfg(test)]
mod tests {
    use super::{Lifetime, Opaque, Request, legal};

    #[test]
    fn shortens_keys_that_are_too_long() {
        let legal = |name: &str, generation| legal(name, generation).into_owned();
        assert_eq!(legal("{ns:id:a%20b}:uid", None), "{ns:id:a%20b}:uid");
        assert_eq!(legal("{ns:id:a}:uid", Some(0xab)), "{ns:id:a}:uid^ab");
        let long = "a".repeat(250);
        assert_eq!(legal(&long, None), long);
        let hashed = legal(&"a".repeat(251), None);
        assert_eq!(hashed.len(), 65);
        assert_ne!(hashed, legal(&"b".repeat(251), None));
        assert_ne!(legal(&long, Some(1)), legal(&long, Some(2)));
    }

    fn written(request: &Request<'_>) -> String {
        let mut output = Vec::new();
        request.write(None, Opaque(0xab), &mut output);
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn writes_requests() {
        let add = Request::add_to("k", 5).or_new(5, 60);
        assert_eq!(written(&add), "ma k D5 v t N60 J5 Oab\r\n");
        let lifetime = Lifetime {
            seconds: 7,
            flags: 9,
        };
        let set = Request::set("k", b"a\r\nb", lifetime).only_if(3);
        assert_eq!(written(&set), "ms k 4 T7 F9 C3 Oab\r\na\r\nb\r\n");
        assert_eq!(
            written(&Request::subtract_from("k", 1)),
            "ma k MD D1 v Oab\r\n"
        );
        assert_eq!(written(&Request::get("k")), "mg k v c t f Oab\r\n");
        assert_eq!(written(&Request::delete("k").only_if(1)), "md k C1 Oab\r\n");
    }
}
