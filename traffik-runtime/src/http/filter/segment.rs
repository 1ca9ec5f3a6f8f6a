//! One segment of a pattern, and the form in which paths are compared.

use std::borrow::Cow;

/// A segment with any text in the place of each star.
#[derive(Debug)]
pub(super) struct Segment {
    /// The text before the first star, or the whole segment.
    first: Box<[u8]>,
    /// The text after each star, in order.
    after: Box<[Box<[u8]>]>,
}

impl Segment {
    pub(super) fn new(segment: &str) -> Self {
        let normal = normal(segment);
        let mut pieces = normal.split('*').map(|piece| Box::from(piece.as_bytes()));
        let first = pieces.next().unwrap_or_default();
        Self {
            first,
            after: pieces.collect(),
        }
    }

    /// Returns `true` if this is a star and nothing else.
    pub(super) fn is_star(&self) -> bool {
        let is_one_star = matches!(&*self.after, [last] if last.is_empty());
        self.first.is_empty() && is_one_star
    }

    /// Returns the length of the shortest segment that matches, in bytes. An escape counts as one
    /// byte, because a client may send the byte itself.
    pub(super) fn least_length(&self) -> usize {
        let pieces = std::iter::once(&self.first).chain(&self.after);
        let lengths = pieces.map(|piece| {
            let escapes = piece.split(|byte| *byte == b'%').skip(1);
            piece.len() - 2 * escapes.count()
        });
        lengths.sum()
    }

    pub(super) fn matches(&self, segment: &[u8]) -> bool {
        let Some(mut rest) = segment.strip_prefix(&*self.first) else {
            return false;
        };
        let Some((last, between)) = self.after.split_last() else {
            return rest.is_empty();
        };
        // The first occurrence of each piece leaves the most text for those after it.
        for piece in between {
            match find(rest, piece) {
                Some(place) => rest = &rest[place + piece.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

fn find(text: &[u8], piece: &[u8]) -> Option<usize> {
    if piece.is_empty() {
        return Some(0);
    }
    text.windows(piece.len()).position(|window| window == piece)
}

/// Returns the form in which paths and patterns are compared: unreserved characters unescaped,
/// other escapes in upper case (RFC 3986, section 6.2.2), and characters that a path cannot contain
/// escaped.
pub(super) fn normal(path: &str) -> Cow<'_, str> {
    let is_normal = |byte: u8| byte != b'%' && !is_escaped_by_clients(byte);
    if path.bytes().all(is_normal) {
        return Cow::Borrowed(path);
    }
    let mut normal = String::with_capacity(path.len() + 16);
    let mut rest = path.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match escaped(*byte, after) {
            None if is_escaped_by_clients(*byte) => push_escape(&mut normal, *byte),
            None => normal.push(char::from(*byte)),
            Some(value) => {
                rest = &after[2..];
                if is_unreserved(value) {
                    normal.push(char::from(value));
                } else {
                    push_escape(&mut normal, value);
                }
            }
        }
    }
    Cow::Owned(normal)
}

fn push_escape(text: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    text.extend(['%', digit(byte >> 4), digit(byte & 15)]);
}

/// Returns the position of a `%` without two hexadecimal digits after it.
pub(super) fn lone_percent(segment: &str) -> Option<usize> {
    let bytes = segment.as_bytes();
    (0..bytes.len())
        .find(|place| bytes[*place] == b'%' && escaped(b'%', &bytes[place + 1..]).is_none())
}

/// Returns the byte that an escape encodes: a `%` and two digits.
fn escaped(byte: u8, after: &[u8]) -> Option<u8> {
    let digit = |place: usize| char::from(*after.get(place)?).to_digit(16);
    if byte != b'%' {
        return None;
    }
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

pub(super) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Returns `true` if clients escape a byte in a path, because RFC 3986 does not allow it there.
pub(super) fn is_escaped_by_clients(byte: u8) -> bool {
    !byte.is_ascii_graphic() || b"\"<>\\^`{|}".contains(&byte)
}
