use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use crate::definition::registry::overrides_file::document::{Member, Value};

/// The members of a document in TOML, in order, or all that keeps it from being one.
pub(crate) fn members(text: &str) -> Result<Vec<Member>, Vec<String>> {
    let (table, mut errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        Ok(of_table(text, table.into_inner()))
    } else {
        errors.sort_by_key(|error| error.span().map(|span| span.start));
        Err(errors.iter().map(|error| message(text, error)).collect())
    }
}

fn of_table(text: &str, table: DeTable<'_>) -> Vec<Member> {
    let member = |(name, value): (Spanned<_>, Spanned<_>)| {
        let line = line(text, name.span().start);
        let name: std::borrow::Cow<'_, str> = name.into_inner();
        Member {
            name: name.into_owned(),
            line: Some(line),
            value: of_value(text, value.into_inner()),
        }
    };
    let mut members: Vec<_> = table.into_iter().map(member).collect();
    members.sort_by_key(|member| member.line);
    members
}

fn of_value(text: &str, value: DeValue<'_>) -> Value {
    match value {
        DeValue::String(words) => Value::Text(words.into_owned()),
        DeValue::Boolean(flag) => Value::Flag(flag),
        DeValue::Array(list) => {
            let values = list.into_iter();
            Value::List(
                values
                    .map(|value| of_value(text, value.into_inner()))
                    .collect(),
            )
        }
        DeValue::Table(table) => Value::Table(of_table(text, table)),
        DeValue::Integer(_) | DeValue::Float(_) => Value::Other("a number"),
        DeValue::Datetime(_) => Value::Other("a date"),
    }
}

fn message(text: &str, error: &Error) -> String {
    match error.span() {
        Some(span) => format!("line {}: {}", line(text, span.start), error.message()),
        None => error.message().to_owned(),
    }
}

/// The line of a byte, from 1.
fn line(text: &str, place: usize) -> usize {
    let before = text.as_bytes().iter().take(place);
    before.filter(|byte| **byte == b'\n').count() + 1
}
