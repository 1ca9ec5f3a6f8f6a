//! The tables of the guide equal the program: the entries of the catalog, and the metadata as it
//! serializes.
//!
//! `UPDATE_GUIDE=1 cargo test -p traffik-tests --test guide` writes changes into the guide.

#[path = "../benches/src/page/data_url.rs"]
#[expect(
    unreachable_pub,
    reason = "it is public in the crate of the benchmarks"
)]
mod data_url;

use std::path::PathBuf;
use std::{env, fs};

use data_url::data_url;
use traffik::strategy::catalog::{ENTRIES, Entry, Param, Takes};
use traffik::strategy::{
    Adaptive, CostBasedTokenBucket, FixedWindow, Gcra, Hit, LeakyBucket, LeakyBucketWithQueue,
    Priority, QuotaWithRollover, SlidingCounter, SlidingLog, Strategy, Tiered, TimeOfDay,
    TokenBucket, Who,
};

const TITLES: &str = "| name | in a line | parameters and defaults |\n|---|---|---|\n";

const GUIDE: &str = include_str!("../traffik/docs/strategies.md");

/// Returns the text between the guide's markers of a name.
fn section(name: &str) -> &'static str {
    let (begin, end) = (
        format!("<!-- {name} -->\n\n"),
        format!("\n<!-- end of {name} -->"),
    );
    let found = GUIDE
        .split_once(&begin)
        .and_then(|(_, rest)| rest.split_once(&end));
    found.expect("the guide has both markers").0
}

fn table() -> String {
    let rows: Vec<_> = ENTRIES.iter().map(row).collect();
    let own = "| `custom(…)` | your own: see [below](#a-strategy-of-your-own) | yours |\n";
    format!("{TITLES}{}{own}", rows.concat())
}

fn row(entry: &Entry) -> String {
    let open = entry.open.map(|takes| {
        assert_eq!(takes, Takes::Multiplier);
        "a multiplier for each tier: its name, such as `premium = 5.0`".to_owned()
    });
    let params: Vec<_> = open
        .into_iter()
        .chain(entry.params.iter().map(param))
        .collect();
    let params = if params.is_empty() {
        "–".to_owned()
    } else {
        params.join("; ")
    };
    format!("| `{}` | {} | {params} |\n", entry.name, entry.summary)
}

fn param(param: &Param) -> String {
    let Param {
        name,
        takes,
        default,
        summary,
        ..
    } = param;
    let default = match (takes, *default) {
        (_, "the rate's limit") => " = L".to_owned(),
        (_, "needed") => ", needed".to_owned(),
        (Takes::Windows, _) => ", such as `[\"08:00-18:00\" = 2.0]`".to_owned(),
        (Takes::Function, _) => ", a `fn() -> f64`".to_owned(),
        (Takes::Duration | Takes::Offset, default) => format!(" = `\"{default}\"`"),
        (_, default) => format!(" = {default}"),
    };
    format!("`{name}`{default}: {summary}")
}

#[test]
fn lists_the_strategies_of_the_catalog() {
    let (written, table) = (section("strategies"), table());
    if written == table {
        return;
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../traffik/docs/strategies.md");
    if env::var_os("UPDATE_GUIDE").is_some_and(|value| value == "1") {
        fs::write(path, GUIDE.replacen(written, &table, 1)).unwrap();
    } else {
        panic!(
            "the catalog is not what the guide says; run this test with `UPDATE_GUIDE=1` to write it there:\n{table}"
        );
    }
}

/// Returns the fields of a strategy's metadata, as they serialize after a hit, in order.
fn fields<S: Strategy>(strategy: &S) -> (String, Vec<String>) {
    let hit = Hit {
        rate: "10/minute".parse().unwrap(),
        now: 1_000_000_000,
        cost: 1,
        who: Who::default(),
    };
    let state = strategy.decide(None, &hit).unwrap();
    let metadata = strategy.metadata(Some(&state), &hit);
    // As text, because a map would sort the fields.
    let json = serde_json::to_string(&metadata).unwrap();
    let parts = json
        .split('"')
        .skip(1)
        .step_by(2)
        .zip(json.split('"').skip(2).step_by(2));
    let names = parts.filter(|(_, behind)| behind.starts_with(':'));
    let names = names.map(|(name, _)| name.to_owned()).collect();
    (strategy.name().to_owned(), names)
}

#[test]
fn lists_the_fields_of_metadata() {
    let fields = [
        fields(&FixedWindow::new()),
        fields(&SlidingLog::new()),
        fields(&SlidingCounter::new()),
        fields(&TokenBucket::new()),
        fields(&LeakyBucket::new()),
        fields(&LeakyBucketWithQueue::new()),
        fields(&Gcra::new()),
        fields(&Tiered::new().tier("free", 1.0).default_tier("free")),
        fields(&Adaptive::new()),
        fields(&Priority::new()),
        fields(&QuotaWithRollover::new()),
        fields(&TimeOfDay::new()),
        fields(&CostBasedTokenBucket::new()),
    ];
    let rows: Vec<Vec<_>> = section("metadata")
        .lines()
        .skip(2)
        .map(|row| row.split(" | ").collect())
        .collect();
    assert_eq!(rows.len(), ENTRIES.len());
    for (entry, row) in ENTRIES.iter().zip(rows) {
        let (name, fields) = fields.iter().find(|(name, _)| name == entry.name).unwrap();
        assert_eq!(row[0], format!("| `{name}`"));
        let listed: Vec<_> = fields.iter().map(|field| format!("`{field}`")).collect();
        assert_eq!(row[3], format!("{} |", listed.join(", ")), "{name}");
    }
}

#[test]
fn embeds_the_pictures_in_the_generated_docs() {
    embeds_the_pictures("strategies", GUIDE);
    embeds_the_pictures("backends", include_str!("../traffik/docs/backends.md"));
}

fn embeds_the_pictures(chapter: &str, text: &str) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../traffik/docs");
    let folder = folder.join(chapter);
    let prefix = format!("]: {chapter}/");
    let links = text
        .lines()
        .filter_map(|line| line.strip_prefix('[')?.split_once(&prefix));
    let mut expected = String::new();
    for (name, file) in links {
        let picture = fs::read_to_string(folder.join(file)).unwrap();
        expected.extend(["[", name, "]: <", &data_url(&picture), ">\n"]);
        assert!(text.contains(&format!("][{name}]")), "`{name}` is shown");
    }
    assert!(!expected.is_empty(), "{chapter} has pictures");
    let path = folder.join("pictures.md");
    if env::var_os("UPDATE_GUIDE").is_some_and(|value| value == "1") {
        fs::write(path, expected).unwrap();
    } else {
        assert!(
            fs::read_to_string(path).is_ok_and(|written| written == expected),
            "{chapter}/pictures.md is not made of the pictures; run this test with \
             `UPDATE_GUIDE=1` to write it"
        );
    }
}

/// Returns the code of every compiled example with the name of its page.
fn examples() -> Vec<(String, String)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let chapters = fs::read_dir(root.join("traffik/docs")).unwrap();
    let chapters = chapters.map(|entry| entry.unwrap().path());
    let chapters = chapters.filter(|path| path.extension().is_some_and(|kind| kind == "md"));
    let pages = chapters.chain([root.join("README.md")]);
    let examples = pages.flat_map(|page| {
        let text = fs::read_to_string(&page).unwrap();
        let blocks: Vec<_> = text
            .split("\n```")
            .filter(|block| block.starts_with("rust\n") || block.starts_with("rust,no_run\n"))
            .map(|block| (page.display().to_string(), block.to_owned()))
            .collect();
        blocks
    });
    examples.collect()
}

/// Returns the async functions of an example that look like handlers: they take no references and
/// are not hidden.
fn handlers(example: &str) -> Vec<&str> {
    const OTHERS: [&str; 2] = ["main", "connect"];
    let functions = example
        .lines()
        .filter_map(|line| line.split_once("async fn "));
    let shown = functions.filter(|(before, _)| !before.starts_with('#'));
    let owning = shown.filter_map(|(_, function)| {
        let (name, arguments) = function.split_once('(')?;
        (!arguments.split("->").next()?.contains('&')).then_some(name)
    });
    owning.filter(|name| !OTHERS.contains(name)).collect()
}

#[test]
fn routes_every_handler_of_the_guide() {
    let routed = |example: &str, name: &str| {
        let ways = ["get", "post", "put"].map(|method| format!("{method}({name})"));
        let layered = [format!("from_fn({name})"), format!(", {name})")];
        ways.iter().chain(&layered).any(|way| example.contains(way))
    };
    let mut count = 0;
    for (page, example) in examples() {
        for name in handlers(&example) {
            assert!(routed(&example, name), "`{name}` in {page} is not routed");
            count += 1;
        }
    }
    assert!(count > 20, "{count} handlers were found");
}
