//! `cost`: a number, the path of a function, or a closure.

use syn::{Expr, ExprLit, Lit, Path, UnOp};
use traffik_runtime::strategy::catalog::{self, Severity};

use super::keys::Key;
use super::{Closure, SpannedWarning, expr};
use crate::diagnostics::{Result, error};

/// The number of units that one request takes.
#[derive(Clone)]
pub(crate) enum Cost {
    /// A constant, with its tokens.
    Units(u64, Expr),
    /// A function of the request's parts.
    Function(Path),
    /// A closure over the handler's arguments.
    Closure(Box<Closure>),
}

impl Cost {
    /// Reads the value of `cost`.
    pub(crate) fn read(value: &Expr) -> Result<Self> {
        if let Some(path) = expr::path(value) {
            return Ok(Self::Function(path.clone()));
        }
        if let Some(closure) = Closure::read(Key::Cost, value) {
            return closure.map(Box::new).map(Self::Closure);
        }
        let Some(number) = expr::integer(value) else {
            return Err(error(value, unexpected(value)));
        };
        match number.base10_parse() {
            Ok(units) => Ok(Self::Units(units, value.clone())),
            Err(_) => Err(error(number, format!("a cost can be at most {}", u64::MAX))),
        }
    }

    /// Returns the number, if it is constant.
    pub(crate) fn units(&self) -> Option<u64> {
        match self {
            Self::Units(units, _) => Some(*units),
            Self::Function(_) | Self::Closure(_) => None,
        }
    }

    /// Returns the warning about the cost itself.
    pub(crate) fn warning(&self) -> Option<SpannedWarning> {
        let Self::Units(units, tokens) = self else {
            return None;
        };
        let problem = catalog::check(None, &[], Some(*units)).pop()?;
        match problem.severity {
            Severity::Warning(warning) => {
                Some(SpannedWarning::new(tokens, warning, problem.message))
            }
            Severity::Error => None,
        }
    }
}

fn unexpected(value: &Expr) -> String {
    if let Some(text) = expr::string(value) {
        return format!("a cost must not be quoted; write `cost = {}`", text.value());
    }
    if let Some((function, _)) = expr::call(value) {
        return format!(
            "name the function instead of calling it; write `cost = {}`",
            expr::text(function)
        );
    }
    match expr::without_groups(value) {
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) => {
            let digits = number.base10_digits();
            return format!("a cost has no type suffix; write `cost = {digits}`");
        }
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => "a cost cannot be negative; write a whole number such as `cost = 5`",
        _ => "a cost is a whole number, the path of a `fn(&Parts) -> u64`, or a closure over the handler's arguments",
    }
    .to_owned()
}
