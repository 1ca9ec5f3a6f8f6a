use http::header::HeaderValue;
use smallvec::SmallVec;

/// A text that is put together of parts, on the stack while it is as short as most are.
#[derive(Debug, Default)]
pub(in crate::http) struct Line(SmallVec<[u8; 320]>);

impl Line {
    /// Adds a text.
    pub(in crate::http) fn text(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    /// Adds a number.
    pub(in crate::http) fn number(&mut self, number: u64) -> &mut Self {
        self.text(itoa::Buffer::new().format(number))
    }

    pub(in crate::http) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::http) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The value of a field, if the text can be one.
    pub(super) fn value(&self) -> Option<HeaderValue> {
        HeaderValue::from_bytes(&self.0).ok()
    }
}

/// A number as the value of a field.
pub(in crate::http) fn number(number: u64) -> HeaderValue {
    let mut digits = itoa::Buffer::new();
    let value = HeaderValue::from_str(digits.format(number));
    value.unwrap_or_else(|_| unreachable!("digits can be a value"))
}
