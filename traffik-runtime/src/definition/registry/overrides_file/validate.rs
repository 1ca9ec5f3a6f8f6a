//! What a member of a file means.

use crate::definition::registry::overrides_file::Override;
use crate::definition::registry::overrides_file::document::{Member, Value};
use crate::rate::Rate;
use crate::rate::parse::rate_or_closed;
use crate::suggest::{did_you_mean, nearest};

const SETTINGS: [&str; 2] = ["rate", "enabled"];

/// A problem, and what a message about it starts with.
type Problem = (String, String);

/// The members of a file that are throttles. None is a mistake, such as a file that was cut off while it was copied, unless
/// the file says that it is meant, by `none`.
pub(crate) fn throttles(mut members: Vec<Member>, none: &str) -> Result<Vec<Member>, Vec<String>> {
    // A table of that name is a throttle.
    let is_word =
        |member: &Member| member.name == "overrides" && !matches!(member.value, Value::Table(_));
    let Some(place) = members.iter().position(is_word) else {
        return if members.is_empty() {
            Err(vec![format!(
                "it is empty, which would drop every override; if that is meant, write `{none}`"
            )])
        } else {
            Ok(members)
        };
    };
    let word = members.remove(place);
    let problem = match &word.value {
        Value::Text(text) if text == "none" && members.is_empty() => return Ok(members),
        Value::Text(text) if text == "none" => {
            "it says that there are none, and there are; remove it, or all throttles".to_owned()
        }
        Value::Text(text) => format!("it is `{text:?}`; write `{none}`, or remove it"),
        other => format!("it is {}; write `{none}`, or remove it", other.word()),
    };
    Err(vec![format!("{}`overrides`: {problem}", word.place())])
}

/// What is said of a throttle, or all that is wrong with it.
pub(crate) fn of(member: Member) -> Result<Override, Vec<Problem>> {
    let place = member.place();
    let settings = match member.value {
        Value::Table(settings) if !settings.is_empty() => settings,
        Value::Table(_) => {
            return Err(vec![(
                place,
                "nothing is said of it; give it a `rate`, or `enabled`".to_owned(),
            )]);
        }
        other => {
            let problem = format!(
                "it is {}; write a table with `rate` or `enabled`",
                other.word()
            );
            return Err(vec![(place, problem)]);
        }
    };
    let mut said = Override {
        rates: None,
        enabled: None,
    };
    let mut problems = Vec::new();
    for setting in settings {
        let place = setting.place();
        if let Err(found) = set(&mut said, setting) {
            problems.extend(found.into_iter().map(|problem| (place.clone(), problem)));
        }
    }
    if problems.is_empty() {
        Ok(said)
    } else {
        Err(problems)
    }
}

fn set(said: &mut Override, setting: Member) -> Result<(), Vec<String>> {
    match &*setting.name {
        "rate" => said.rates = Some(rates(setting.value)?),
        "enabled" => match setting.value {
            Value::Flag(flag) => said.enabled = Some(flag),
            other => {
                let problem = format!("`enabled` is {}; write `true` or `false`", other.word());
                return Err(vec![problem]);
            }
        },
        unknown => {
            let instead = match nearest(unknown, SETTINGS) {
                Some(near) => did_you_mean(unknown, near),
                None => "there are `rate` and `enabled`".to_owned(),
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
                "its list of rates is empty; give it one, or `enabled = false`".to_owned(),
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
                "its rate is {}; write a text, `\"10/minute\"`",
                other.word()
            )),
        }
    }
    if problems.is_empty() {
        Ok(rates)
    } else {
        Err(problems)
    }
}
