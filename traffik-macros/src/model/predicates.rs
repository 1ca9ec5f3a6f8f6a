//! `only_if` and `skip_if`: the requests that a throttle applies to.

use syn::{Expr, ExprUnary, Lit, Path, UnOp};

use super::expr;
use super::keys::Key;
use crate::diagnostics::{Errors, Result, error};

/// The predicates of a throttle, or of one use of throttles.
#[derive(Clone, Default)]
pub(crate) struct Predicates {
    pub(crate) only_if: Option<Path>,
    pub(crate) skip_if: Option<Path>,
}

impl Predicates {
    /// Fills predicates that were not written with the defaults.
    pub(crate) fn or(self, defaults: Self) -> Self {
        Self {
            only_if: self.only_if.or(defaults.only_if),
            skip_if: self.skip_if.or(defaults.skip_if),
        }
    }

    /// Reports one function as both predicates.
    pub(crate) fn check(&self, errors: &mut Errors) {
        if let (Some(only_if), Some(skip_if)) = (&self.only_if, &self.skip_if)
            && expr::text(only_if) == expr::text(skip_if)
        {
            errors.report(
                skip_if,
                "`only_if` and `skip_if` name the same function, so the throttle never applies; remove one of them",
            );
        }
    }

    /// Returns `true` if there is no predicate.
    pub(crate) fn is_empty(&self) -> bool {
        self.only_if.is_none() && self.skip_if.is_none()
    }
}

/// Reads `only_if = is_write`.
pub(crate) fn only_if(value: &Expr) -> Result<Path> {
    read(value, Key::OnlyIf, Key::SkipIf)
}

/// Reads `skip_if = is_internal`.
pub(crate) fn skip_if(value: &Expr) -> Result<Path> {
    read(value, Key::SkipIf, Key::OnlyIf)
}

fn read(value: &Expr, key: Key, opposite: Key) -> Result<Path> {
    if let Some(path) = expr::path(value) {
        return Ok(path.clone());
    }
    let (name, example) = (key.name(), key.example());
    let message = match expr::without_groups(value) {
        Expr::Closure(_) => {
            format!("`{name}` cannot be a closure; write the path of a `fn(&Parts) -> bool`")
        }
        Expr::Unary(ExprUnary {
            op: UnOp::Not(_),
            expr,
            ..
        }) => format!(
            "`!` is not allowed in `{name}`; write `{} = {}`",
            opposite.name(),
            expr::text(expr)
        ),
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => format!(
                "a predicate must not be quoted; write `{name} = {}`",
                text.value()
            ),
            Lit::Bool(_) => format!(
                "a predicate is a function of each request; remove `{name}`, or write `{example}`"
            ),
            _ => expected(name, example),
        },
        _ => match expr::call(value) {
            Some((function, _)) => format!(
                "name the function instead of calling it; write `{name} = {}`",
                expr::text(function)
            ),
            None => expected(name, example),
        },
    };
    Err(error(value, message))
}

fn expected(name: &str, example: &str) -> String {
    format!("`{name}` takes the path of a `fn(&Parts) -> bool`; write `{example}`")
}
