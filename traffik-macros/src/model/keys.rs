//! The vocabulary: every key, with an example.

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
    Lease,
    Shadow,
    Uid,
    Policy,
    Name,
    Crate,
    Allow,
}

/// Each key with its name and an example.
const KEYS: [(Key, &str, &str); 21] = [
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
    (Key::Lease, "lease", "lease = \"200ms\""),
    (Key::Shadow, "shadow", "shadow"),
    (Key::Uid, "uid", "uid = \"uploads\""),
    (Key::Policy, "policy", "policy = \"uploads\""),
    (Key::Name, "name", "name = Uploads"),
    (Key::Crate, "crate", "crate = ::my_framework::traffik"),
    (Key::Allow, "allow", "allow(unreachable_rate)"),
];

/// Names that other libraries use for our keys.
const FOREIGN: [(&str, Key); 5] = [
    ("key", Key::Identifier),
    ("key_func", Key::Identifier),
    ("limit", Key::Rate),
    ("per", Key::Rate),
    ("quota", Key::Rate),
];

impl Key {
    /// Returns the key of this name.
    pub(crate) fn from_name(word: &str) -> Option<Self> {
        KEYS.iter()
            .find(|(_, name, _)| *name == word)
            .map(|(key, ..)| *key)
    }

    /// Returns the key whose value starts with this keyword.
    pub(crate) fn from_value(word: &str) -> Option<Self> {
        let is_strategy = catalog::ENTRIES.iter().any(|entry| entry.name == word);
        match word {
            "ip" | "header" | "everyone" => Some(Self::Identifier),
            "retry" | "fallback" | "failover" => Some(Self::OnError),
            "custom" => Some(Self::Strategy),
            _ => is_strategy.then_some(Self::Strategy),
        }
    }

    /// Returns the name of the key.
    pub(crate) fn name(self) -> &'static str {
        self.entry().1
    }

    /// Returns the key with a value, as an example.
    pub(crate) fn example(self) -> &'static str {
        self.entry().2
    }

    /// Returns the key that a word was probably meant to be, and a message if it is not that key.
    pub(crate) fn resolve(word: &str) -> (Option<Self>, Option<String>) {
        if let Some(key) = Self::from_name(word) {
            return (Some(key), None);
        }
        if let Some(key) = word.strip_prefix("r#").and_then(Self::from_name) {
            return (
                Some(key),
                Some(format!("`{word}` is not a key; write `{}`", key.name())),
            );
        }
        if let Some((_, key)) = FOREIGN.iter().find(|(foreign, _)| *foreign == word) {
            let message = format!(
                "`{word}` is called `{}` here; write `{}`",
                key.name(),
                key.example()
            );
            return (Some(*key), Some(message));
        }
        if let Some(strategy) = strategy_with(word) {
            let (strategy, example) = (strategy.name, example(strategy.params, word));
            let message = format!(
                "`{word}` is a parameter of a strategy; write `strategy = {strategy}({example})`"
            );
            return (None, Some(message));
        }
        let names = KEYS.map(|(_, name, _)| name);
        (
            near(word, &names).and_then(Self::from_name),
            Some(unknown("key", word, &names)),
        )
    }

    fn entry(self) -> &'static (Self, &'static str, &'static str) {
        // A test checks that the table is in the order of the enum.
        &KEYS[self as usize]
    }
}

fn strategy_with(param: &str) -> Option<&'static catalog::Entry> {
    let has_param = |entry: &&catalog::Entry| entry.params.iter().any(|it| it.name == param);
    catalog::ENTRIES.iter().find(has_param)
}

#[cfg(test)]
mod tests {
    use super::KEYS;

    #[test]
    fn lists_the_keys_in_the_order_of_the_enum() {
        for (index, (key, ..)) in KEYS.iter().enumerate() {
            assert_eq!(*key as usize, index);
        }
    }
}
