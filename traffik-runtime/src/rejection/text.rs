//! A text on the stack that header fields and problem bodies are built in, and its numbers.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderValue;

/// The length up to which a text is on the stack: longer than most.
const SHORT: usize = 256;

/// The length of the longest number.
const DIGITS: usize = 20;

/// A text that is built of parts, on the stack while it is short.
#[derive(Debug)]
pub(crate) struct Line {
    short: [u8; SHORT],
    length: usize,
    /// The whole text once it is longer.
    long: Vec<u8>,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            short: [0; SHORT],
            length: 0,
            long: Vec::new(),
        }
    }
}

impl Line {
    /// Adds a text.
    #[inline]
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        let end = self.length + text.len();
        match self.short.get_mut(self.length..end) {
            Some(place) if self.long.is_empty() => place.copy_from_slice(text.as_bytes()),
            _ => self.add_long(text),
        }
        self.length = end;
        self
    }

    #[cold]
    fn add_long(&mut self, text: &str) {
        if self.long.is_empty() {
            self.long.extend_from_slice(&self.short[..self.length]);
        }
        self.long.extend_from_slice(text.as_bytes());
    }

    /// Adds a number.
    #[inline]
    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.text(itoa::Buffer::new().format(number))
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        if self.long.is_empty() {
            &self.short[..self.length]
        } else {
            &self.long
        }
    }

    /// Returns the text's length.
    pub(crate) const fn len(&self) -> usize {
        self.length
    }

    /// Returns a copy of the text.
    pub(crate) fn to_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.bytes())
    }

    /// Returns the text in an allocation that its slices share.
    pub(crate) fn into_shared(self) -> Bytes {
        Bytes::from_owner(self)
    }

    /// Returns the text as the value of a field, if it can be one.
    pub(crate) fn value(&self) -> Option<HeaderValue> {
        HeaderValue::from_bytes(self.bytes()).ok()
    }
}

impl AsRef<[u8]> for Line {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

/// Returns two numbers as the values of fields. They share an allocation.
pub(crate) fn two_numbers(one: u64, two: u64) -> [HeaderValue; 2] {
    let (mut first, mut second) = (itoa::Buffer::new(), itoa::Buffer::new());
    let (first, second) = (first.format(one), second.format(two));
    let (middle, end) = (first.len(), first.len() + second.len());
    let mut digits = [0; 2 * DIGITS];
    digits[..middle].copy_from_slice(first.as_bytes());
    digits[middle..end].copy_from_slice(second.as_bytes());
    let mut first = Bytes::from_owner(digits);
    first.truncate(end);
    let second = first.split_off(middle);
    [first, second].map(digits_value)
}

/// Returns digits as the value of a field.
pub(crate) fn digits_value(digits: Bytes) -> HeaderValue {
    let value = HeaderValue::from_maybe_shared(digits);
    value.unwrap_or_else(|_| unreachable!("digits can be a value"))
}

/// Returns a number as the value of a field.
pub(crate) fn number(number: u64) -> HeaderValue {
    let mut digits = itoa::Buffer::new();
    let value = HeaderValue::from_str(digits.format(number));
    value.unwrap_or_else(|_| unreachable!("digits can be a value"))
}

/// Returns a duration in seconds, rounded up.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_two_numbers_of_any_length() {
        for (one, two) in [(0, 0), (1, 23), (u64::MAX, u64::MAX), (1_000, 9)] {
            let expected = [one, two].map(number);
            assert_eq!(two_numbers(one, two), expected);
        }
    }

    #[test]
    fn a_line_of_any_length_has_every_part() {
        for length in [0, 1, SHORT - 1, SHORT, SHORT + 1, 3 * SHORT] {
            let (mut line, mut expected) = (Line::default(), String::new());
            while expected.len() < length {
                let part = &"0123456"[..7.min(length - expected.len())];
                line.text(part);
                expected.push_str(part);
            }
            assert_eq!(line.is_empty(), length == 0);
            assert_eq!(line.bytes(), expected.as_bytes());
            line.number(u64::MAX).text("").text(&expected);
            let expected = format!("{expected}{}{expected}", u64::MAX);
            assert_eq!(line.value().unwrap(), *expected);
            assert_eq!(line.len(), expected.len());
            assert_eq!(line.into_shared(), expected);
        }
    }
}
