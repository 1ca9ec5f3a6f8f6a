//! Labels under which throttles built at run time are counted in metrics.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::definition::limits::check_length;
#[cfg(feature = "metrics")]
use crate::observe::Counters;

/// The maximum number of labels in the life of a process, so that uids made of user input do not
/// fill a metrics store.
const MAX_LABELS: usize = 1_000;

/// The label of throttles that come after [`MAX_LABELS`] others.
const OTHERS: &str = "other";

/// All labels so far. Recorders seldom remove a series, so a label stays when its throttles are
/// dropped.
static LABELS: Mutex<BTreeMap<String, Weak<Label>>> = Mutex::new(BTreeMap::new());

/// A label, and the counters that all throttles with it share. The counters are dropped with the
/// last of the throttles.
pub(crate) struct Label {
    pub(crate) text: String,
    #[cfg(feature = "metrics")]
    pub(crate) counters: Counters,
}

impl Label {
    /// Returns the label of this text, or [`OTHERS`] if there are too many.
    pub(crate) fn find(text: &str) -> Arc<Self> {
        let mut labels = LABELS.lock();
        let text = if labels.contains_key(text) || labels.len() < MAX_LABELS {
            text
        } else {
            OTHERS
        };
        let entry = labels.entry(text.to_owned()).or_default();
        entry.upgrade().unwrap_or_else(|| {
            let label = Arc::new(Self {
                text: text.to_owned(),
                #[cfg(feature = "metrics")]
                counters: Counters::new(),
            });
            *entry = Arc::downgrade(&label);
            label
        })
    }
}

/// Returns the part of a uid before its first single colon: `tenant` of `tenant:42`. A uid without
/// a single colon, or one that begins with it, is its own label. The two colons of a path such as
/// `shop::orders` separate nothing.
pub(crate) fn default_label(uid: &str) -> &str {
    let bytes = uid.as_bytes();
    let is_colon = |index: usize| bytes.get(index) == Some(&b':');
    let single = |index: &usize| {
        is_colon(*index) && !is_colon(index + 1) && !(*index > 0 && is_colon(index - 1))
    };
    match (0..bytes.len()).find(single) {
        None | Some(0) => uid,
        Some(index) => &uid[..index],
    }
}

/// Checks that a label is not empty, and as short as a uid.
///
/// # Errors
///
/// A message about the problem.
pub(crate) fn check_label(label: &str) -> Result<(), String> {
    if label.is_empty() {
        return Err("its label is empty; write one, or remove `label`".to_owned());
    }
    check_length("label", label)
}

#[cfg(test)]
mod tests {
    use super::default_label;

    #[test]
    fn a_single_colon_ends_the_label() {
        for (uid, label) in [
            ("tenant:42", "tenant"),
            ("tenant:42:mails", "tenant"),
            ("shop::orders", "shop::orders"),
            ("shop::orders:42", "shop::orders"),
            ("tenant:", "tenant"),
            (":42", ":42"),
            ("a:::b", "a:::b"),
            ("b\u{fc}ro:7", "b\u{fc}ro"),
            ("mails", "mails"),
            ("", ""),
        ] {
            assert_eq!(default_label(uid), label, "{uid}");
        }
    }
}
