//! `rate`: a string, a list of strings, or a path.

use quote::ToTokens as _;
use syn::{Expr, ExprLit, Lit, LitStr, Path};
use traffik_runtime::rate::Rate;

use super::expr;
use crate::diagnostics::{Error, Result, all, error};

/// How much in how long.
#[derive(Clone)]
pub(crate) enum Rates {
    /// Known while compiling, with the text of each.
    Fixed(Vec<(Rate, LitStr)>),
    /// A constant's or a function's.
    Open(Path),
}

impl Rates {
    pub(crate) fn read(value: &Expr) -> Result<Self> {
        match expr::bare(value) {
            Expr::Array(list) if list.elems.is_empty() => Err(error(
                list,
                "an empty list limits nothing; write `[\"10/second\", \"1000/hour\"]`",
            )),
            Expr::Array(list) => all(list.elems.iter().map(listed)).map(Self::Fixed),
            value => match expr::path(value) {
                Some(path) => Ok(Self::Open(path.clone())),
                None => one(value).map(|rate| Self::Fixed(vec![rate])),
            },
        }
    }

    /// The tokens of the one at a place.
    pub(crate) fn text(&self, place: usize) -> Option<&LitStr> {
        match self {
            Self::Fixed(rates) => rates.get(place).map(|(_, text)| text),
            Self::Open(_) => None,
        }
    }

    /// Those known while compiling.
    pub(crate) fn fixed(&self) -> Vec<Rate> {
        match self {
            Self::Fixed(rates) => rates.iter().map(|(rate, _)| *rate).collect(),
            Self::Open(_) => Vec::new(),
        }
    }
}

fn listed(value: &Expr) -> Result<(Rate, LitStr)> {
    match expr::path(value) {
        Some(path) => Err(error(
            path,
            "a list holds rates in quotes, such as `\"10/second\"`; a path stands alone",
        )),
        None => one(value),
    }
}

fn one(value: &Expr) -> Result<(Rate, LitStr)> {
    let text = expr::string(value).ok_or_else(|| no_rate(value))?;
    match text.value().parse() {
        Ok(rate) => Ok((rate, text.clone())),
        Err(problem) => Err(error(text, problem)),
    }
}

fn no_rate(value: &Expr) -> Error {
    let written = expr::text(value);
    let message = match expr::bare(value) {
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) => {
            let limit = number.base10_digits();
            format!("a rate is how much in how long; write `\"{limit}/minute\"`")
        }
        Expr::Binary(_) => {
            let unquoted = written.replace('"', "");
            format!("a rate stands in quotes; write `\"{unquoted}\"`")
        }
        Expr::Closure(_) => {
            "a rate takes no closure; write the path of a `fn(&Parts) -> Rate`".to_owned()
        }
        Expr::Call(_) | Expr::MethodCall(_) => called(value, &written),
        Expr::Tuple(list) => {
            let rates: Vec<_> = list.elems.iter().map(expr::text).collect();
            format!(
                "several rates are a list; write `rate = [{}]`",
                rates.join(", ")
            )
        }
        _ => "a rate is text such as `\"100/minute\"`, a list of them, or a path".to_owned(),
    };
    error(value, message)
}

/// Returns the text to write instead of a call.
fn called(value: &Expr, written: &str) -> String {
    match expr::call(value) {
        Some((function, _)) if !expr::is_associated(function) => {
            let name = function.segments.last().map(|last| &last.ident);
            let name = name.to_token_stream();
            let function = expr::text(function);
            format!(
                "the function is named, not called; write `rate = {function}` for a `fn {name}(parts: &Parts) -> Rate`"
            )
        }
        _ => format!(
            "a rate is text or a path; write `rate = LIMIT` and `const LIMIT: Rate = {written};`"
        ),
    }
}
