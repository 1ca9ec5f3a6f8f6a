//! The library `struct` that Redis offers to scripts, for the formats that they use: big-endian,
//! unsigned integers and doubles.

use mlua::{Error, Lua, LuaString, MultiValue, Result, Value};

/// Packs values by a format.
pub(super) fn pack(lua: &Lua, mut arguments: MultiValue) -> Result<LuaString> {
    let format = next_string(&mut arguments)?;
    let mut packed = Vec::with_capacity(64);
    each_item(&format.as_bytes(), |item| {
        let value = arguments.pop_front().unwrap_or(Value::Nil);
        let number = match &value {
            Value::Integer(number) => *number as f64,
            Value::Number(number) => *number,
            _ => return Err(Error::runtime("bad argument to 'pack' (number expected)")),
        };
        match item {
            Item::Double => packed.extend(number.to_be_bytes()),
            Item::Unsigned(size) => {
                #[expect(clippy::cast_sign_loss, reason = "scripts pack unsigned numbers")]
                let bytes = (number as u64).to_be_bytes();
                packed.extend_from_slice(&bytes[8 - size..]);
            }
        }
        Ok(())
    })?;
    lua.create_string(packed)
}

/// Unpacks values by a format, from a place on, and returns the place after them too.
pub(super) fn unpack(_: &Lua, mut arguments: MultiValue) -> Result<MultiValue> {
    let format = next_string(&mut arguments)?;
    let bytes = next_string(&mut arguments)?;
    let bytes = bytes.as_bytes();
    let mut place = match arguments.pop_front() {
        Some(Value::Integer(place)) => usize::try_from(place - 1).unwrap_or(usize::MAX),
        #[expect(clippy::cast_sign_loss, reason = "places begin at 1")]
        Some(Value::Number(place)) => place as usize - 1,
        _ => 0,
    };
    let mut values = MultiValue::with_capacity(10);
    each_item(&format.as_bytes(), |item| {
        let size = item.size();
        let end = place.saturating_add(size);
        let part = bytes.get(place..end);
        let part = part.ok_or_else(|| Error::runtime("data string too short"))?;
        let mut eight = [0; 8];
        eight[8 - size..].copy_from_slice(part);
        values.push_back(Value::Number(match item {
            Item::Double => f64::from_be_bytes(eight),
            Item::Unsigned(_) => u64::from_be_bytes(eight) as f64,
        }));
        place = end;
        Ok(())
    })?;
    values.push_back(Value::Number((place + 1) as f64));
    Ok(values)
}

/// One item of a format.
#[derive(Clone, Copy)]
enum Item {
    Double,
    /// An unsigned integer of this many bytes.
    Unsigned(usize),
}

impl Item {
    const fn size(self) -> usize {
        match self {
            Self::Double => 8,
            Self::Unsigned(size) => size,
        }
    }
}

fn each_item(format: &[u8], mut action: impl FnMut(Item) -> Result<()>) -> Result<()> {
    let mut letters = format.iter();
    if letters.next() != Some(&b'>') {
        return Err(Error::runtime("only big-endian formats are simulated"));
    }
    while let Some(letter) = letters.next() {
        action(match letter {
            b'd' => Item::Double,
            b'B' => Item::Unsigned(1),
            b'H' => Item::Unsigned(2),
            b'I' if letters.next() == Some(&b'4') => Item::Unsigned(4),
            _ => return Err(Error::runtime("this format is not simulated")),
        })?;
    }
    Ok(())
}

fn next_string(arguments: &mut MultiValue) -> Result<LuaString> {
    match arguments.pop_front() {
        Some(Value::String(text)) => Ok(text),
        _ => Err(Error::runtime("bad argument (string expected)")),
    }
}
