//! Parameters of a keyword: `retry(max_retries = 3, on = [timeout])`.

use syn::ext::IdentExt as _;
use syn::{Expr, ExprAssign, ExprCall};

use super::expr;
use crate::diagnostics::{Error, Result, combine, error, unknown};

/// The name of a parameter and an example.
pub(crate) type Param = (&'static str, &'static str);

/// The parameters of a keyword, with the errors so far.
pub(crate) struct Params<'a> {
    keyword: &'static str,
    call: &'a ExprCall,
    written: Vec<(&'static str, &'a Expr)>,
    errors: Vec<Error>,
}

impl<'a> Params<'a> {
    /// Collects the parameters of a call. Reports those that are not among the allowed ones.
    pub(crate) fn new(keyword: &'static str, call: &'a ExprCall, allowed: &[Param]) -> Self {
        let mut params = Self {
            keyword,
            call,
            written: Vec::new(),
            errors: Vec::new(),
        };
        for value in &call.args {
            match params.parse(value, allowed) {
                Ok(param) => params.written.push(param),
                Err(error) => params.errors.push(error),
            }
        }
        params
    }

    /// Reads a parameter, if it was written.
    pub(crate) fn read<T>(
        &mut self,
        name: &str,
        reader: impl FnOnce(&'a Expr) -> Result<T>,
    ) -> Option<T> {
        let (_, value) = self.written.iter().find(|(written, _)| *written == name)?;
        let result = reader(value);
        result.map_err(|error| self.errors.push(error)).ok()
    }

    /// Returns the value of a parameter as it was written.
    pub(crate) fn value(&self, name: &str) -> Option<&'a Expr> {
        let mut written = self.written.iter();
        let found = written.find(|(written, _)| *written == name);
        found.map(|(_, value)| *value)
    }

    /// Reads a required parameter.
    pub(crate) fn require<T>(
        &mut self,
        (name, example): Param,
        reader: impl FnOnce(&'a Expr) -> Result<T>,
    ) -> Option<T> {
        if self.value(name).is_none() && self.errors.is_empty() {
            let keyword = self.keyword;
            let message = format!("`{keyword}` needs `{name}`; write `{keyword}({example})`");
            self.errors.push(error(&self.call.func, message));
        }
        self.read(name, reader)
    }

    /// Returns the value made of the parameters, or all errors.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T> {
        match (combine(self.errors), value) {
            (None, Some(value)) => Ok(value),
            (Some(error), _) => Err(error),
            (None, None) => Err(error(
                self.call,
                format!("`{}` is incomplete", self.keyword),
            )),
        }
    }

    fn parse(&self, written: &'a Expr, allowed: &[Param]) -> Result<(&'static str, &'a Expr)> {
        let keyword = self.keyword;
        let (name, value) = match written {
            Expr::Assign(ExprAssign { left, right, .. }) => (expr::ident(left), &**right),
            // `breaker(…)`, and a flag.
            value => match expr::call(value) {
                Some((path, _)) => (path.get_ident(), value),
                None => (expr::ident(value), value),
            },
        };
        let first = allowed.first().map_or("", |(_, example)| *example);
        let Some(name) = name else {
            let message = format!("parameters need names; write `{keyword}({first})`");
            return Err(error(value, message));
        };
        let text = name.unraw().to_string();
        let Some((param, example)) = allowed.iter().find(|(param, _)| *param == text) else {
            let names: Vec<_> = allowed.iter().map(|(param, _)| *param).collect();
            return Err(error(name, unknown("parameter", &text, &names)));
        };
        if expr::ident(value).is_some()
            && example.contains('=')
            && !matches!(written, Expr::Assign(_))
        {
            let message = format!("`{text}` needs a value; write `{example}`");
            return Err(error(name, message));
        }
        if self.value(param).is_some() {
            let message = format!("`{text}` is written twice; remove one of them");
            return Err(error(name, message));
        }
        Ok((param, value))
    }
}

/// Reads a whole number of at least `min`.
pub(crate) fn number(value: &Expr, (name, example): Param, min: u32) -> Result<u32> {
    let Some(number) = expr::integer(value) else {
        let message = format!("`{name}` must be a whole number; write `{example}`");
        return Err(error(value, message));
    };
    match number.base10_parse::<u32>() {
        Ok(units) if units >= min => Ok(units),
        Ok(_) => Err(error(number, format!("`{name}` must be at least {min}"))),
        Err(_) => Err(error(
            number,
            format!("`{name}` can be at most {}", u32::MAX),
        )),
    }
}
