//! The wire protocol of Redis (RESP2), as the simulated server speaks it.

use super::scripts::ScriptReply;

/// Takes the first whole command off a buffer; `None` if there is none yet.
pub(super) fn next_command(buffer: &mut Vec<u8>) -> Option<Vec<Vec<u8>>> {
    let (count, mut place) = number(buffer, 0, b'*')?;
    let mut words = Vec::with_capacity(count);
    for _ in 0..count {
        let (length, start) = number(buffer, place, b'$')?;
        let end = start + length;
        words.push(buffer.get(start..end)?.to_vec());
        place = end + 2;
    }
    if buffer.len() < place {
        return None;
    }
    buffer.drain(..place);
    Some(words)
}

/// Reads a sign, a number and the end of the line. Returns the number and the place behind.
fn number(buffer: &[u8], place: usize, sign: u8) -> Option<(usize, usize)> {
    let rest = buffer.get(place..)?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    assert_eq!(rest[0], sign, "clients send lists of strings");
    let digits = str::from_utf8(&rest[1..end - 1]).ok()?;
    Some((digits.parse().ok()?, place + end + 1))
}

/// Writes the reply of a script.
pub(super) fn write(reply: &ScriptReply, out: &mut Vec<u8>) {
    match reply {
        ScriptReply::Nil => out.extend(b"$-1\r\n"),
        ScriptReply::Number(number) => out.extend(format!(":{number}\r\n").bytes()),
        ScriptReply::Bytes(bytes) => write_bytes(bytes, out),
        ScriptReply::List(list) => {
            out.extend(format!("*{}\r\n", list.len()).bytes());
            for reply in list {
                write(reply, out);
            }
        }
        ScriptReply::Error(error) => out.extend(format!("-{error}\r\n").bytes()),
    }
}

/// Writes a string.
pub(super) fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend(format!("${}\r\n", bytes.len()).bytes());
    out.extend(bytes);
    out.extend(b"\r\n");
}
