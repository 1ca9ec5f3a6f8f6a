//! `timeout`, `min_wait`, `spread`, and all other durations.

use std::time::Duration;

use syn::Expr;
use traffik_runtime::rate::parse_duration;

use super::expr;
use super::keys::Key;
use crate::diagnostics::{Errors, Result, error};

/// Reads `timeout = "100ms"`.
pub(crate) fn read(value: &Expr) -> Result<Duration> {
    let timeout = duration(value, Key::Timeout.example())?;
    if timeout.is_zero() {
        let message = "a timeout of zero leaves no time to decide; write `timeout = \"100ms\"`, or remove it to use the backend's";
        return Err(error(value, message));
    }
    Ok(timeout)
}

/// Reads `min_wait = "500ms"`.
pub(crate) fn min_wait(value: &Expr) -> Result<Duration> {
    duration(value, Key::MinWait.example())
}

/// Reads `spread = "5s"`.
pub(crate) fn spread(value: &Expr) -> Result<Duration> {
    duration(value, Key::Spread.example())
}

/// Reports a `min_wait` or `spread` of zero unless it overrides another one.
pub(crate) fn refuse_zero(value: Option<&Expr>, key: Key, is_override: bool, errors: &mut Errors) {
    let Some(value) = value else {
        return;
    };
    let example = key.example();
    if !is_override && duration(value, example).is_ok_and(|duration| duration.is_zero()) {
        let name = key.name();
        let message = format!("`{name}` of zero has no effect; remove it, or write `{example}`");
        errors.report(value, message);
    }
}

/// Reads a duration in quotes. The example goes into messages.
pub(crate) fn duration(value: &Expr, example: &str) -> Result<Duration> {
    let text = expr::string(value).ok_or_else(|| {
        error(
            value,
            format!("a duration must be quoted; write `{example}`"),
        )
    })?;
    parse_duration(&text.value()).map_err(|problem| error(text, problem))
}
