//! Closures over the handler's arguments: `|payload| payload.items.len()`.

use quote::ToTokens as _;
use syn::{Expr, ExprClosure, Ident, Pat};

use super::arguments::bound_names;
use super::expr;
use super::keys::Key;
use crate::diagnostics::{Error, Errors, Result, combine, error};

/// A closure whose parameters are arguments of the handler.
#[derive(Clone)]
pub(crate) struct Closure {
    pub(crate) key: Key,
    pub(crate) expr: ExprClosure,
}

impl Closure {
    /// Reads a closure. Returns `None` if the value is another expression, and an error if its
    /// parameters cannot be names of arguments.
    pub(crate) fn read(key: Key, value: &Expr) -> Option<Result<Self>> {
        let Expr::Closure(closure) = expr::without_groups(value) else {
            return None;
        };
        let problems = closure.inputs.iter().filter_map(check_parameter);
        let problems = problems.chain(check_modifiers(closure));
        Some(combine(problems).map_or_else(
            || {
                Ok(Self {
                    key,
                    expr: closure.clone(),
                })
            },
            Err,
        ))
    }

    /// Returns the names of its parameters.
    pub(crate) fn names(&self) -> Vec<Ident> {
        self.expr.inputs.iter().flat_map(bound_names).collect()
    }

    /// Reports that there is no handler whose arguments it could take.
    pub(crate) fn report_without_handler(&self, errors: &mut Errors) {
        let (output, key) = match self.key {
            Key::Cost => ("u64", "cost"),
            _ => ("Identity", "identifier"),
        };
        let message = format!(
            "a closure takes a handler's arguments, and there is no handler here; write the path of a `fn(&Parts) -> {output}`, or the `{key}` into the handler's `#[throttled(…)]`"
        );
        errors.report(&self.expr, message);
    }
}

/// Returns an error if a parameter cannot be a name. Patterns are compared with the handler's own
/// later.
fn check_parameter(param: &Pat) -> Option<Error> {
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

/// Returns an error if there is a `for<…>` or a `const` in front of a closure.
fn check_modifiers(closure: &ExprClosure) -> Option<Error> {
    let message = "a closure over arguments is written `|name| …` or `async |name| …`, without anything in front";
    if let Some(lifetimes) = &closure.lifetimes {
        return Some(error(lifetimes, message));
    }
    closure
        .constness
        .as_ref()
        .map(|word| error(word.to_token_stream(), message))
}
