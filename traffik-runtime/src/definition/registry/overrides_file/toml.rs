//! The members of an overrides file in TOML.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use crate::definition::registry::overrides_file::document::{Member, Value};

/// Returns the members of a document in order, or every problem with its syntax.
pub(crate) fn members(text: &str) -> Result<Vec<Member>, Vec<String>> {
    let (table, mut errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        Ok(members_of(text, table.into_inner()))
    } else {
        errors.sort_by_key(|error| error.span().map(|span| span.start));
        Err(errors.iter().map(|error| message(text, error)).collect())
    }
}

fn members_of(text: &str, table: DeTable<'_>) -> Vec<Member> {
    let member = |(name, value): (Spanned<_>, Spanned<_>)| {
        let line = line(text, name.span().start);
        let name: Cow<'_, str> = name.into_inner();
        Member {
            name: name.into_owned(),
            line: Some(line),
            value: value_of(text, value.into_inner()),
        }
    };
    let mut members: Vec<_> = table.into_iter().map(member).collect();
    members.sort_by_key(|member| member.line);
    members
}

fn value_of(text: &str, value: DeValue<'_>) -> Value {
    match value {
        DeValue::String(string) => Value::Text(string.into_owned()),
        DeValue::Boolean(flag) => Value::Bool(flag),
        DeValue::Array(list) => {
            let values = list.into_iter();
            Value::List(
                values
                    .map(|value| value_of(text, value.into_inner()))
                    .collect(),
            )
        }
        DeValue::Table(table) => Value::Table(members_of(text, table)),
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

/// Returns the line of a byte, from 1.
fn line(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    before.filter(|byte| **byte == b'\n').count() + 1
}
