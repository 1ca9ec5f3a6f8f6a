//! `rate`: a string, a list of strings, or a path.

use quote::ToTokens as _;
use syn::{Expr, ExprLit, Lit, LitStr, Path};
use traffik_runtime::rate::Rate;

use super::expr;
use crate::diagnostics::{Error, Result, collect_all, error};

/// The rates of a throttle.
#[derive(Clone)]
pub(crate) enum Rates {
    /// Literals, each with its text.
    Constant(Vec<(Rate, LitStr)>),
    /// The path of a constant or of a function.
    Path(Path),
}

impl Rates {
    /// Reads the value of `rate`.
    pub(crate) fn read(value: &Expr) -> Result<Self> {
        match expr::without_groups(value) {
            Expr::Array(list) if list.elems.is_empty() => Err(error(
                list,
                "the list of rates is empty; write `[\"10/second\", \"1000/hour\"]`",
            )),
            Expr::Array(list) => {
                collect_all(list.elems.iter().map(list_element)).map(Self::Constant)
            }
            value => match expr::path(value) {
                Some(path) => Ok(Self::Path(path.clone())),
                None => single(value).map(|rate| Self::Constant(vec![rate])),
            },
        }
    }

    /// Returns the literal at an index.
    pub(crate) fn text(&self, index: usize) -> Option<&LitStr> {
        match self {
            Self::Constant(rates) => rates.get(index).map(|(_, text)| text),
            Self::Path(_) => None,
        }
    }

    /// Returns the rates that are literals.
    pub(crate) fn constants(&self) -> Vec<Rate> {
        match self {
            Self::Constant(rates) => rates.iter().map(|(rate, _)| *rate).collect(),
            Self::Path(_) => Vec::new(),
        }
    }
}

fn list_element(value: &Expr) -> Result<(Rate, LitStr)> {
    match expr::path(value) {
        Some(path) => Err(error(
            path,
            "a list contains quoted rates only, such as `\"10/second\"`; write a path without a list",
        )),
        None => single(value),
    }
}

fn single(value: &Expr) -> Result<(Rate, LitStr)> {
    let text = expr::string(value).ok_or_else(|| not_a_rate(value))?;
    match text.value().parse() {
        Ok(rate) => Ok((rate, text.clone())),
        Err(problem) => Err(error(text, problem)),
    }
}

fn not_a_rate(value: &Expr) -> Error {
    let written = expr::text(value);
    let message = match expr::without_groups(value) {
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) => {
            let limit = number.base10_digits();
            format!("a rate is a limit per period; write `\"{limit}/minute\"`")
        }
        Expr::Binary(_) => {
            let unquoted = written.replace('"', "");
            format!("a rate must be quoted; write `\"{unquoted}\"`")
        }
        Expr::Closure(_) => {
            "a rate cannot be a closure; write the path of a `fn(&Parts) -> Rate`".to_owned()
        }
        Expr::Call(_) | Expr::MethodCall(_) => call_message(value, &written),
        Expr::Tuple(list) => {
            let rates: Vec<_> = list.elems.iter().map(expr::text).collect();
            format!(
                "several rates need a list; write `rate = [{}]`",
                rates.join(", ")
            )
        }
        _ => "a rate is a string such as `\"100/minute\"`, a list of such strings, or a path"
            .to_owned(),
    };
    error(value, message)
}

/// Returns the message about a call.
fn call_message(value: &Expr, written: &str) -> String {
    match expr::call(value) {
        Some((function, _)) if !expr::is_associated(function) => {
            let name = function.segments.last().map(|last| &last.ident);
            let name = name.to_token_stream();
            let function = expr::text(function);
            format!(
                "name the function instead of calling it; write `rate = {function}` for a `fn {name}(parts: &Parts) -> Rate`"
            )
        }
        _ => format!(
            "a rate is a string or a path; write `rate = LIMIT` and `const LIMIT: Rate = {written};`"
        ),
    }
}
