//! Every strategy by name: its parameters, defaults and checks, in one place.
//!
//! The macros read it at compile time, the builders at run time; a rule about what a user may write stands only here.

use std::time::Duration;

use super::kernel::{EXACT, Law};
use super::{FixedWindow, Gcra, SlidingCounter, Strategy, StrategyError, TokenBucket, Who};
use crate::rate::{Rate, parse_duration};
use crate::suggest::nearest;

/// A strategy in the catalog.
#[derive(Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The name users write.
    pub name: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// Its parameters, in the order they are documented.
    pub params: &'static [Param],
    /// Whether it can be used yet.
    pub available: bool,
}

/// A parameter of a strategy.
#[derive(Debug)]
#[non_exhaustive]
pub struct Param {
    /// The name users write.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// What it is when nothing is written.
    pub default: &'static str,
    /// What it means, in a line.
    pub summary: &'static str,
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Takes {
    /// A whole number of units, at least this.
    Count(u64),
    /// A duration in words, such as `"500ms"`.
    Duration,
}

const fn entry(name: &'static str, summary: &'static str, params: &'static [Param]) -> Entry {
    Entry {
        name,
        summary,
        params,
        available: true,
    }
}

const fn later(name: &'static str, summary: &'static str) -> Entry {
    Entry {
        name,
        summary,
        params: &[],
        available: false,
    }
}

const fn param(
    name: &'static str,
    takes: Takes,
    default: &'static str,
    summary: &'static str,
) -> Param {
    Param {
        name,
        takes,
        default,
        summary,
    }
}

/// All strategies, in the order of the guide.
pub static ENTRIES: &[Entry] = &[
    entry(
        "fixed_window",
        "counts in windows aligned to the epoch",
        &[],
    ),
    later(
        "sliding_log",
        "remembers every hit of the last period: exact",
    ),
    entry(
        "sliding_counter",
        "counts in two windows, the older one weighted",
        &[],
    ),
    entry(
        "token_bucket",
        "tokens refill at the rate, up to a burst",
        &[
            param(
                "burst",
                Takes::Count(1),
                "the rate's limit",
                "how many tokens the bucket holds",
            ),
            param(
                "debt",
                Takes::Count(0),
                "0",
                "how many tokens may be taken beyond an empty bucket",
            ),
        ],
    ),
    later("leaky_bucket", "hits pour in, and leak at the rate"),
    later(
        "leaky_bucket_with_queue",
        "hits queue up and run at the rate",
    ),
    entry(
        "gcra",
        "spaces hits evenly",
        &[param(
            "burst_tolerance",
            Takes::Duration,
            "0ms",
            "how early a hit may come",
        )],
    ),
    later("tiered", "limits that depend on the client's tier"),
    later("adaptive", "cuts the limit under load"),
    later("priority", "keeps a reserve for requests that matter more"),
    later("quota_with_rollover", "carries over what was not used"),
    later("time_of_day", "limits that depend on the hour"),
    later(
        "cost_based_token_bucket",
        "refills more slowly the more hits cost",
    ),
];

/// What other libraries call strategies, and what to write here.
const FOREIGN: &[(&str, &str)] = &[
    (
        "sliding_window",
        "`sliding_counter` (constant memory) or `sliding_log` (exact)",
    ),
    (
        "sliding",
        "`sliding_counter` (constant memory) or `sliding_log` (exact)",
    ),
    ("sliding_window_counter", "`sliding_counter`"),
    ("sliding_window_log", "`sliding_log`"),
    ("leaky", "`leaky_bucket`"),
    ("fixed", "`fixed_window`"),
    ("token", "`token_bucket`"),
];

/// A strategy with its parameters, ready to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spec {
    /// [`FixedWindow`].
    FixedWindow(FixedWindow),
    /// [`SlidingCounter`].
    SlidingCounter(SlidingCounter),
    /// [`TokenBucket`].
    TokenBucket(TokenBucket),
    /// [`Gcra`].
    Gcra(Gcra),
}

impl Spec {
    /// The name in the catalog.
    pub fn name(&self) -> &'static str {
        match self {
            Self::FixedWindow(it) => Strategy::name(it),
            Self::SlidingCounter(it) => Strategy::name(it),
            Self::TokenBucket(it) => Strategy::name(it),
            Self::Gcra(it) => Strategy::name(it),
        }
    }

    /// The largest cost that these rates together can ever admit, of the most favourable client.
    pub fn largest_cost(&self, rates: &[Rate]) -> u64 {
        let laws = rates.iter().filter_map(|rate| self.law(*rate).ok());
        laws.map(|law| law.largest()).min().unwrap_or(u64::MAX)
    }

    fn law(&self, rate: Rate) -> Result<Law, StrategyError> {
        let who = Who::default();
        match self {
            Self::FixedWindow(it) => it.law(rate, &who),
            Self::SlidingCounter(it) => it.law(rate, &who),
            Self::TokenBucket(it) => it.law(rate, &who),
            Self::Gcra(it) => it.law(rate, &who),
        }
    }
}

/// A parameter as it was written.
#[derive(Clone, Copy, Debug)]
pub struct Argument<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value.
    pub value: Literal<'a>,
}

/// A value as it was written.
#[derive(Clone, Copy, Debug)]
pub enum Literal<'a> {
    /// A number: `150`, `1_000`, `0.5`, `-1`.
    Number(&'a str),
    /// The contents of a string.
    Text(&'a str),
    /// Anything else.
    Other,
}

/// Something wrong with what was written, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What has to be changed.
    pub subject: Subject,
    /// What is wrong; what to write instead.
    pub message: String,
}

/// What a [`Problem`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The strategy's name, or the strategy as a whole.
    Strategy,
    /// The name of the parameter at this place.
    Name(usize),
    /// The value of the parameter at this place.
    Value(usize),
    /// The rate at this place.
    Rate(usize),
    /// The cost.
    Cost,
}

impl Problem {
    fn new(subject: Subject, message: impl Into<String>) -> Self {
        Self {
            subject,
            message: message.into(),
        }
    }
}

/// The strategy of this name with these parameters.
///
/// # Errors
///
/// Everything that is wrong with them, at once.
///
/// ```
/// use traffik_runtime::strategy::catalog::{Argument, Literal, resolve};
///
/// assert!(resolve("token_bucket", &[Argument { name: "burst", value: Literal::Number("150") }]).is_ok());
///
/// let problems = resolve("token_bucket", &[Argument { name: "brust", value: Literal::Number("150") }]).unwrap_err();
/// assert_eq!(problems[0].message, "`token_bucket` has no parameter `brust`; did you mean `burst`?");
/// ```
pub fn resolve(name: &str, arguments: &[Argument<'_>]) -> Result<Spec, Vec<Problem>> {
    let entry = find(name).map_err(|message| vec![Problem::new(Subject::Strategy, message)])?;
    let mut problems = Vec::new();
    let mut values = Values::default();
    for (place, argument) in arguments.iter().enumerate() {
        let known = entry
            .params
            .iter()
            .find(|param| param.name == argument.name);
        if arguments[..place]
            .iter()
            .any(|earlier| earlier.name == argument.name)
        {
            let message = format!("`{}` is written twice; remove one", argument.name);
            problems.push(Problem::new(Subject::Name(place), message));
        } else if let Some(param) = known {
            match values.take(param, argument.value) {
                Ok(()) => {}
                Err(message) => problems.push(Problem::new(Subject::Value(place), message)),
            }
        } else {
            problems.push(Problem::new(
                Subject::Name(place),
                unknown_parameter(entry, argument.name),
            ));
        }
    }
    if problems.is_empty() {
        Ok(values.spec(entry))
    } else {
        Err(problems)
    }
}

/// Everything that is wrong with a strategy at these rates, and with a cost that each hit takes.
pub fn check(spec: &Spec, rates: &[Rate], cost: Option<u64>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (place, rate) in rates.iter().enumerate() {
        if let Err(error) = spec.law(*rate) {
            let subject = match error {
                StrategyError::NoExactTick(_) => Subject::Rate(place),
                _ => Subject::Strategy,
            };
            problems.push(Problem::new(subject, error.to_string()));
        }
    }
    let largest = spec.largest_cost(rates);
    if let Some(cost) = cost.filter(|cost| problems.is_empty() && *cost > largest) {
        let message = format!(
            "a cost of {cost} can never be admitted: `{}` lets through at most {largest} at once; lower the cost or raise the limit",
            spec.name()
        );
        problems.push(Problem::new(Subject::Cost, message));
    }
    problems
}

fn find(name: &str) -> Result<&'static Entry, String> {
    if let Some(entry) = ENTRIES.iter().find(|entry| entry.name == name) {
        let usable = || names(|entry| entry.available);
        return if entry.available {
            Ok(entry)
        } else {
            Err(format!(
                "strategy `{name}` is not available yet; use one of {}",
                usable()
            ))
        };
    }
    let foreign = FOREIGN
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(name));
    let near =
        nearest(name, ENTRIES.iter().map(|entry| entry.name)).map(|near| format!("`{near}`"));
    Err(match foreign.map(|(_, here)| (*here).to_owned()).or(near) {
        Some(here) => format!("unknown strategy `{name}`; did you mean {here}?"),
        None => format!("unknown strategy `{name}`; use one of {}", names(|_| true)),
    })
}

fn names(which: impl Fn(&Entry) -> bool) -> String {
    let names: Vec<_> = ENTRIES
        .iter()
        .filter(|entry| which(entry))
        .map(|entry| format!("`{}`", entry.name))
        .collect();
    names.join(", ")
}

fn unknown_parameter(entry: &Entry, name: &str) -> String {
    let unknown = format!("`{}` has no parameter `{name}`", entry.name);
    if let Some(near) = nearest(name, entry.params.iter().map(|param| param.name)) {
        return format!("{unknown}; did you mean `{near}`?");
    }
    let owners: Vec<_> = ENTRIES
        .iter()
        .filter(|other| other.params.iter().any(|param| param.name == name))
        .map(|other| format!("`{}`", other.name))
        .collect();
    let own: Vec<_> = entry
        .params
        .iter()
        .map(|param| format!("`{}`", param.name))
        .collect();
    match (owners.is_empty(), own.is_empty()) {
        (false, _) => format!("{unknown}; that is a parameter of {}", owners.join(", ")),
        (true, true) => format!("{unknown}; it has none, write `{}` alone", entry.name),
        (true, false) => format!("{unknown}; it has {}", own.join(", ")),
    }
}

/// The parameters read so far.
#[derive(Default)]
struct Values {
    burst: Option<u64>,
    debt: u64,
    burst_tolerance: Duration,
}

impl Values {
    fn take(&mut self, param: &Param, value: Literal<'_>) -> Result<(), String> {
        match param.takes {
            Takes::Count(least) => {
                let count = count(param.name, least, value)?;
                if param.name == "burst" {
                    self.burst = Some(count);
                } else {
                    self.debt = count;
                }
            }
            Takes::Duration => self.burst_tolerance = duration(param.name, value)?,
        }
        Ok(())
    }

    fn spec(self, entry: &Entry) -> Spec {
        match entry.name {
            "sliding_counter" => Spec::SlidingCounter(SlidingCounter::new()),
            "token_bucket" => {
                let bucket = TokenBucket::new().debt(self.debt);
                Spec::TokenBucket(self.burst.map_or(bucket, |burst| bucket.burst(burst)))
            }
            "gcra" => Spec::Gcra(Gcra::new().burst_tolerance(self.burst_tolerance)),
            _ => Spec::FixedWindow(FixedWindow::new()),
        }
    }
}

fn count(name: &str, least: u64, value: Literal<'_>) -> Result<u64, String> {
    let wanted = || format!("`{name}` takes a whole number of at least {least}");
    let Literal::Number(written) = value else {
        return Err(format!("{}, such as `{name} = 50`", wanted()));
    };
    let count: u64 = written
        .replace('_', "")
        .parse()
        .map_err(|_| format!("{}; `{written}` is none", wanted()))?;
    match count {
        count if count < least => Err(format!("{}; {count} admits nothing", wanted())),
        count if count > EXACT => Err(format!(
            "`{name}` takes at most {EXACT}, or it could not be counted exactly"
        )),
        count => Ok(count),
    }
}

fn duration(name: &str, value: Literal<'_>) -> Result<Duration, String> {
    match value {
        Literal::Text(text) => parse_duration(text).map_err(|error| format!("`{name}`: {error}")),
        Literal::Number(_) | Literal::Other => Err(format!(
            "`{name}` takes a duration in quotes, such as `{name} = \"500ms\"`"
        )),
    }
}
