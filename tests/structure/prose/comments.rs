//! Rules for comments: a header in every file, how doc comments open, how wide they are.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};

use super::{Breach, Rule};

/// Words that no doc comment opens with.
const OPENINGS: [&str; 10] = [
    "What", "Whether", "Who", "Whose", "Which", "How", "When", "Where", "Why", "That",
];

/// The widest comment.
const COLUMNS: usize = 100;

/// Folders of programs that are compiled to see the compiler's messages: a header would move them.
const WITHOUT_HEADER: [&str; 3] = ["ui-tests/fail/", "ui-tests/pass/", "ui-tests/suggestions/"];

/// Adds the breaches in the comments of a file.
pub(super) fn check(file: &str, text: &str, breaches: &mut Vec<Breach>) {
    let mut add = |rule, line, text: &str| {
        breaches.push(Breach {
            rule,
            file: file.to_owned(),
            line,
            text: text.to_owned(),
        });
    };
    let needs_header = !WITHOUT_HEADER.iter().any(|folder| file.starts_with(folder));
    if needs_header && !text.lines().any(|line| line.starts_with("//!")) {
        add(Rule::Header, 1, "no `//!`");
    }
    let strings = lines_within_strings(text);
    let mut marker_before = None;
    for (line, text) in (1..)
        .zip(text.lines())
        .filter(|(line, _)| !strings.contains(line))
    {
        let doc = doc_of(text);
        if let Some((marker, doc)) = doc
            && marker_before != Some(marker)
            && let Some(opening) = forbidden_opening(doc)
        {
            add(Rule::Opening, line, &format!("opens with `{opening}`"));
        }
        marker_before = doc.map(|(marker, _)| marker);
        let width = text.chars().count();
        if width > COLUMNS && must_wrap(text) {
            add(Rule::Width, line, &format!("{width} columns"));
        }
    }
}

/// Returns the marker and the text of a line of a doc comment.
fn doc_of(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let (marker, text) = line.split_at_checked(3)?;
    let is_doc = matches!(marker, "///" | "//!") && !text.starts_with('/');
    is_doc.then(|| (marker, text.trim()))
}

fn forbidden_opening(doc: &str) -> Option<&str> {
    let first = doc.split(|letter: char| !letter.is_alphabetic()).next()?;
    if OPENINGS.contains(&first) {
        return Some(first);
    }
    doc.starts_with("The same ").then_some("The same")
}

/// Reports whether a line is a comment that can be broken: no address, no row of a table, no target
/// of a link.
fn must_wrap(line: &str) -> bool {
    let Some(comment) = line.trim_start().strip_prefix("//") else {
        return false;
    };
    let comment = comment.trim_start_matches(['/', '!']).trim();
    let is_target = comment.starts_with('[') && comment.contains("]: ");
    !(comment.contains("://") || comment.starts_with('|') || is_target)
}

/// Returns the lines that begin inside a literal.
fn lines_within_strings(text: &str) -> BTreeSet<usize> {
    let mut lines = BTreeSet::new();
    note_literals(text.parse().expect("Rust"), &mut lines);
    lines
}

fn note_literals(tokens: TokenStream, lines: &mut BTreeSet<usize>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => note_literals(group.stream(), lines),
            TokenTree::Literal(literal) => {
                let span = literal.span();
                lines.extend(span.start().line + 1..=span.end().line);
            }
            _ => {}
        }
    }
}
