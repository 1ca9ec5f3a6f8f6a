//! Quotes and blanks in a line of a forwarding header.

use smallvec::SmallVec;

/// A value without its quotes. Addresses fit inline.
pub(crate) type Unquoted = SmallVec<[u8; 64]>;

/// Returns the position of the last comma outside quotes, read from the right: the client may have
/// left quotes open on the left, and must not hide the proxy's element behind them. A well-formed
/// element reads the same from either side.
pub(crate) fn last_comma(line: &[u8]) -> Option<usize> {
    let mut inside = false;
    for (place, byte) in line.iter().enumerate().rev() {
        match byte {
            b'"' if !inside => inside = true,
            b'"' if !is_escaped(line, place) => inside = false,
            b',' if !inside => return Some(place),
            _ => {}
        }
    }
    None
}

/// Reports whether an odd number of backslashes precedes a position.
fn is_escaped(line: &[u8], place: usize) -> bool {
    let slashes = line[..place]
        .iter()
        .rev()
        .take_while(|byte| **byte == b'\\');
    slashes.count() % 2 == 1
}

/// Splits an element at its first semicolon outside quotes.
pub(crate) fn split_parameter(element: &[u8]) -> (&[u8], Option<&[u8]>) {
    let (mut inside, mut escaped) = (false, false);
    for (place, byte) in element.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b';' if !inside => return (&element[..place], Some(&element[place + 1..])),
            _ => {}
        }
    }
    (element, None)
}

/// Returns the contents of a quoted string, if the whole value is one.
pub(crate) fn unquoted(value: &[u8]) -> Option<Unquoted> {
    let mut bytes = value.strip_prefix(b"\"")?.iter();
    let mut content = Unquoted::new();
    loop {
        match bytes.next()? {
            b'"' => return bytes.as_slice().is_empty().then_some(content),
            b'\\' => content.push(*bytes.next()?),
            byte => content.push(*byte),
        }
    }
}

/// Returns a value without the blanks around it.
pub(crate) fn trimmed(element: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = element.iter().position(|byte| !blank(byte));
    let end = element.iter().rposition(|byte| !blank(byte));
    match (start, end) {
        (Some(start), Some(end)) => &element[start..=end],
        _ => &[],
    }
}
