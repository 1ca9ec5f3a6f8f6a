//! Rules for names: no words that mean something to the authors only.

use std::collections::BTreeMap;

use proc_macro2::{TokenStream, TokenTree};

use super::{Breach, Rule};

/// Words that are no part of a name.
const PRIVATE: [&str; 18] = [
    "told", "asked", "asks", "asking", "said", "says", "held", "kept", "known", "seen", "given",
    "taken", "heed", "worth", "involved", "plain", "alone", "turn",
];

/// Words that are no whole name.
const PRIVATE_WHOLE: [&str; 1] = ["most"];

/// Names with a private word that stay, with the reason.
const EXCEPTIONS: [(&str, &str); 0] = [];

/// Adds the breaches in the names of a file, one for each name, at its first place.
pub(super) fn check(file: &str, text: &str, breaches: &mut Vec<Breach>) {
    let mut add = |rule, line, text| {
        breaches.push(Breach {
            rule,
            file: file.to_owned(),
            line,
            text,
        });
    };
    let mut names = BTreeMap::new();
    note_names(text.parse().expect("Rust"), &mut names);
    for (name, (line, count)) in names {
        if has_private_word(&name) && !EXCEPTIONS.iter().any(|(exception, _)| *exception == name) {
            add(Rule::Identifier, line, format!("`{name}` ({count}×)"));
        }
    }
    for name in file.trim_end_matches(".rs").split('/') {
        if has_private_word(name) {
            add(Rule::FileName, 1, format!("`{name}`"));
        }
    }
}

/// Notes the first line of every identifier and how often it occurs.
fn note_names(tokens: TokenStream, names: &mut BTreeMap<String, (usize, usize)>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => note_names(group.stream(), names),
            TokenTree::Ident(ident) => {
                let name = ident.to_string();
                let name = name.trim_start_matches("r#").to_owned();
                names
                    .entry(name)
                    .or_insert((ident.span().start().line, 0))
                    .1 += 1;
            }
            _ => {}
        }
    }
}

fn has_private_word(name: &str) -> bool {
    let words = words(name);
    let is_private = |word: &String| PRIVATE.contains(&&**word);
    words.iter().any(is_private) || PRIVATE_WHOLE.contains(&&*words.join("_"))
}

/// Splits a name at underscores, hyphens and where an upper-case letter follows a lower-case one.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_after_lower = false;
    for letter in name.chars() {
        if matches!(letter, '_' | '-') || (letter.is_uppercase() && is_after_lower) {
            words.push(String::new());
        }
        if letter.is_alphanumeric() {
            words
                .last_mut()
                .expect("a word")
                .extend(letter.to_lowercase());
        }
        is_after_lower = letter.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn splits_names_into_words() {
    assert_eq!(words("IS_TOLD"), ["is", "told"]);
    assert_eq!(words("__WasTold2"), ["was", "told2"]);
    assert_eq!(words("half-typed"), ["half", "typed"]);
}
