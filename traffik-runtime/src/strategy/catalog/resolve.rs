//! `resolve`: a strategy of the catalog from its name and parameters.

use crate::strategy::catalog::entries::{ENTRIES, Entry};
use crate::strategy::catalog::problem::{Problem, Subject};
use crate::strategy::catalog::spec::Spec;
use crate::strategy::catalog::value::Value;
use crate::strategy::catalog::{Argument, value};
use crate::suggest::{did_you_mean, nearest};

/// The names of strategies in other libraries, and what to write here.
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

/// Returns the strategy of this name with these parameters.
///
/// # Errors
///
/// All mistakes in them at once.
///
/// ```
/// use traffik::strategy::catalog::{Argument, Literal, resolve};
///
/// let argument = |name| Argument { name, value: Literal::Number("150") };
/// assert!(resolve("token_bucket", &[argument("burst")]).is_ok());
///
/// let problems = resolve("token_bucket", &[argument("brust")]).unwrap_err();
/// assert_eq!(
///     problems[0].message,
///     "`token_bucket` has no parameter `brust`; did you mean `burst`?",
/// );
/// ```
pub fn resolve(name: &str, arguments: &[Argument<'_>]) -> Result<Spec, Vec<Problem>> {
    let entry = find(name).map_err(|message| vec![Problem::error(Subject::Strategy, message)])?;
    let mut problems = Vec::new();
    let mut values: Vec<(&str, Value)> = Vec::new();
    for (place, argument) in arguments.iter().enumerate() {
        let name = argument.name;
        let param = entry.params.iter().find(|param| param.name == name);
        let takes = param.map(|param| param.takes).or(entry.open);
        if arguments[..place]
            .iter()
            .any(|earlier| earlier.name == name)
        {
            let message = format!("`{name}` is written twice; remove one");
            problems.push(Problem::error(Subject::Name(place), message));
        } else if let Some(takes) = takes {
            match value::read(name, takes, argument.value) {
                Ok(value) => values.push((name, value)),
                Err(wrong) => problems.extend(wrong.at(place)),
            }
        } else {
            problems.push(Problem::error(
                Subject::Name(place),
                unknown_parameter(entry, name),
            ));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Spec::of(entry.name, &values).map_err(|error| {
        let place = arguments
            .iter()
            .position(|argument| argument.name == "default");
        let subject = place.map_or(Subject::Strategy, Subject::Value);
        vec![Problem::error(subject, error.to_string())]
    })
}

/// Reports whether an unknown name is near to that of a strategy, or is another library's name for
/// one.
///
/// ```
/// use traffik::strategy::catalog::is_near;
///
/// assert!(is_near("tokn_bucket") && is_near("leaky"));
/// assert!(!is_near("MyStrategy"));
/// ```
pub fn is_near(name: &str) -> bool {
    question(name).is_some()
}

fn find(name: &str) -> Result<&'static Entry, String> {
    if let Some(entry) = ENTRIES.iter().find(|entry| entry.name == name) {
        return Ok(entry);
    }
    Err(match question(name) {
        Some(question) => format!("unknown strategy `{name}`; {question}"),
        None => {
            let names: Vec<_> = ENTRIES
                .iter()
                .map(|entry| format!("`{}`", entry.name))
                .collect();
            format!("unknown strategy `{name}`; use one of {}", names.join(", "))
        }
    })
}

/// Returns the question that ends the message about an unknown name.
fn question(name: &str) -> Option<String> {
    let foreign = FOREIGN
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(name));
    let near = || nearest(name, ENTRIES.iter().map(|entry| entry.name));
    match foreign {
        Some((_, here)) => Some(format!("did you mean {here}?")),
        None => near().map(|near| did_you_mean(name, near)),
    }
}

fn unknown_parameter(entry: &Entry, name: &str) -> String {
    let unknown = format!("`{}` has no parameter `{name}`", entry.name);
    if let Some(near) = nearest(name, entry.params.iter().map(|param| param.name)) {
        return format!("{unknown}; {}", did_you_mean(name, near));
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
        (true, true) => format!(
            "{unknown}; it has no parameters, so write just `{}`",
            entry.name
        ),
        (true, false) => format!("{unknown}; it has {}", own.join(", ")),
    }
}
