//! Sentences that several messages share.

pub(crate) use traffik_runtime::suggest::did_you_mean;
use traffik_runtime::suggest::{self, nearest};

/// Returns "unknown key `rat`; did you mean `rate`?", or lists all candidates if none is near.
pub(crate) fn unknown(kind: &str, word: &str, candidates: &[&str]) -> String {
    match near(word, candidates) {
        Some(name) => format!("unknown {kind} `{word}`; {}", did_you_mean(word, name)),
        None => format!(
            "unknown {kind} `{word}`; use one of {}",
            quoted_list(candidates)
        ),
    }
}

/// Returns the candidate that a word was probably meant to be.
pub(crate) fn near<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    nearest(word, candidates.iter().copied())
}

/// Returns the candidate that a word misspells, if it can hardly be a name of its own.
pub(crate) fn misspelt<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    suggest::misspelt(word, candidates.iter().copied())
}

/// Returns "`ietf`, `legacy`, `both` or `none`".
pub(crate) fn quoted_list(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}
