//! `cost`: a number, or the path of a function.

use syn::{Expr, Path};
use traffik_runtime::strategy::catalog::{self, Severity};

use super::{Doubt, shape};
use crate::diagnostics::{Result, error};

/// How many units one request takes.
#[derive(Clone)]
pub(crate) enum Cost {
    /// Always the same; with the tokens that say so.
    Units(u64, Expr),
    /// What a function of the request's parts says.
    Function(Path),
}

impl Cost {
    pub(crate) fn read(value: &Expr) -> Result<Self> {
        if let Some(path) = shape::path(value) {
            return Ok(Self::Function(path.clone()));
        }
        let Some(number) = shape::integer(value) else {
            return Err(error(value, other(value)));
        };
        match number.base10_parse() {
            Ok(units) => Ok(Self::Units(units, value.clone())),
            Err(_) => Err(error(number, format!("a cost is at most {}", u64::MAX))),
        }
    }

    /// The number, where it is always the same.
    pub(crate) fn units(&self) -> Option<u64> {
        match self {
            Self::Units(units, _) => Some(*units),
            Self::Function(_) => None,
        }
    }

    /// What is doubtful about it by itself.
    pub(crate) fn doubt(&self) -> Option<Doubt> {
        let Self::Units(units, written) = self else {
            return None;
        };
        let problem = catalog::check(None, &[], Some(*units)).pop()?;
        match problem.severity {
            Severity::Warning(warning) => Some(Doubt::at(written, warning, problem.message)),
            Severity::Error => None,
        }
    }
}

fn other(value: &Expr) -> String {
    if let Some(text) = shape::string(value) {
        return format!(
            "a cost stands without quotes; write `cost = {}`",
            text.value()
        );
    }
    if let Some((function, _)) = shape::call(value) {
        return format!(
            "the function is named, not called; write `cost = {}`",
            shape::text(function)
        );
    }
    match shape::bare(value) {
        Expr::Closure(_) => {
            "closures are not available yet; write the path of a `fn(&Parts) -> u64`"
        }
        Expr::Unary(_) => "a cost is never negative; write a whole number such as `cost = 5`",
        _ => "a cost is a whole number, or the path of a `fn(&Parts) -> u64`",
    }
    .to_owned()
}
