//! What is asked of Memcached, in its meta protocol, and what it answers.
//!
//! Every request carries a number of its own, the opaque, which its answer repeats.

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// Memcached's own bound.
const LONGEST_KEY: usize = 250;

/// One meta command.
#[derive(Clone, Debug)]
pub(crate) struct Request<'a> {
    verb: &'static str,
    key: Cow<'a, str>,
    value: Option<&'a [u8]>,
    /// With a space before each.
    flags: String,
}

impl<'a> Request<'a> {
    const fn new(verb: &'static str, key: &'a str) -> Self {
        Self {
            verb,
            key: Cow::Borrowed(key),
            value: None,
            flags: String::new(),
        }
    }

    /// The value, and what is known of it.
    pub(crate) fn get(key: &'a str) -> Self {
        Self::new("mg", key).with("v").with("c").with("t").with("f")
    }

    pub(crate) fn set(key: &'a str, value: &'a [u8], lives: Lives) -> Self {
        let Lives { seconds, flags } = lives;
        let request = Self {
            value: Some(value),
            ..Self::new("ms", key)
        };
        request.number('T', seconds).number('F', flags.into())
    }

    pub(crate) fn delete(key: &'a str) -> Self {
        Self::new("md", key)
    }

    /// Adds to a number that is there.
    pub(crate) fn add_to(key: &'a str, by: u64) -> Self {
        Self::new("ma", key).number('D', by).with("v").with("t")
    }

    /// Takes from a number that is there, down to 0.
    pub(crate) fn take_from(key: &'a str, by: u64) -> Self {
        Self::new("ma", key).with("MD").number('D', by).with("v")
    }

    /// With a number that is not there made first: it begins with what would be added.
    pub(crate) fn or_new(self, value: u64, seconds: u64) -> Self {
        self.number('N', seconds).number('J', value)
    }

    /// Tells what it takes to know whether it has changed since.
    pub(crate) fn with_cas(self) -> Self {
        self.with("c")
    }

    /// Only if it is not there.
    pub(crate) fn only_new(self) -> Self {
        self.with("ME")
    }

    /// Only if it is as it was seen.
    pub(crate) fn only_if(self, cas: u64) -> Self {
        self.number('C', cas)
    }

    fn with(mut self, flag: &str) -> Self {
        self.flags.push(' ');
        self.flags.push_str(flag);
        self
    }

    fn number(mut self, flag: char, number: u64) -> Self {
        // To write into a string cannot fail.
        let _ = write!(self.flags, " {flag}{number}");
        self
    }

    /// What it is about.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The size of its value in bytes.
    pub(crate) fn size(&self) -> usize {
        self.value.map_or(0, <[u8]>::len)
    }

    /// The same with the key that its name has, in a generation of its namespace if there are any.
    pub(crate) fn legal(self, generation: Option<u64>) -> Self {
        Self {
            key: legal(self.key, generation),
            ..self
        }
    }

    /// Writes it as it is sent.
    pub(crate) fn write(&self, opaque: Opaque, output: &mut Vec<u8>) {
        let Self {
            verb,
            key,
            value,
            flags,
        } = self;
        let size = value.map_or_else(String::new, |value| format!(" {}", value.len()));
        let Opaque(opaque) = opaque;
        output.extend_from_slice(format!("{verb} {key}{size}{flags} O{opaque:x}\r\n").as_bytes());
        if let Some(value) = value {
            output.extend_from_slice(value);
            output.extend_from_slice(b"\r\n");
        }
    }
}

/// The key that a name has. Names hold no spaces and nothing that is not ASCII already; of those that are too long it is
/// their SHA-256, behind an initial that no name has.
fn legal(name: Cow<'_, str>, generation: Option<u64>) -> Cow<'_, str> {
    let mut key = name;
    if let Some(generation) = generation {
        // To write into a string cannot fail.
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

/// How long a value lives, as Memcached is told it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lives {
    pub(crate) seconds: u64,
    /// Bits that are kept beside the value; see `ttl`.
    pub(crate) flags: u32,
}

/// The number of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opaque(pub(crate) u64);

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Done,
    /// There is no such key.
    Missing,
    /// It is not as it was seen, or is there already.
    Changed,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: Status,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) cas: u64,
    /// How many seconds it still lives; nothing for ever.
    pub(crate) seconds: Option<u64>,
    pub(crate) flags: u32,
}

/// The first line of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// An answer to the request of this number, with so many bytes to come.
    Reply(Option<Opaque>, Reply, Option<usize>),
    /// The server wants credentials first.
    Unauthenticated,
    /// The server has no room, for the value or for the connection, and did nothing.
    Unwell(String),
    /// The server, or a proxy in front of several, does not say whether it was done.
    Unclear(String),
    /// The server could make no sense of what it was asked.
    Refused(String),
}

/// Reads a line without its end; nothing if it is none of Memcached's.
pub(crate) fn head(line: &[u8]) -> Option<Head> {
    let line = str::from_utf8(line).ok()?;
    if line == "CLIENT_ERROR unauthenticated" {
        return Some(Head::Unauthenticated);
    }
    if line.starts_with("SERVER_ERROR out of memory")
        || line.starts_with("ERROR Too many open connections")
    {
        return Some(Head::Unwell(line.to_owned()));
    }
    if line.starts_with("SERVER_ERROR") && !line.contains("too large") {
        return Some(Head::Unclear(line.to_owned()));
    }
    if ["SERVER_ERROR", "CLIENT_ERROR", "ERROR"]
        .iter()
        .any(|error| line.starts_with(error))
    {
        return Some(Head::Refused(line.to_owned()));
    }
    let mut words = line.split_ascii_whitespace();
    let (status, has_value) = match words.next()? {
        "VA" => (Status::Done, true),
        "HD" => (Status::Done, false),
        "EN" | "NF" => (Status::Missing, false),
        "EX" | "NS" => (Status::Changed, false),
        _ => return None,
    };
    let size = if has_value {
        Some(words.next()?.parse().ok()?)
    } else {
        None
    };
    let mut opaque = None;
    let mut reply = Reply {
        status,
        value: None,
        cas: 0,
        seconds: None,
        flags: 0,
    };
    for word in words {
        let (flag, number) = word.split_at_checked(1)?;
        match flag {
            "O" => opaque = Some(Opaque(u64::from_str_radix(number, 16).ok()?)),
            "c" => reply.cas = number.parse().ok()?,
            "t" if number == "-1" => {}
            "t" => reply.seconds = Some(number.parse().ok()?),
            "f" => reply.flags = number.parse().ok()?,
            _ => {}
        }
    }
    Some(Head::Reply(opaque, reply, size))
}

#[cfg(test)]
mod tests {
    use super::{Head, Lives, Opaque, Reply, Request, Status, head, legal};

    /// Lessons A 18.
    #[test]
    fn keys_are_legal() {
        let legal = |name: &str, generation| legal(name.into(), generation).into_owned();
        assert_eq!(legal("{ns:id:a%20b}:uid", None), "{ns:id:a%20b}:uid");
        assert_eq!(legal("{ns:id:a}:uid", Some(0xab)), "{ns:id:a}:uid^ab");
        let long = "a".repeat(250);
        assert_eq!(legal(&long, None), long);
        let hashed = legal(&"a".repeat(251), None);
        assert_eq!(hashed.len(), 65);
        assert_ne!(hashed, legal(&"b".repeat(251), None));
        assert_ne!(legal(&long, Some(1)), legal(&long, Some(2)));
    }

    fn sent(request: &Request<'_>) -> String {
        let mut output = Vec::new();
        request.write(Opaque(0xab), &mut output);
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn requests() {
        let add = Request::add_to("k", 5).or_new(5, 60);
        assert_eq!(sent(&add), "ma k D5 v t N60 J5 Oab\r\n");
        let lives = Lives {
            seconds: 7,
            flags: 9,
        };
        let set = Request::set("k", b"a\r\nb", lives).only_if(3);
        assert_eq!(sent(&set), "ms k 4 T7 F9 C3 Oab\r\na\r\nb\r\n");
        assert_eq!(sent(&Request::take_from("k", 1)), "ma k MD D1 v Oab\r\n");
        assert_eq!(sent(&Request::get("k")), "mg k v c t f Oab\r\n");
        assert_eq!(sent(&Request::delete("k").only_if(1)), "md k C1 Oab\r\n");
    }

    #[test]
    fn replies() {
        let reply = |status, cas, seconds, flags| Reply {
            status,
            value: None,
            cas,
            seconds,
            flags,
        };
        let opaque = Some(Opaque(0xab));
        let expected = [
            (
                "VA 2 c5 t60 f7 Oab",
                reply(Status::Done, 5, Some(60), 7),
                Some(2),
            ),
            ("VA 0 t-1 Oab", reply(Status::Done, 0, None, 0), Some(0)),
            ("HD Oab", reply(Status::Done, 0, None, 0), None),
            ("EN Oab", reply(Status::Missing, 0, None, 0), None),
            ("NF Oab", reply(Status::Missing, 0, None, 0), None),
            ("EX Oab", reply(Status::Changed, 0, None, 0), None),
            ("NS Oab", reply(Status::Changed, 0, None, 0), None),
        ];
        for (line, reply, size) in expected {
            let read = head(line.as_bytes());
            assert_eq!(read, Some(Head::Reply(opaque, reply, size)), "{line}");
        }
        let without = head(b"HD");
        assert!(matches!(without, Some(Head::Reply(None, ..))));
    }

    #[test]
    fn what_is_no_reply() {
        for line in [
            "",
            "VA",
            "VA x",
            "VA 2 Oxyz",
            "HDx",
            "STORED",
            "VALUE k 0 1",
            "VA -1",
            "\u{e9}",
        ] {
            assert_eq!(head(line.as_bytes()), None, "{line}");
        }
        assert_eq!(head(b"HD \xff"), None);
        for line in [
            "ERROR",
            "CLIENT_ERROR bad",
            "SERVER_ERROR object too large for cache",
        ] {
            assert!(
                matches!(head(line.as_bytes()), Some(Head::Refused(_))),
                "{line}"
            );
        }
        let unauthenticated = head(b"CLIENT_ERROR unauthenticated");
        assert_eq!(unauthenticated, Some(Head::Unauthenticated));
        let full = head(b"SERVER_ERROR out of memory storing object");
        assert!(matches!(full, Some(Head::Unwell(_))));
        let full = head(b"ERROR Too many open connections");
        assert!(matches!(full, Some(Head::Unwell(_))));
        let proxy = head(b"SERVER_ERROR backend failure");
        assert!(matches!(proxy, Some(Head::Unclear(_))));
    }
}
