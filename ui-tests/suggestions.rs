//! Checks that the suggestions of the pinned messages compile, each placed where a user would write
//! it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The user items that suggestions name: functions, values and types.
const ITEMS: &str = include_str!("suggestions/items.rs");

/// Suggestions that cannot be placed in a program, each with the reason.
const NOT_PLACEABLE: [(&str, &str); 4] = [
    ("::my_framework::traffik", "the path of another crate"),
    ("::framework::traffik", "the path of another crate"),
    ("#[throttled]", "the attribute on another function"),
    ("fn(&Parts)", "the type of a function, which the items have"),
];

/// Keys and parameters, with the attribute around their values.
const CONTEXTS: [(&[&str], &str); 12] = [
    (&["rate"], "#[throttled({})]"),
    (
        &[
            "strategy",
            "identifier",
            "cost",
            "backend",
            "on_error",
            "on_throttled",
            "headers",
            "scope",
            "only_if",
            "skip_if",
            "min_wait",
            "spread",
            "timeout",
            "lease",
            "shadow",
            "uid",
            "policy",
            "name",
            "allow",
        ],
        "#[throttled(rate = \"50/s\", {})]",
    ),
    (
        &["burst", "debt"],
        "#[throttled(rate = \"50/s\", strategy = token_bucket({}))]",
    ),
    (
        &["default"],
        "#[throttled(rate = \"50/s\", strategy = tiered(free = 1.0, {}))]",
    ),
    (
        &["load"],
        "#[throttled(rate = \"50/s\", strategy = adaptive({}))]",
    ),
    (
        &[
            "max_retries",
            "delay",
            "multiplier",
            "jitter",
            "on",
            "then",
            "even_if_it_may_have_counted",
        ],
        "#[throttled(rate = \"50/s\", on_error = retry({}))]",
    ),
    (
        &["failures", "recovery", "successes"],
        "#[throttled(rate = \"50/s\", on_error = failover(backend = local(), breaker({})))]",
    ),
    (
        &["trusted"],
        "#[throttled(rate = \"50/s\", identifier = ip({}))]",
    ),
    (
        &["header"],
        "#[throttled(rate = \"50/s\", identifier = ip(trusted = [\"::1\"], {}))]",
    ),
    (
        &["ip(", "header("],
        "#[throttled(rate = \"50/s\", identifier = {})]",
    ),
    // A header needs trusted proxies.
    (
        &["ip(header"],
        "#[throttled(rate = \"50/s\", identifier = {}, trusted = [\"::1\"]))]",
    ),
    (
        &["retry(", "fallback(", "failover("],
        "#[throttled(rate = \"50/s\", on_error = {})]",
    ),
];

/// A pair for each key or parameter that "did you mean" may name.
const PAIRS: [&str; 24] = [
    "rate = \"5/s\"",
    "strategy = gcra",
    "identifier = ip",
    "cost = 5",
    "backend = local()",
    "on_error = allow",
    "on_throttled = my_response",
    "headers = both",
    "scope = route",
    "only_if = is_write",
    "skip_if = is_internal",
    "min_wait = \"1s\"",
    "spread = \"1s\"",
    "timeout = \"1s\"",
    "lease = \"1s\"",
    "shadow",
    "uid = \"uploads\"",
    "policy = \"uploads\"",
    "name = Uploads",
    "burst = 50",
    "debt = 5",
    "recovery = \"60s\"",
    "trusted = [\"::1\"]",
    "delay = \"1s\"",
];

/// Writes the program and returns its path.
pub(crate) fn program() -> PathBuf {
    let mut program = String::from(ITEMS);
    let mut unplaced = Vec::new();
    for (number, (message, suggestion)) in suggestions().iter().enumerate() {
        let Some(code) = place(message, suggestion) else {
            unplaced.push(format!("`{suggestion}` of: {message}"));
            continue;
        };
        let code = code.replace("{number}", &number.to_string());
        writeln!(
            program,
            "\n/// {message}\nmod suggestion_{number} {{\n    use super::prelude::*;\n\n{code}\n}}"
        )
        .expect("writing to a string");
    }
    assert!(
        unplaced.is_empty(),
        "add a context for\n{}",
        unplaced.join("\n")
    );
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("suggestions.rs");
    fs::write(&path, program).expect("the directory of tests is writable");
    path
}

/// Returns every suggestion of the pinned messages once, with its message.
fn suggestions() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir("fail").expect("the programs that fail") {
        let path = entry.expect("a file").path();
        if path.extension().is_none_or(|it| it != "stderr") {
            continue;
        }
        let pinned = fs::read_to_string(&path).expect("text");
        let messages = pinned
            .lines()
            .filter_map(|line| line.strip_prefix("error: "));
        for message in messages {
            for suggestion in suggestions_in(message) {
                found.insert((message.to_owned(), suggestion));
            }
        }
    }
    assert!(found.len() > 100, "only {} suggestions", found.len());
    found
}

/// Returns the code that a message suggests: after "write", "did you mean" and "add", and after
/// "or" following these.
fn suggestions_in(message: &str) -> Vec<String> {
    let mut parts = message.split('`');
    let mut before = parts.next().unwrap_or_default();
    let mut suggestions: Vec<String> = Vec::new();
    while let (Some(code), after) = (parts.next(), parts.next()) {
        let lead = before.trim_end();
        let is_first = ["write", "did you mean", "add"]
            .iter()
            .any(|word| lead.ends_with(word));
        let is_next = !suggestions.is_empty() && [", or", "or", "or write"].contains(&lead);
        if is_first || is_next {
            suggestions.push(code.to_owned());
        }
        before = after.unwrap_or_default();
    }
    suggestions
}

/// Returns the code of a suggestion with its context, where a user would write it.
fn place(message: &str, suggestion: &str) -> Option<String> {
    if NOT_PLACEABLE
        .iter()
        .any(|(code, _)| suggestion.contains(code))
    {
        return Some(String::new());
    }
    let attribute = |attribute: String| format!("    {attribute}\n    async fn routed() {{}}");
    let block = |entry: &str| format!("    throttles! {{ {entry} }}");
    let rate = "(rate = \"50/s\");";
    if suggestion.contains("throttle ") {
        let entry = suggestion.replace("(…);", rate);
        return Some(block(&entry));
    }
    match suggestion {
        "defaults(…);" | "defaults" => {
            return Some(block(&format!(
                "defaults(headers = both); throttle Name{rate}"
            )));
        }
        "defaults(headers = both);" => {
            return Some(block(&format!("{suggestion} throttle Name{rate}")));
        }
        "throttle" => return Some(block(&format!("throttle Name{rate}"))),
        "Burst" | "limits::burst" => {
            return Some(attribute(format!("#[throttled({suggestion})]")));
        }
        "r#type" => {
            return Some(attribute(
                "#[throttled(rate = \"50/s\", name = r#type)]".to_owned(),
            ));
        }
        "Uploads" => {
            return Some(attribute(
                "#[throttled(rate = \"50/s\", name = Uploads)]".to_owned(),
            ));
        }
        _ => {}
    }
    if suggestion.contains("type ") && suggestion.ends_with(';') {
        return Some(format!("    {suggestion}"));
    }
    if let Some(name) = suggestion.strip_prefix("async fn ") {
        return Some(format!(
            "    #[throttled(rate = \"50/s\")]\n    async fn {name}() {{}}"
        ));
    }
    if message.contains("argument") && !message.contains("instead of calling") {
        return Some(closure(suggestion));
    }
    let code = if message.contains("did you mean") {
        corrected_pair(message, suggestion)?
    } else {
        pair(suggestion).unwrap_or(suggestion).to_owned()
    };
    context(message, &code).map(attribute)
}

/// Returns a handler with a closure over these names, or over this list of parameters.
fn closure(names: &str) -> String {
    let params = names.trim_matches('|');
    let arguments: Vec<_> = ["db", "factor", "payload", "a", "b"]
        .iter()
        .map(|name| format!("State({name}): State<u64>"))
        .collect();
    format!(
        "    #[throttled(rate = \"50/s\", cost = |{params}| 5)]\n    async fn routed({}) {{}}",
        arguments.join(", ")
    )
}

/// Returns a pair for a key or parameter.
fn pair(word: &str) -> Option<&'static str> {
    let has_key = |pair: &&&str| pair.split(' ').next() == Some(word);
    PAIRS.iter().find(has_key).copied()
}

/// Returns the pair that follows from a "did you mean".
fn corrected_pair(message: &str, word: &str) -> Option<String> {
    let pair_of = |key: &str| match word {
        "header" => format!("{key} = header(\"x-api-key\")"),
        "retry" => format!("{key} = retry(max_retries = 3)"),
        "fallback" | "failover" => format!("{key} = {word}(backend = local())"),
        "connection" | "timeout" | "contention" => format!("{key} = [{word}]"),
        _ => format!("{key} = {word}"),
    };
    let kind = message.split('`').next()?.trim();
    let key = message
        .split("for `")
        .nth(1)
        .and_then(|rest| rest.split('`').next());
    match (kind, key) {
        ("unknown value", Some(key)) => Some(pair_of(key)),
        ("unknown unit", _) => Some(format!("rate = \"5/{word}\"")),
        ("unknown strategy", _) => Some(pair_of("strategy")),
        ("unknown forwarding header", _) => Some(pair_of("header")),
        ("unknown warning", _) => Some(format!("allow({word})")),
        _ => pair(word).map(str::to_owned),
    }
}

/// Returns a pair, a parameter or a value with an attribute around it.
fn context(message: &str, code: &str) -> Option<String> {
    let fill = |(words, context): &(&[&str], &str)| {
        let matches = |word: &&str| {
            if word.contains('(') {
                code.starts_with(word)
            } else {
                code == *word
                    || code.starts_with(&format!("{word} ="))
                    || code.starts_with(&format!("{word}("))
            }
        };
        words.iter().any(matches).then(|| {
            let code = code
                .strip_suffix(')')
                .filter(|_| words[0] == "ip(header")
                .unwrap_or(code);
            context.replace("{}", code)
        })
    };
    // Words with parentheses come first, because there are parameters of these names.
    if let Some(found) = CONTEXTS.iter().rev().find_map(fill) {
        return Some(found);
    }
    let is_strategy = ["custom(", "token_bucket(", "time_of_day(", "gcra("]
        .iter()
        .any(|word| code.starts_with(word));
    match code {
        _ if is_strategy => Some(format!("#[throttled(rate = \"50/s\", strategy = {code})]")),
        _ if message.contains("percentage") => Some(format!(
            "#[throttled(rate = \"50/s\", strategy = priority(low = {code}))]"
        )),
        _ if code.starts_with(['"', '[']) => Some(format!("#[throttled(rate = {code})]")),
        "throttle" => Some("#[throttled(rate = \"50/s\", scope = throttle)]".to_owned()),
        "/" | "per" => Some(format!("#[throttled(rate = \"5 {code} minute\")]")),
        _ => None,
    }
}
