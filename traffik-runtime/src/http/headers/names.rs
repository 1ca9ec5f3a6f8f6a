//! What policies are called.

use std::borrow::Cow;
use std::fmt::Write;

use crate::engine::report::Policy;
use crate::inline_vec::InlineVec1;

/// The names of policies as quoted strings carry them, each different from the others, and from those in a field that is
/// there already.
pub(crate) fn names<'a>(
    policies: impl Iterator<Item = &'a Policy<'a>>,
    there: &str,
) -> InlineVec1<Cow<'a, str>> {
    let mut names: InlineVec1<Cow<'a, str>> = InlineVec1::new();
    for policy in policies {
        let mut name = quotable(&policy.name);
        if policy.listed {
            let _ = write!(name.to_mut(), " {}", policy.rate);
        }
        let taken = |name: &str| names.iter().any(|other| other == name) || quotes(there, name);
        if taken(&name) {
            let mut numbered = (2..).map(|number| format!("{name}-{number}"));
            let free = numbered.find(|name| !taken(name));
            name = Cow::Owned(free.unwrap_or_default());
        }
        names.push(name);
    }
    names
}

/// Whether a name stands between quotes in this text.
fn quotes(text: &str, name: &str) -> bool {
    let mut found = text.match_indices(name);
    found.any(|(start, _)| {
        text[..start].ends_with('"') && text[start + name.len()..].starts_with('"')
    })
}

/// A name within quotes: no `r#`, nothing but printable ASCII, quotes and backslashes escaped.
fn quotable(name: &str) -> Cow<'_, str> {
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
