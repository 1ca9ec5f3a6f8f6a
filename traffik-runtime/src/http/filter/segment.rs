//! One segment of a pattern, and the form in which paths are compared.

use std::borrow::Cow;

/// A segment with any text in the place of each star.
#[derive(Debug)]
pub(super) struct Segment {
    /// What stands before the first star, or the whole segment.
    first: Box<[u8]>,
    /// What stands behind each star, in order.
    behind: Box<[Box<[u8]>]>,
}

impl Segment {
    pub(super) fn new(segment: &str) -> Self {
        let normal = normal(segment);
        let mut pieces = normal.split('*').map(|piece| Box::from(piece.as_bytes()));
        let first = pieces.next().unwrap_or_default();
        Self {
            first,
            behind: pieces.collect(),
        }
    }

    /// Reports whether this is a star and nothing else.
    pub(super) fn is_star(&self) -> bool {
        let is_alone = matches!(&*self.behind, [last] if last.is_empty());
        self.first.is_empty() && is_alone
    }

    /// Returns the length of the shortest segment it matches, in bytes; an escape counts as one, since a client may send
    /// the byte itself.
    pub(super) fn least_length(&self) -> usize {
        let pieces = std::iter::once(&self.first).chain(&self.behind);
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
        let Some((last, between)) = self.behind.split_last() else {
            return rest.is_empty();
        };
        // The first place each piece is found at leaves the most for those behind it.
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

/// Returns the form in which paths and patterns are compared: percent-encoded unreserved characters as what they are, other
/// escapes in upper case (RFC 3986, section 6.2.2), and characters that no path may hold unescaped as their escapes.
pub(super) fn normal(path: &str) -> Cow<'_, str> {
    let is_normal = |byte: u8| byte != b'%' && !is_escaped_by_clients(byte);
    if path.bytes().all(is_normal) {
        return Cow::Borrowed(path);
    }
    let mut normal = String::with_capacity(path.len() + 16);
    let mut rest = path.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match escaped(*byte, behind) {
            None if is_escaped_by_clients(*byte) => push_escape(&mut normal, *byte),
            None => normal.push(char::from(*byte)),
            Some(value) => {
                rest = &behind[2..];
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

/// Where a `%` stands without two hexadecimal digits behind it.
pub(super) fn lone_percent(segment: &str) -> Option<usize> {
    let bytes = segment.as_bytes();
    (0..bytes.len())
        .find(|place| bytes[*place] == b'%' && escaped(b'%', &bytes[place + 1..]).is_none())
}

/// What an escape stands for: a `%`, and two digits behind it.
fn escaped(byte: u8, behind: &[u8]) -> Option<u8> {
    let digit = |place: usize| char::from(*behind.get(place)?).to_digit(16);
    if byte != b'%' {
        return None;
    }
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

pub(super) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Reports whether clients escape a byte in a path, because RFC 3986 gives it no place there.
pub(super) fn is_escaped_by_clients(byte: u8) -> bool {
    !byte.is_ascii_graphic() || b"\"<>\\^`{|}".contains(&byte)
}
