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
        let mut pieces = normal.split(|byte| *byte == b'*').map(Box::from);
        let first = pieces.next().unwrap_or_default();
        Self {
            first,
            behind: pieces.collect(),
        }
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

/// Percent-encoded unreserved characters as what they are, other escapes in upper case (RFC 3986, section 6.2.2).
pub(super) fn normal(path: &str) -> Cow<'_, [u8]> {
    let bytes = path.as_bytes();
    if !bytes.contains(&b'%') {
        return Cow::Borrowed(bytes);
    }
    let mut normal = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match escaped(*byte, behind) {
            None => normal.push(*byte),
            Some(value) => {
                rest = &behind[2..];
                if is_unreserved(value) {
                    normal.push(value);
                } else {
                    normal.push(b'%');
                    normal.extend(behind[..2].iter().map(u8::to_ascii_uppercase));
                }
            }
        }
    }
    Cow::Owned(normal)
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

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}
