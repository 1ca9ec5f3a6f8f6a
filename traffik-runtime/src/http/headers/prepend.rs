//! Lists in header fields.

use http::header::{Entry, HeaderMap, HeaderName};

use crate::rejection::text::Line;

/// Puts items before those of a list field, in one line.
pub(super) fn prepend(headers: &mut HeaderMap, name: HeaderName, mut line: Line) {
    // Names are escaped before, so each line is a valid value.
    match headers.entry(name) {
        Entry::Vacant(vacant) => {
            if let Some(value) = line.value() {
                vacant.insert(value);
            }
        }
        Entry::Occupied(mut entry) => {
            let others = entry.iter().filter_map(|other| other.to_str().ok());
            // An empty line is an empty list.
            for other in others.filter(|other| !other.trim().is_empty()) {
                line.text(", ").text(other);
            }
            if let Some(value) = line.value() {
                entry.insert(value);
            }
        }
    }
}
