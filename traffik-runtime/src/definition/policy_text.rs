//! The text of a throttle's policy in header fields, which most of its responses repeat.

use http::HeaderValue;

use crate::rate::Rate;

/// The policy of one limit, as values of header fields. The texts live as long as the process, as
/// the throttle does, so a copy of a value needs no reference count, which all threads would write.
#[derive(Debug)]
pub(crate) struct PolicyText {
    pub(crate) rate: Rate,
    pub(crate) quota: u64,
    /// An item of a list: `"name";q=100;w=60`.
    pub(crate) item: HeaderValue,
    /// The name in quotes.
    pub(crate) quoted_name: &'static str,
    /// The quota, which an item states only up to the largest integer of its syntax.
    pub(crate) digits: HeaderValue,
}

impl PolicyText {
    /// Creates the text of a limit from its item, which begins with the name in quotes, of this
    /// length. Both are in printable ASCII.
    pub(crate) fn new(rate: Rate, quota: u64, item: String, name_length: usize) -> Self {
        let item: &'static str = item.leak();
        Self {
            rate,
            quota,
            item: HeaderValue::from_static(item),
            quoted_name: &item[..name_length],
            digits: HeaderValue::from_static(quota.to_string().leak()),
        }
    }
}
