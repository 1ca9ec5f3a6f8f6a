//! The sentences that messages share.

pub(crate) use traffik_runtime::suggest::did_you_mean;
use traffik_runtime::suggest::{self, nearest};

/// "unknown key `rat`; did you mean `rate`?", or the whole list where nothing is near.
pub(crate) fn unknown(kind: &str, word: &str, known: &[&str]) -> String {
    match near(word, known) {
        Some(name) => format!("unknown {kind} `{word}`; {}", did_you_mean(word, name)),
        None => format!("unknown {kind} `{word}`; use one of {}", listed(known)),
    }
}

/// The name that was probably meant.
pub(crate) fn near<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    nearest(word, known.iter().copied())
}

/// The name of which a word is hardly anything but a misspelling.
pub(crate) fn misspelt<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    suggest::misspelt(word, known.iter().copied())
}

/// "`ietf`, `legacy`, `both` or `none`".
pub(crate) fn listed(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}
