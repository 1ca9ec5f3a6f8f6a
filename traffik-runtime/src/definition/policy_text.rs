//! The text of a throttle's policy in header fields, which most of its responses repeat.

use crate::rate::Rate;

/// The policy of one limit: an item of a list, `"name";q=100;w=60`, and its quota.
#[derive(Debug)]
pub(crate) struct PolicyText {
    pub(crate) rate: Rate,
    pub(crate) quota: u64,
    item: Box<str>,
    name_length: usize,
    digits: Box<str>,
}

impl PolicyText {
    /// Creates the text of a limit. The item begins with the name in quotes, which has this length.
    pub(crate) fn new(rate: Rate, quota: u64, item: &str, name_length: usize) -> Self {
        Self {
            rate,
            quota,
            item: item.into(),
            name_length,
            digits: quota.to_string().into(),
        }
    }

    /// Returns the whole item.
    pub(crate) const fn item(&self) -> &str {
        &self.item
    }

    /// Returns the quota, which an item states only up to the largest integer of its syntax.
    pub(crate) const fn quota_digits(&self) -> &str {
        &self.digits
    }

    /// Returns the name in quotes.
    pub(crate) fn quoted_name(&self) -> &str {
        &self.item[..self.name_length]
    }
}
