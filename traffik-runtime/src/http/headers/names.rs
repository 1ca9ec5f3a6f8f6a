//! The names of policies in header fields and problems.

use std::borrow::Cow;
use std::fmt::Write;

use crate::http::headers::named_limit::NamedLimit;
use crate::inline_vec::InlineVec1;

/// Returns the names of policies for quoted strings. Each differs from the others, and from those
/// in an existing field.
pub(crate) fn names<'n: 'a, 'a>(
    limits: impl Iterator<Item = &'a NamedLimit<'n>>,
    existing: &str,
) -> InlineVec1<Cow<'n, str>> {
    let mut names: InlineVec1<Cow<'n, str>> = InlineVec1::new();
    for limit in limits {
        let mut name = quotable(limit.throttle);
        if limit.listed {
            let _ = write!(name.to_mut(), " {}", limit.rate);
        }
        let is_used =
            |name: &str| names.iter().any(|other| other == name) || quotes(existing, name);
        if is_used(&name) {
            let mut numbered = (2..).map(|number| format!("{name}-{number}"));
            let free = numbered.find(|name| !is_used(name));
            name = Cow::Owned(free.unwrap_or_default());
        }
        names.push(name);
    }
    names
}

/// Returns `true` if a text has the name between quotes.
fn quotes(text: &str, name: &str) -> bool {
    // A search has to be prepared, and mostly there is no text.
    let mut found = (!text.is_empty())
        .then(|| text.match_indices(name))
        .into_iter()
        .flatten();
    found.any(|(start, _)| {
        text[..start].ends_with('"') && text[start + name.len()..].starts_with('"')
    })
}

/// Escapes a name for a quoted string: without `r#`, in printable ASCII, with quotes and
/// backslashes escaped.
pub(crate) fn quotable(name: &str) -> Cow<'_, str> {
    let name = name.strip_prefix("r#").unwrap_or(name);
    let is_quotable = |byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if name.bytes().all(is_quotable) {
        return Cow::Borrowed(name);
    }
    let mut quotable = String::with_capacity(name.len() + 16);
    for byte in name.bytes() {
        match byte {
            b'"' | b'\\' => quotable.extend(['\\', byte as char]),
            b' '..=b'~' => quotable.push(byte as char),
            _ => {
                let _ = write!(quotable, "%{byte:02X}");
            }
        }
    }
    Cow::Owned(quotable)
}
