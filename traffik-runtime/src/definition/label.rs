//! Labels under which throttles built at run time are counted in metrics.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::definition::limits::check_length;
use crate::observe::Counters;

/// The largest number of labels in the life of a process, so that uids made of user input do not fill a metrics store.
const MOST_LABELS: usize = 1_000;

/// The label of throttles that came after [`MOST_LABELS`] others.
const OTHERS: &str = "other";

/// Every label so far. Recorders seldom forget a series, so labels stay when their throttles are gone.
static LABELS: Mutex<BTreeMap<String, Weak<Label>>> = Mutex::new(BTreeMap::new());

/// A label, and the counters that all throttles with it share. The counters are dropped with the last of the throttles.
pub(crate) struct Label {
    pub(crate) text: String,
    pub(crate) counters: Counters,
}

impl Label {
    pub(crate) fn find(text: &str) -> Arc<Self> {
        let mut labels = LABELS.lock();
        let text = if labels.contains_key(text) || labels.len() < MOST_LABELS {
            text
        } else {
            OTHERS
        };
        let place = labels.entry(text.to_owned()).or_default();
        place.upgrade().unwrap_or_else(|| {
            let label = Arc::new(Self {
                text: text.to_owned(),
                counters: Counters::new(),
            });
            *place = Arc::downgrade(&label);
            label
        })
    }
}

/// Returns the part of a uid before its first single colon: `tenant` of `tenant:42`. A uid without one is its own label, and
/// so is one that begins with it; the two colons of a path such as `shop::orders` separate nothing.
pub(crate) fn default_label(uid: &str) -> &str {
    let bytes = uid.as_bytes();
    let is_colon = |place: usize| bytes.get(place) == Some(&b':');
    let single = |place: &usize| {
        is_colon(*place) && !is_colon(place + 1) && !(*place > 0 && is_colon(place - 1))
    };
    match (0..bytes.len()).find(single) {
        None | Some(0) => uid,
        Some(place) => &uid[..place],
    }
}

/// Checks that a label says something, and is as short as a uid.
///
/// # Errors
///
/// A message that says what is wrong.
pub(crate) fn check_label(label: &str) -> Result<(), String> {
    if label.is_empty() {
        return Err("its label is empty; give it one, or leave `label` out".to_owned());
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
