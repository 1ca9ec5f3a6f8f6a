//! What policies are called.

use std::fmt::Write;

use crate::throttle::{Few, Policy};

/// The names of policies as quoted strings carry them, each different from the others.
pub(in crate::http) fn names(policies: &[Policy<'_>]) -> Few<String> {
    let mut names: Few<String> = Few::new();
    for policy in policies {
        let mut name = quotable(&policy.name);
        if policy.listed {
            let _ = write!(name, " {}", policy.rate);
        }
        let taken = |name: &String| names.contains(name);
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let name = if taken(&name) {
            numbered
                .into_iter()
                .find(|name| !taken(name))
                .unwrap_or_default()
        } else {
            name
        };
        names.push(name);
    }
    names
}

/// A name within quotes: no `r#`, nothing but printable ASCII, quotes and backslashes escaped.
fn quotable(name: &str) -> String {
    let mut quotable = String::with_capacity(name.len() + 16);
    for byte in name.strip_prefix("r#").unwrap_or(name).bytes() {
        match byte {
            b'"' | b'\\' => quotable.extend(['\\', byte as char]),
            b' '..=b'~' => quotable.push(byte as char),
            _ => {
                let _ = write!(quotable, "%{byte:02X}");
            }
        }
    }
    quotable
}
