//! Keys that are spoken already and work later. What is written behind them is checked all the same.

use syn::{Expr, Ident};

use super::keys::Key;
use super::shape;
use crate::diagnostics::{Mistakes, Result, error};
use crate::parse::Pair;

/// `on_throttled`: the user's own answer.
pub(crate) fn on_throttled(pair: Option<Pair>, mistakes: &mut Mistakes) {
    later(
        pair,
        Key::OnThrottled,
        "a refused client gets the 429 of traffik until it is",
        mistakes,
        |value| path(value, Key::OnThrottled),
    );
}

/// `shadow`: refuse nobody.
pub(crate) fn shadow(word: Option<Ident>, mistakes: &mut Mistakes) {
    if let Some(word) = word {
        mistakes.at(
            &word,
            unavailable(Key::Shadow, "every throttle refuses until it is"),
        );
    }
}

fn later(
    pair: Option<Pair>,
    key: Key,
    until: &str,
    mistakes: &mut Mistakes,
    check: impl FnOnce(&Expr) -> Result<()>,
) {
    if let Some(Pair { key: word, value }) = pair {
        match check(&value) {
            Ok(()) => mistakes.at(word, unavailable(key, until)),
            Err(error) => mistakes.add(error),
        }
    }
}

fn unavailable(key: Key, until: &str) -> String {
    format!(
        "`{}` is not available yet; leave it out, {until}",
        key.name()
    )
}

fn path(value: &Expr, key: Key) -> Result<()> {
    match shape::path(value) {
        Some(_) => Ok(()),
        None => Err(error(
            value,
            format!(
                "`{}` takes the path of a function; write `{}`",
                key.name(),
                key.example()
            ),
        )),
    }
}
