//! The vocabulary: every key, with an example of its value.

use traffik_runtime::strategy::catalog;

use super::strategy::example;
use crate::diagnostics::{near, unknown};

/// A key of the attribute and of a throttle in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Rate,
    Strategy,
    Identifier,
    Cost,
    Backend,
    OnError,
    OnThrottled,
    Headers,
    Scope,
    OnlyIf,
    SkipIf,
    MinWait,
    Spread,
    Timeout,
    Shadow,
    Uid,
    Policy,
    Name,
    Crate,
    Allow,
}

/// Each key as it is written, with an example of its value.
const KEYS: [(Key, &str, &str); 20] = [
    (Key::Rate, "rate", "rate = \"100/minute\""),
    (
        Key::Strategy,
        "strategy",
        "strategy = token_bucket(burst = 150)",
    ),
    (
        Key::Identifier,
        "identifier",
        "identifier = header(\"x-api-key\")",
    ),
    (Key::Cost, "cost", "cost = 5"),
    (Key::Backend, "backend", "backend = redis()"),
    (Key::OnError, "on_error", "on_error = allow"),
    (
        Key::OnThrottled,
        "on_throttled",
        "on_throttled = my_response",
    ),
    (Key::Headers, "headers", "headers = both"),
    (Key::Scope, "scope", "scope = route"),
    (Key::OnlyIf, "only_if", "only_if = is_write"),
    (Key::SkipIf, "skip_if", "skip_if = is_internal"),
    (Key::MinWait, "min_wait", "min_wait = \"500ms\""),
    (Key::Spread, "spread", "spread = \"5s\""),
    (Key::Timeout, "timeout", "timeout = \"100ms\""),
    (Key::Shadow, "shadow", "shadow"),
    (Key::Uid, "uid", "uid = \"uploads\""),
    (Key::Policy, "policy", "policy = \"uploads\""),
    (Key::Name, "name", "name = Uploads"),
    (Key::Crate, "crate", "crate = ::my_framework::traffik"),
    (Key::Allow, "allow", "allow(unreachable_rate)"),
];

/// Other libraries' words for ours.
const FOREIGN: [(&str, Key); 5] = [
    ("key", Key::Identifier),
    ("key_func", Key::Identifier),
    ("limit", Key::Rate),
    ("per", Key::Rate),
    ("quota", Key::Rate),
];

impl Key {
    /// The key of this name.
    pub(crate) fn named(word: &str) -> Option<Self> {
        KEYS.iter()
            .find(|(_, name, _)| *name == word)
            .map(|(key, ..)| *key)
    }

    /// The key whose value starts with this word.
    pub(crate) fn of_value(word: &str) -> Option<Self> {
        let is_strategy = catalog::ENTRIES.iter().any(|entry| entry.name == word);
        match word {
            "ip" | "header" | "everyone" => Some(Self::Identifier),
            "retry" | "fallback" | "failover" => Some(Self::OnError),
            "custom" => Some(Self::Strategy),
            _ => is_strategy.then_some(Self::Strategy),
        }
    }

    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        self.entry().1
    }

    /// The key with a value, as an example.
    pub(crate) fn example(self) -> &'static str {
        self.entry().2
    }

    /// The key a word means, and what is wrong with the word.
    pub(crate) fn meant(word: &str) -> (Option<Self>, Option<String>) {
        if let Some(key) = Self::named(word) {
            return (Some(key), None);
        }
        if let Some(key) = word.strip_prefix("r#").and_then(Self::named) {
            return (
                Some(key),
                Some(format!("`{word}` is no key; write `{}`", key.name())),
            );
        }
        if let Some((_, key)) = FOREIGN.iter().find(|(foreign, _)| *foreign == word) {
            let complaint = format!(
                "`{word}` is called `{}` here; write `{}`",
                key.name(),
                key.example()
            );
            return (Some(*key), Some(complaint));
        }
        if let Some(strategy) = strategy_with(word) {
            let (strategy, example) = (strategy.name, example(strategy.params, word));
            let complaint = format!(
                "`{word}` is a parameter of a strategy; write `strategy = {strategy}({example})`"
            );
            return (None, Some(complaint));
        }
        let names = KEYS.map(|(_, name, _)| name);
        (
            near(word, &names).and_then(Self::named),
            Some(unknown("key", word, &names)),
        )
    }

    fn entry(self) -> &'static (Self, &'static str, &'static str) {
        // The table is in the order of the enum; a test holds it to that.
        &KEYS[self as usize]
    }
}

fn strategy_with(param: &str) -> Option<&'static catalog::Entry> {
    let takes = |entry: &&catalog::Entry| entry.params.iter().any(|known| known.name == param);
    catalog::ENTRIES.iter().find(takes)
}

#[cfg(test)]
mod tests {
    use super::KEYS;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (index, (key, ..)) in KEYS.iter().enumerate() {
            assert_eq!(*key as usize, index);
        }
    }
}
