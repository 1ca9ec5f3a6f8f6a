//! Takes whole replies out of the bytes that were read from a connection.

use bytes::{Buf as _, BytesMut};

use crate::store::memcached::meta_protocol::encoded::LARGEST_VALUE;
use crate::store::memcached::meta_protocol::reply::{Head, Reply, head};

/// The length beyond which a line is no reply.
const LONGEST_LINE: usize = 2_048;

/// The end of a line, and of a value.
const END: &[u8] = b"\r\n";

/// Bytes that are no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Takes the next reply, with its value, from the bytes. Returns `None` if its end was not read
/// yet.
pub(crate) fn next_reply(input: &mut BytesMut) -> Result<Option<Head>, Malformed> {
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else {
        return too_long(input.len()).map_or(Ok(None), Err);
    };
    let line = input[..end].strip_suffix(b"\r").ok_or(Malformed)?;
    too_long(line.len()).map_or(Ok(()), Err)?;
    let head = head(line).ok_or(Malformed)?;
    let Head::Reply(opaque, reply, Some(size)) = head else {
        input.advance(end + 1);
        return Ok(Some(head));
    };
    if size > LARGEST_VALUE {
        return Err(Malformed);
    }
    let (start, end) = (end + 1, end + 1 + size);
    let Some(after) = input.get(end..end + END.len()) else {
        input.reserve(end + END.len() - input.len());
        return Ok(None);
    };
    if after != END {
        return Err(Malformed);
    }
    let value = Some(input[start..end].to_vec());
    input.advance(end + END.len());
    Ok(Some(Head::Reply(
        opaque,
        Reply { value, ..reply },
        Some(size),
    )))
}

fn too_long(length: usize) -> Option<Malformed> {
    (length > LONGEST_LINE).then_some(Malformed)
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::{Malformed, next_reply};
    use crate::store::memcached::meta_protocol::reply::Head;

    /// Returns the values of the replies in these bytes, which arrive one at a time.
    fn values(bytes: &[u8]) -> Result<Vec<Option<Vec<u8>>>, Malformed> {
        let (mut input, mut values) = (BytesMut::new(), Vec::new());
        for byte in bytes {
            input.extend_from_slice(&[*byte]);
            while let Some(head) = next_reply(&mut input)? {
                values.push(match head {
                    Head::Reply(_, reply, _) => reply.value,
                    _ => None,
                });
            }
        }
        Ok(values)
    }

    #[test]
    fn takes_replies_that_arrive_in_pieces() {
        let bytes = b"VA 4 O1\r\na\r\nb\r\nHD O2\r\nVA 0 O3\r\n\r\nMN\r\nERROR\r\n";
        let expected = [Some(b"a\r\nb".to_vec()), None, Some(Vec::new()), None, None];
        assert_eq!(values(bytes).unwrap(), expected);
    }

    #[test]
    fn rejects_bytes_that_are_no_reply() {
        for bytes in [
            &b"HD O1\n"[..],
            b"VA 2 O1\r\nabc\r\n",
            b"VA 16777217 O1\r\n",
            b"\r\n",
            &[b'x'; 3_000],
            &[&[b'x'; 3_000][..], b"\r\n"].concat(),
        ] {
            assert_eq!(values(bytes), Err(Malformed));
        }
    }
}
