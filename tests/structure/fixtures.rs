//! Trees that the check has to refuse: small ones, and copies of the crates with one import turned.

use crate::layers::{Violation, circles_within_modules, violations};
use crate::order::Order;
use crate::sources::Sources;

/// `low` is below `high`; both have files of their own.
const ORDER: &str = "```layers\nfixture\n    low\n    high\n    lib\n```\n";
const LIB: &str = "mod low; mod high;";

fn order() -> Order {
    Order::parse(ORDER, "fixture").unwrap()
}

/// A crate of the two layers, with this text in two files of `low` and one of `high`.
fn fixture(low: &str, other: &str, high: &str) -> Sources {
    Sources::from([
        ("lib.rs", LIB),
        (
            "low/mod.rs",
            "mod low_file; mod other; pub use low_file::Low; pub use other::*;",
        ),
        ("low/low_file.rs", low),
        ("low/other.rs", other),
        (
            "high/mod.rs",
            "mod high_file; pub(crate) use high_file::High as Renamed; pub use high_file::*;",
        ),
        ("high/high_file.rs", high),
    ])
}

#[track_caller]
fn assert_only(found: &[Violation], place: &str, words: &[&str]) {
    let [violation] = found else {
        panic!("expected one violation, found {found:#?}")
    };
    let text = violation.to_string();
    assert!(text.starts_with(place), "{text}");
    for word in words {
        assert!(text.contains(word), "no `{word}` in {text}");
    }
}

/// Checks a fixture in which `low_file.rs` holds this code after one line.
#[track_caller]
fn assert_points_up(code: &str) {
    let low = format!("pub struct Low;\n{code}");
    let sources = fixture(
        &low,
        "pub struct Other;",
        "pub struct High; pub fn high() {}",
    );
    let found = violations(&sources, &order());
    let words = ["high/high_file.rs", "layer `low` is below layer `high`"];
    assert_only(&found, "low/low_file.rs:2: ", &words);
}

#[test]
fn allows_imports_that_point_down() {
    let high = "use crate::low::{Low, Other}; pub struct High(Low, Other);";
    let sources = fixture(
        "pub struct Low; use super::Other;",
        "pub struct Other;",
        high,
    );
    assert_eq!(violations(&sources, &order()), []);
}

#[test]
fn refuses_an_import_from_above() {
    assert_points_up("use crate::high::high_file::High;");
    assert_points_up("use super::super::high::{self, high_file::{High}};");
}

#[test]
fn refuses_a_path_from_above() {
    assert_points_up("fn low() { crate::high::high_file::high(); }");
    assert_points_up("use crate::high; fn low(_: &[high::High]) {}");
}

#[test]
fn follows_renames_and_globs() {
    assert_points_up("use crate::high::Renamed;");
    assert_points_up("use crate::high::High as Lower;");
    assert_points_up("use crate::high::*; fn low() { high() }");
    assert_points_up("pub use crate::high::High;");
}

#[test]
fn reads_macros() {
    assert_points_up("macro_rules! low { () => { $crate::high::high() } }");
    assert_points_up("fn low() { println!(\"{}\", crate::high::high()) }");
}

#[test]
fn reads_what_features_leave_out_and_skips_tests() {
    assert_points_up("#[cfg(feature = \"high\")] use crate::high::High;");
    let low = "pub struct Low; #[cfg(test)] mod tests { use crate::high::High; }
        #[cfg(all(test, loom))] use crate::high::High as Higher;";
    let sources = fixture(low, "pub struct Other;", "pub struct High;");
    assert_eq!(violations(&sources, &order()), []);
}

#[test]
fn finds_a_module_by_its_written_path() {
    let mut sources = fixture(
        "pub struct Low;\n#[path = \"elsewhere.rs\"] mod named;",
        "pub struct Other;",
        "pub struct High;",
    );
    sources.0.insert(
        "low/elsewhere.rs".to_owned(),
        "use crate::high::High;".to_owned(),
    );
    assert_only(
        &violations(&sources, &order()),
        "low/elsewhere.rs:1: ",
        &["high/high_file.rs"],
    );
}

#[test]
fn refuses_a_circle_within_a_layer() {
    let low = "use super::Other;\npub struct Low(Other);";
    let other = "\nuse super::Low as Lower; pub struct Other(Box<Lower>);";
    let found = violations(&fixture(low, other, "pub struct High;"), &order());
    let steps = [
        "low/low_file.rs:1 imports low/other.rs",
        "low/other.rs:2 imports low/low_file.rs",
    ];
    assert_only(&found, "low/low_file.rs:1: ", &steps);
}

#[test]
fn counts_a_module_and_files_below_it_apart() {
    let mut sources = fixture(
        "pub struct Low; fn low() { super::parent() }",
        "pub struct Other;",
        "pub struct High;",
    );
    sources.append("low/mod.rs", "fn parent() -> Low { Low }");
    assert_eq!(violations(&sources, &order()), []);
    let found = circles_within_modules(&sources, &order());
    assert_only(
        &found,
        "low/low_file.rs:1: ",
        &["low/mod.rs:2 imports low/low_file.rs"],
    );
}

#[test]
fn a_module_that_only_offers_what_is_below_it_is_in_no_circle() {
    let mut sources = fixture(
        "pub struct Low; fn low() { super::parent() }",
        "pub struct Other;",
        "pub struct High;",
    );
    sources.append("low/mod.rs", "fn parent() {}");
    assert_eq!(circles_within_modules(&sources, &order()), []);
}

#[test]
fn refuses_files_without_a_layer_or_a_module() {
    let mut sources = fixture("pub struct Low;", "pub struct Other;", "pub struct High;");
    sources.0.insert("forgotten.rs".to_owned(), String::new());
    assert_only(
        &violations(&sources, &order()),
        "forgotten.rs:1: ",
        &["no `mod` item"],
    );
    sources.append("lib.rs", "mod forgotten;");
    assert_only(
        &violations(&sources, &order()),
        "forgotten.rs:1: ",
        &["no layer has this file"],
    );
}

#[test]
fn refuses_a_path_that_it_cannot_follow() {
    let low = "pub struct Low; use crate::nowhere::Gone;";
    let found = violations(
        &fixture(low, "pub struct Other;", "pub struct High;"),
        &order(),
    );
    assert_only(
        &found,
        "low/low_file.rs:1: ",
        &["`crate::nowhere::Gone` leads to no item"],
    );
}

/// Turns one arrow in a copy of a crate and expects one more violation, at the line added.
#[track_caller]
fn assert_turned_arrow_is_found(krate: &str, file: &str, line: &str) {
    let mut sources = Sources::read(&format!("{krate}/src"));
    let order = Order::read(krate);
    let before = violations(&sources, &order);
    let number = sources.append(file, line);
    let mut found = violations(&sources, &order);
    found.retain(|violation| !before.contains(violation));
    assert_only(&found, &format!("{file}:{number}: "), &["is below layer"]);
}

#[test]
fn finds_an_arrow_turned_in_a_copy_of_the_runtime() {
    assert_turned_arrow_is_found(
        "traffik-runtime",
        "strategy/gcra.rs",
        "use crate::http::Limiter;",
    );
    assert_turned_arrow_is_found(
        "traffik-runtime",
        "clock/manual.rs",
        "use crate::ws::WsPolicy as _;",
    );
}

#[test]
fn finds_an_arrow_turned_in_a_copy_of_the_macros() {
    assert_turned_arrow_is_found(
        "traffik-macros",
        "parse/args.rs",
        "use crate::model::strategy::Strategy;",
    );
}
