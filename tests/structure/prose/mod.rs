//! The check of names and comments.

mod comments;
mod identifiers;

use std::collections::BTreeMap;
use std::fmt;

use crate::sources::Sources;

/// A rule of names and comments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    Header,
    Opening,
    Width,
    Identifier,
    FileName,
}

/// A breach of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Breach {
    pub(crate) rule: Rule,
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl Rule {
    const ALL: [Self; 5] = [
        Self::Header,
        Self::Opening,
        Self::Width,
        Self::Identifier,
        Self::FileName,
    ];

    /// Returns the kind of breach, as the totals name it.
    fn plural(self) -> &'static str {
        match self {
            Self::Header => "files without `//!`",
            Self::Opening => "doc comments with a forbidden opening",
            Self::Width => "comment lines over 100 columns",
            Self::Identifier => "identifiers with a private word",
            Self::FileName => "file names with a private word",
        }
    }

    /// Returns the change that mends a breach.
    fn advice(self) -> &'static str {
        match self {
            Self::Header => "say in one `//!` sentence what the file holds",
            Self::Opening => "open with a verb in the third person or with the noun",
            Self::Width => "wrap at 100 columns",
            Self::Identifier | Self::FileName => "use the field's word",
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            file,
            line,
            text,
        } = self;
        write!(f, "{file}:{line}: {text}: {}", rule.advice())
    }
}

/// Returns every breach in these files, by rule and place.
pub(crate) fn breaches(sources: &Sources) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (file, text) in &sources.0 {
        comments::check(file, text, &mut breaches);
        identifiers::check(file, text, &mut breaches);
    }
    breaches.sort();
    breaches
}

/// Returns the number of breaches of each rule, in one line.
fn totals(breaches: &[Breach]) -> String {
    let mut counts = BTreeMap::new();
    for breach in breaches {
        *counts.entry(breach.rule).or_insert(0) += 1;
    }
    let counts = Rule::ALL.map(|rule| {
        let count = counts.get(&rule).copied().unwrap_or_default();
        format!("{count} {}", rule.plural())
    });
    counts.join(", ")
}

/// The folders of the workspace that hold Rust.
const FOLDERS: [&str; 7] = [
    "traffik",
    "traffik-macros",
    "traffik-runtime",
    "tests",
    "ui-tests",
    "examples",
    "benches",
];

#[test]
fn names_and_comments_keep_the_rules() {
    let mut all = Vec::new();
    for folder in FOLDERS {
        let mut sources = Sources::default();
        for (path, text) in Sources::read(folder).0 {
            sources.0.insert(format!("{folder}/{path}"), text);
        }
        let found = breaches(&sources);
        println!("{folder}: {}", totals(&found));
        all.extend(found);
    }
    for breach in &all {
        println!("{breach}");
    }
    println!("all: {}", totals(&all));
    assert!(all.is_empty(), "{}", totals(&all));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks one file and returns the rule and the line of each breach.
    fn found(file: &str, text: &str) -> Vec<(Rule, usize)> {
        let breaches = breaches(&Sources::from([(file, text)]));
        breaches
            .iter()
            .map(|breach| (breach.rule, breach.line))
            .collect()
    }

    #[test]
    fn accepts_a_file_that_keeps_the_rules() {
        let text = "//! A bucket.\n\n/// Returns the cost.\nfn cost() {}\n";
        assert_eq!(found("bucket.rs", text), []);
    }

    #[test]
    fn refuses_a_file_without_a_header() {
        assert_eq!(
            found("bucket.rs", "/// A bucket.\nfn f() {}\n"),
            [(Rule::Header, 1)]
        );
        assert_eq!(found("ui-tests/fail/cost.rs", "fn f() {}\n"), []);
    }

    #[test]
    fn refuses_forbidden_openings_but_no_later_lines() {
        let text = "//! What it is.\n/// The same cost.\nfn a() {}\n\
                    /// Returns\n/// what it costs.\nfn b() {}\n";
        assert_eq!(
            found("bucket.rs", text),
            [(Rule::Opening, 1), (Rule::Opening, 2)]
        );
        assert_eq!(found("bucket.rs", "//! Whatever.\n//!\n//! How.\n"), []);
    }

    #[test]
    fn refuses_wide_comments_but_no_addresses_tables_or_strings() {
        let wide = "word ".repeat(20);
        let text = format!(
            "//! A bucket.\n// {wide}\n// {wide} https://a.b\n/// | {wide} |\n\
             const A: &str = r#\"\n// {wide}\"#;\n"
        );
        assert_eq!(found("bucket.rs", &text), [(Rule::Width, 2)]);
    }

    #[test]
    fn refuses_private_words_in_identifiers_and_file_names() {
        let text =
            "//! A bucket.\nfn is_told(turn: u8) { m!(AskedOften); let turning = \"told\"; }\n";
        let expected = [Rule::Identifier; 3].map(|rule| (rule, 2));
        assert_eq!(found("bucket.rs", text), expected);
        assert_eq!(found("held/mod.rs", "//! A hold.\n"), [(Rule::FileName, 1)]);
    }
}
