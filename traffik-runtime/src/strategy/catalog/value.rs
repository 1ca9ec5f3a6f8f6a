//! Values of parameters, read by the type of the parameter.

use std::time::Duration;

use crate::rate::parse::parse_duration;
use crate::strategy::catalog::Literal;
use crate::strategy::catalog::entries::Takes;
use crate::strategy::catalog::problem::{Problem, Subject};
use crate::strategy::factor::{Factor, FactorError};
use crate::strategy::kernel::schedule::Rule;
use crate::strategy::kernel::tick::EXACT;
use crate::strategy::time_of_day::{offset, rule};

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Count(u64),
    Duration(Duration),
    Factor(Factor),
    Name(String),
    Windows(Vec<Rule>),
    Offset(i32),
    Function,
}

/// A mistake in a value, and what to write instead.
pub(super) enum Wrong {
    Value(String),
    /// Mistakes in some of its time windows.
    Windows(Vec<(usize, String)>),
}

impl Wrong {
    /// Returns the problems of the parameter at this position.
    pub(super) fn at(self, place: usize) -> Vec<Problem> {
        match self {
            Self::Value(message) => vec![Problem::error(Subject::Value(place), message)],
            Self::Windows(windows) => {
                let windows = windows.into_iter();
                let error = |(window, message)| Problem::error(Subject::Window(window), message);
                windows.map(error).collect()
            }
        }
    }
}

impl From<String> for Wrong {
    fn from(message: String) -> Self {
        Self::Value(message)
    }
}

/// Reads the value of a parameter.
pub(super) fn read(name: &str, takes: Takes, value: Literal<'_>) -> Result<Value, Wrong> {
    let read = match takes {
        Takes::Windows => return windows(name, value).map(Value::Windows),
        Takes::Count(least) => count(name, least, value).map(Value::Count),
        Takes::Duration => duration(name, value).map(Value::Duration),
        Takes::Share => share(name, value).map(Value::Factor),
        Takes::Multiplier => match value {
            Literal::Number(text) => factor(name, text).map(Value::Factor),
            _ => Err(format!("`{name}` takes a number, such as `{name} = 1.5`")),
        },
        Takes::Percent => percent(name, value).map(Value::Factor),
        Takes::Name => match value {
            Literal::Word(word) | Literal::Text(word) => Ok(Value::Name(word.to_owned())),
            _ => Err(format!(
                "`{name}` takes the name of a tier, such as `{name} = free`"
            )),
        },
        Takes::Offset => match value {
            Literal::Text(text) => offset(text)
                .map(Value::Offset)
                .map_err(|error| error.to_string()),
            _ => Err(format!(
                "`{name}` takes a time in quotes, such as `{name} = \"+05:30\"`"
            )),
        },
        Takes::Function => match value {
            Literal::Word(_) | Literal::Path => Ok(Value::Function),
            _ => Err(format!(
                "`{name}` takes the path of a function `fn() -> f64`; write `{name} = current_load`"
            )),
        },
    };
    read.map_err(Wrong::Value)
}

fn count(name: &str, least: u64, value: Literal<'_>) -> Result<u64, String> {
    let wanted = || format!("`{name}` takes a whole number of at least {least}");
    let Literal::Number(written) = value else {
        return Err(format!("{}, such as `{name} = 50`", wanted()));
    };
    let count: u64 = written
        .replace('_', "")
        .parse()
        .map_err(|_| format!("{}; `{written}` is not one", wanted()))?;
    match count {
        count if count < least => Err(format!("{}; {count} admits nothing", wanted())),
        count if count > EXACT => Err(format!(
            "`{name}` takes at most {EXACT}, which is the largest number that counts exactly"
        )),
        count => Ok(count),
    }
}

fn duration(name: &str, value: Literal<'_>) -> Result<Duration, String> {
    match value {
        Literal::Text(text) => parse_duration(text).map_err(|error| format!("`{name}`: {error}")),
        _ => Err(format!(
            "`{name}` takes a duration in quotes, such as `{name} = \"500ms\"`"
        )),
    }
}

fn share(name: &str, value: Literal<'_>) -> Result<Factor, String> {
    let share = match value {
        Literal::Number(text) => factor(name, text)?,
        Literal::Text(text) if text.trim_end().ends_with('%') => hundredth(name, text)?,
        _ => {
            return Err(format!(
                "`{name}` takes a share, such as `{name} = 0.8` or `{name} = \"80%\"`"
            ));
        }
    };
    if share > Factor::ONE {
        Err(format!("`{name}` is a share of the whole, at most 1"))
    } else {
        Ok(share)
    }
}

fn percent(name: &str, value: Literal<'_>) -> Result<Factor, String> {
    let percent = match value {
        Literal::Number(text) => factor(name, text)?,
        Literal::Text(text) if text.trim_end().ends_with('%') => {
            factor(name, text.trim_end().trim_end_matches('%'))?
        }
        _ => {
            return Err(format!(
                "`{name}` takes a percentage, such as `{name} = 50` or `{name} = \"50%\"`"
            ));
        }
    };
    if percent > Factor::millionths(100_000_000) {
        Err(format!("`{name}` is 0 to 100"))
    } else {
        Ok(percent)
    }
}

/// Reads a share that is written as a percentage.
fn hundredth(name: &str, text: &str) -> Result<Factor, String> {
    let percent = factor(name, text.trim_end().trim_end_matches('%'))?.in_millionths();
    if percent % 100 == 0 {
        Ok(Factor::millionths(percent / 100))
    } else {
        Err(format!("`{name}` is {}", FactorError::TooFine))
    }
}

fn factor(name: &str, text: &str) -> Result<Factor, String> {
    text.parse()
        .map_err(|error: FactorError| format!("`{name}` is {error}"))
}

fn windows(name: &str, value: Literal<'_>) -> Result<Vec<Rule>, Wrong> {
    let example = format!("`{name} = [\"08:00-18:00\" = 2.0]`");
    let pairs = match value {
        Literal::Pairs([]) => {
            let message =
                format!("`{name}` holds no part of the day; write one, such as {example}");
            return Err(message.into());
        }
        Literal::Pairs(pairs) => pairs,
        _ => return Err(format!("`{name}` takes parts of the day, such as {example}").into()),
    };
    let (mut rules, mut wrong) = (Vec::new(), Vec::new());
    for (place, (part, multiplier)) in pairs.iter().enumerate() {
        match window(part, *multiplier) {
            Ok(rule) => rules.push(rule),
            Err(message) => wrong.push((place, message)),
        }
    }
    if wrong.is_empty() {
        Ok(rules)
    } else {
        Err(Wrong::Windows(wrong))
    }
}

fn window(part: &str, multiplier: Literal<'_>) -> Result<Rule, String> {
    let Literal::Number(text) = multiplier else {
        return Err(format!(
            "`{part}` takes a number, such as `\"{part}\" = 1.5`"
        ));
    };
    rule(part, factor(part, text)?).map_err(|error| error.to_string())
}
