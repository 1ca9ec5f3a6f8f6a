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
            "closures need a handler's arguments, and a block has no handler; write the path of a `fn(&Parts) -> {output}`, or move `{key}` to the handler's `#[throttled(…)]`"
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
                "closure parameters take their types from the handler's arguments; write `{name}`"
            );
            Some(error(typed, message))
        }
        Pat::Wild(wild) => Some(error(
            wild,
            "`_` is not an argument of the handler; remove it, and name only the arguments that the closure uses",
        )),
        Pat::Reference(reference) => {
            let name = expr::text(&reference.pat);
            let message = format!("a closure takes arguments by reference; write `{name}`");
            Some(error(reference, message))
        }
        Pat::Ident(name) if name.mutability.is_some() || name.by_ref.is_some() => {
            let message = format!(
                "a closure takes arguments by reference; write `{}`",
                name.ident
            );
            Some(error(name, message))
        }
        _ => None,
    }
}

/// Returns an error if there is a `for<…>` or a `const` before a closure.
fn check_modifiers(closure: &ExprClosure) -> Option<Error> {
    let message = "a closure over arguments cannot have `for<…>` or `const`; remove it";
    if let Some(lifetimes) = &closure.lifetimes {
        return Some(error(lifetimes, message));
    }
    closure
        .constness
        .as_ref()
        .map(|word| error(word.to_token_stream(), message))
}
