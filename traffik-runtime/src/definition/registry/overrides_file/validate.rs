//! The members of an overrides file as overrides, or the problems with them.

use std::time::Duration;

use crate::definition::registry::overrides::Override;
use crate::definition::registry::overrides_file::document::{Member, Value};
use crate::rate::Rate;
use crate::rate::parse::{parse_duration, rate_or_closed};
use crate::suggest::{did_you_mean, nearest};

const SETTINGS: [&str; 3] = ["rate", "enabled", "lease"];

/// A position, with which the message starts, and a problem there.
type Problem = (String, String);

/// Returns the members of a file that are throttles. A file without one is an error, such as a file
/// that was cut off while it was copied, unless it contains `none`.
pub(crate) fn throttles(mut members: Vec<Member>, none: &str) -> Result<Vec<Member>, Vec<String>> {
    // A table of that name is a throttle.
    let is_keyword =
        |member: &Member| member.name == "overrides" && !matches!(member.value, Value::Table(_));
    let Some(index) = members.iter().position(is_keyword) else {
        return if members.is_empty() {
            Err(vec![format!(
                "it is empty, which would remove every override; if that is intended, write `{none}`"
            )])
        } else {
            Ok(members)
        };
    };
    let keyword = members.remove(index);
    let problem = match &keyword.value {
        Value::Text(text) if text == "none" && members.is_empty() => return Ok(members),
        Value::Text(text) if text == "none" => {
            "it is `\"none\"`, but there are throttles; remove it, or remove all throttles"
                .to_owned()
        }
        Value::Text(text) => format!("it is `{text:?}`; write `{none}`, or remove it"),
        other => format!("it is {}; write `{none}`, or remove it", other.kind()),
    };
    Err(vec![format!(
        "{}`overrides`: {problem}",
        keyword.position()
    )])
}

/// Returns the override of a throttle, or every problem with it.
pub(crate) fn throttle(member: Member) -> Result<Override, Vec<Problem>> {
    let position = member.position();
    let settings = match member.value {
        Value::Table(settings) if !settings.is_empty() => settings,
        Value::Table(_) => {
            return Err(vec![(
                position,
                "it has no setting; add `rate`, `enabled` or `lease`".to_owned(),
            )]);
        }
        other => {
            let problem = format!(
                "it is {}; write a table with `rate`, `enabled` or `lease`",
                other.kind()
            );
            return Err(vec![(position, problem)]);
        }
    };
    let mut change = Override::default();
    let mut problems = Vec::new();
    for setting in settings {
        let position = setting.position();
        if let Err(found) = set(&mut change, setting) {
            problems.extend(found.into_iter().map(|problem| (position.clone(), problem)));
        }
    }
    if problems.is_empty() {
        Ok(change)
    } else {
        Err(problems)
    }
}

/// Sets a setting of an override.
fn set(change: &mut Override, setting: Member) -> Result<(), Vec<String>> {
    match &*setting.name {
        "rate" => change.rates = Some(rates(setting.value)?),
        "enabled" => match setting.value {
            Value::Bool(flag) => change.enabled = Some(flag),
            other => {
                let problem = format!("`enabled` is {}; write `true` or `false`", other.kind());
                return Err(vec![problem]);
            }
        },
        "lease" => match setting.value {
            Value::Text(text) => {
                let life = lease(&text).map_err(|problem| vec![problem])?;
                change.lease = Some(life);
            }
            other => {
                let problem = format!(
                    "`lease` is {}; write a string such as `\"200ms\"`, or `\"0ms\"` for none",
                    other.kind()
                );
                return Err(vec![problem]);
            }
        },
        unknown => {
            let instead = match nearest(unknown, SETTINGS) {
                Some(near) => did_you_mean(unknown, near),
                None => "the settings are `rate`, `enabled` and `lease`".to_owned(),
            };
            return Err(vec![format!("there is no setting `{unknown}`; {instead}")]);
        }
    }
    Ok(())
}

fn rates(value: Value) -> Result<Vec<Rate>, Vec<String>> {
    let values = match value {
        Value::List(values) if values.is_empty() => {
            return Err(vec![
                "its list of rates is empty; add a rate, or write `enabled = false`".to_owned(),
            ]);
        }
        Value::List(values) => values,
        one => vec![one],
    };
    let (mut rates, mut problems) = (Vec::new(), Vec::new());
    for value in values {
        match value {
            Value::Text(text) => match rate_or_closed(&text) {
                Ok(rate) => rates.push(rate),
                Err(error) => problems.push(error.to_string()),
            },
            other => problems.push(format!(
                "its rate is {}; write a string such as `\"10/minute\"`",
                other.kind()
            )),
        }
    }
    if problems.is_empty() {
        Ok(rates)
    } else {
        Err(problems)
    }
}

/// Reads the life of leases, such as `200ms`.
fn lease(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| format!("`lease`: {error}"))
}
