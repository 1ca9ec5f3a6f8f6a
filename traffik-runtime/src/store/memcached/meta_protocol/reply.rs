//! Parses the replies to meta commands.

use smallvec::SmallVec;

use crate::store::memcached::meta_protocol::request::Opaque;

/// The replies of one exchange, which mostly has one request.
pub(crate) type Replies = SmallVec<[Reply; 2]>;

/// The result of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Done,
    /// The key does not exist.
    Missing,
    /// The value has another version, or the key exists already.
    Changed,
}

/// The reply to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: Status,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) cas: u64,
    /// The seconds until the value ends; `None` if it never does.
    pub(crate) seconds: Option<u64>,
    pub(crate) flags: u32,
}

/// The first line of a reply.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// The reply to the request of this number, and the size of the value that follows.
    Reply(Option<Opaque>, Reply, Option<usize>),
    /// The reply to a probe.
    NoOp,
    /// The server wants credentials first.
    Unauthenticated,
    /// The server has no room, for the value or for the connection, and did nothing.
    ServerError(String),
    /// The server, or a proxy in front of several, may have done it.
    Unclear(String),
    /// The server does not understand the request.
    Refused(String),
}

/// Parses a line without its end. Returns `None` if it is no reply.
pub(crate) fn head(line: &[u8]) -> Option<Head> {
    let line = str::from_utf8(line).ok()?;
    if line == "MN" {
        return Some(Head::NoOp);
    }
    if line == "CLIENT_ERROR unauthenticated" {
        return Some(Head::Unauthenticated);
    }
    if line.starts_with("SERVER_ERROR out of memory")
        || line.starts_with("ERROR Too many open connections")
    {
        return Some(Head::ServerError(line.to_owned()));
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
    use super::{Head, Reply, Status, head};
    use crate::store::memcached::meta_protocol::request::Opaque;

    #[test]
    fn parses_replies() {
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
    fn rejects_other_lines() {
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
        assert!(matches!(full, Some(Head::ServerError(_))));
        let full = head(b"ERROR Too many open connections");
        assert!(matches!(full, Some(Head::ServerError(_))));
        let proxy = head(b"SERVER_ERROR backend failure");
        assert!(matches!(proxy, Some(Head::Unclear(_))));
    }
}
