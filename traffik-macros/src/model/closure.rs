//! Closures over the handler's arguments: `|payload| payload.items.len()`.

use quote::ToTokens as _;
use syn::{Expr, ExprClosure, Ident, Pat};

use super::arguments::names;
use super::expr;
use super::keys::Key;
use crate::diagnostics::{Error, Mistakes, Result, error, joined};

/// A closure whose parameters are arguments of the handler.
#[derive(Clone)]
pub(crate) struct Closure {
    pub(crate) key: Key,
    pub(crate) written: ExprClosure,
}

impl Closure {
    /// The closure, if it is one whose parameters can be names.
    pub(crate) fn read(key: Key, value: &Expr) -> Option<Result<Self>> {
        let Expr::Closure(written) = expr::bare(value) else {
            return None;
        };
        let wrong = written.inputs.iter().filter_map(no_name);
        let wrong = wrong.chain(no_closure(written));
        Some(joined(wrong).map_or_else(
            || {
                Ok(Self {
                    key,
                    written: written.clone(),
                })
            },
            Err,
        ))
    }

    /// The names that it takes.
    pub(crate) fn names(&self) -> Vec<Ident> {
        self.written.inputs.iter().flat_map(names).collect()
    }

    /// Notes that there is no handler whose arguments it could take.
    pub(crate) fn without_handler(&self, mistakes: &mut Mistakes) {
        let (gives, key) = match self.key {
            Key::Cost => ("u64", "cost"),
            _ => ("Identity", "identifier"),
        };
        let message = format!(
            "a closure takes a handler's arguments, and there is no handler here; write the path of a `fn(&Parts) -> {gives}`, or the `{key}` into the handler's `#[throttled(…)]`"
        );
        mistakes.at(&self.written, message);
    }
}

/// What keeps a parameter from being a name. Patterns are compared with the handler's own later.
fn no_name(param: &Pat) -> Option<Error> {
    match param {
        Pat::Type(typed) => {
            let name = expr::text(&typed.pat);
            let message = format!(
                "a closure takes names of the handler's arguments, whose types are known; write `{name}`"
            );
            Some(error(typed, message))
        }
        Pat::Wild(wild) => Some(error(
            wild,
            "`_` is no argument of the handler; leave it out, and name those that are needed",
        )),
        Pat::Reference(reference) => {
            let name = expr::text(&reference.pat);
            let message = format!("arguments are lent to a closure as references; write `{name}`");
            Some(error(reference, message))
        }
        Pat::Ident(name) if name.mutability.is_some() || name.by_ref.is_some() => {
            let message = format!(
                "arguments are lent to a closure as references; write `{}`",
                name.ident
            );
            Some(error(name, message))
        }
        _ => None,
    }
}

fn no_closure(closure: &ExprClosure) -> Option<Error> {
    let message = "a closure over arguments is written `|name| …` or `async |name| …`, without anything in front";
    if let Some(lifetimes) = &closure.lifetimes {
        return Some(error(lifetimes, message));
    }
    closure
        .constness
        .as_ref()
        .map(|word| error(word.to_token_stream(), message))
}
