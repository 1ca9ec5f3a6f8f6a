//! `ip(trusted = ["10.0.0.0/8"], header = forwarded, prefix = 64)`: clients behind proxies.

use quote::ToTokens as _;
use syn::{Expr, ExprAssign, ExprCall, Ident, LitInt, LitStr};
use traffik_runtime::client_ip::{ForwardingError, ForwardingHeader, Ipv6Prefix, TrustedRange};

use super::expr;
use crate::diagnostics::{Error, Result, collect_all, error, unknown};

/// The options for finding the client's address. The rest is the runtime's default.
#[derive(Clone, Default)]
pub(crate) struct IpOptions {
    pub(crate) trusted: Vec<LitStr>,
    pub(crate) header: Option<ForwardingHeader>,
    pub(crate) prefix: Option<u8>,
}

const PARAMETERS: [&str; 3] = ["trusted", "header", "prefix"];

impl IpOptions {
    /// Reads the parameters. Returns all errors.
    pub(super) fn read(call: &ExprCall) -> Result<Self> {
        let parameters = collect_all(call.args.iter().map(parameter))?;
        let mut options = Self::default();
        let mut written: Vec<&Ident> = Vec::new();
        let results = parameters.iter().map(|(name, value)| {
            if written.contains(name) {
                let message = format!("`{name}` is written twice; remove one of them");
                return Err(error(name, message));
            }
            written.push(name);
            options.set(name, value)
        });
        collect_all(results)?;
        let has_trusted = written.iter().any(|name| *name == "trusted");
        match written.iter().find(|name| **name == "header") {
            Some(header) if !has_trusted => Err(error(
                header,
                "`header` is read from trusted proxies only; add `trusted = [\"10.0.0.0/8\"]`",
            )),
            _ => Ok(options),
        }
    }

    fn set(&mut self, name: &Ident, value: &Expr) -> Result<()> {
        match name.to_string().as_str() {
            "trusted" => self.trusted = ranges(value)?,
            "header" => self.header = Some(header(value)?),
            _ => self.prefix = Some(prefix(value)?),
        }
        Ok(())
    }
}

/// Splits a parameter, `prefix = 56`, into its name and value.
fn parameter(value: &Expr) -> Result<(&Ident, &Expr)> {
    let Expr::Assign(ExprAssign { left, right, .. }) = value else {
        let written = expr::text(value);
        let message = format!(
            "parameters need names; write `ip({} = {written})`",
            probable_name(value)
        );
        return Err(error(value, message));
    };
    match expr::ident(left) {
        Some(name) if PARAMETERS.iter().any(|it| name == it) => Ok((name, right)),
        _ => {
            let name = expr::text(left);
            Err(error(left, unknown("parameter", &name, &PARAMETERS)))
        }
    }
}

/// Returns the parameter that a value without a name was probably meant for.
fn probable_name(value: &Expr) -> &'static str {
    match expr::without_groups(value) {
        path @ Expr::Path(_) => {
            let word = expr::ident(path);
            let is_name = |name: &&&'static str| word.is_some_and(|word| word == **name);
            PARAMETERS.iter().find(is_name).copied().unwrap_or("header")
        }
        _ if expr::integer(value).is_some() => "prefix",
        _ => "trusted",
    }
}

fn ranges(value: &Expr) -> Result<Vec<LitStr>> {
    let Expr::Array(list) = expr::without_groups(value) else {
        let message = match expr::string(value) {
            Some(text) => format!("`trusted` is a list; write `trusted = [{}]`", text.token()),
            None => "`trusted` is a list of strings, such as `[\"10.0.0.0/8\"]`; ranges that are known only at run time belong to the \
                     backend: `Backend::trusted_proxies`"
                .to_owned(),
        };
        return Err(error(value, message));
    };
    if list.elems.is_empty() {
        let message = "`trusted` is empty; remove it, or write `trusted = [\"10.0.0.0/8\"]`";
        return Err(error(value, message));
    }
    collect_all(list.elems.iter().map(range))
}

fn range(value: &Expr) -> Result<LitStr> {
    let Some(text) = expr::string(value) else {
        let message = "a trusted proxy is a quoted address or range, such as `\"10.0.0.0/8\"`";
        return Err(error(value, message));
    };
    match text.value().parse::<TrustedRange>() {
        Ok(_) => Ok(text.clone()),
        Err(problem) => Err(error(text, problem.to_string())),
    }
}

fn header(value: &Expr) -> Result<ForwardingHeader> {
    let word = match (expr::string(value), expr::ident(value)) {
        (Some(text), _) => text.value(),
        (None, Some(word)) => word.to_string(),
        (None, None) => {
            let words = ForwardingHeader::WORDS.join("`, `");
            return Err(error(value, format!("`header` must be one of `{words}`")));
        }
    };
    word.parse()
        .map_err(|problem: ForwardingError| error(value, problem.to_string()))
}

fn prefix(value: &Expr) -> Result<u8> {
    let Some(number) = expr::integer(value) else {
        return Err(not_a_prefix(value));
    };
    bits(number)
}

fn bits(number: &LitInt) -> Result<u8> {
    let bits = number.base10_parse::<u128>().unwrap_or(u128::MAX);
    match Ipv6Prefix::new(bits) {
        Ok(prefix) => Ok(prefix.bits()),
        Err(problem) => Err(error(number, problem.to_string())),
    }
}

fn not_a_prefix(value: &Expr) -> Error {
    let text = value.to_token_stream();
    error(
        value,
        format!("`{text}` is not a number of bits; write one from 1 to 128, such as `prefix = 64`"),
    )
}
