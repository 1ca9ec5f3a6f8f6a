//! `timeout`, `min_wait`, `spread`, and durations everywhere else.

use std::time::Duration;

use syn::Expr;
use traffik_runtime::rate::parse_duration;

use super::keys::Key;
use super::shape;
use crate::diagnostics::{Result, error};

/// `timeout = "100ms"`.
pub(crate) fn read(value: &Expr) -> Result<Duration> {
    let timeout = duration(value, Key::Timeout.example())?;
    if timeout.is_zero() {
        let message = "a timeout of nothing leaves no time to decide; write `timeout = \"100ms\"`, or leave it out for 250 ms";
        return Err(error(value, message));
    }
    Ok(timeout)
}

/// `min_wait = "500ms"`.
pub(crate) fn min_wait(value: &Expr) -> Result<Duration> {
    something(value, Key::MinWait)
}

/// `spread = "5s"`.
pub(crate) fn spread(value: &Expr) -> Result<Duration> {
    something(value, Key::Spread)
}

/// A duration that is not zero, which would change nothing.
fn something(value: &Expr, key: Key) -> Result<Duration> {
    let duration = duration(value, key.example())?;
    if duration.is_zero() {
        let (name, example) = (key.name(), key.example());
        let message =
            format!("`{name}` of nothing changes nothing; leave it out, or write `{example}`");
        return Err(error(value, message));
    }
    Ok(duration)
}

/// A duration in quotes; the example says how it is written.
pub(crate) fn duration(value: &Expr, example: &str) -> Result<Duration> {
    let text = shape::string(value).ok_or_else(|| {
        error(
            value,
            format!("a duration stands in quotes; write `{example}`"),
        )
    })?;
    parse_duration(&text.value()).map_err(|problem| error(text, problem))
}
