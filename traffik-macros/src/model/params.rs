//! What stands between the parentheses of a word: `retry(max_retries = 3, on = [timeout])`.

use syn::ext::IdentExt as _;
use syn::{Expr, ExprAssign, ExprCall};

use super::expr;
use crate::diagnostics::{Error, Result, error, joined, unknown};

/// A parameter, and how it is written.
pub(crate) type Param = (&'static str, &'static str);

/// The parameters of a word.
pub(crate) struct Params<'a> {
    word: &'static str,
    call: &'a ExprCall,
    written: Vec<(&'static str, &'a Expr)>,
    errors: Vec<Error>,
}

impl<'a> Params<'a> {
    /// Sorts what was written by these names; what has none of them is noted.
    pub(crate) fn of(word: &'static str, call: &'a ExprCall, known: &[Param]) -> Self {
        let mut params = Self {
            word,
            call,
            written: Vec::new(),
            errors: Vec::new(),
        };
        for value in &call.args {
            let named = params.named(value, known);
            match named {
                Ok(written) => params.written.push(written),
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
        let read = reader(value);
        read.map_err(|error| self.errors.push(error)).ok()
    }

    /// The value of a parameter, as it was written.
    pub(crate) fn value(&self, name: &str) -> Option<&'a Expr> {
        let mut written = self.written.iter();
        let found = written.find(|(written, _)| *written == name);
        found.map(|(_, value)| *value)
    }

    /// Reads a parameter that has to be there.
    pub(crate) fn need<T>(
        &mut self,
        (name, example): Param,
        reader: impl FnOnce(&'a Expr) -> Result<T>,
    ) -> Option<T> {
        if self.value(name).is_none() && self.errors.is_empty() {
            let word = self.word;
            let message = format!("`{word}` needs `{name}`; write `{word}({example})`");
            self.errors.push(error(&self.call.func, message));
        }
        self.read(name, reader)
    }

    /// What was made of them, if nothing is wrong.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T> {
        match (joined(self.errors), value) {
            (None, Some(value)) => Ok(value),
            (Some(error), _) => Err(error),
            (None, None) => Err(error(self.call, format!("`{}` is incomplete", self.word))),
        }
    }

    fn named(&self, written: &'a Expr, known: &[Param]) -> Result<(&'static str, &'a Expr)> {
        let word = self.word;
        let (name, value) = match written {
            Expr::Assign(ExprAssign { left, right, .. }) => (expr::word(left), &**right),
            // `breaker(…)`, and a word that says all.
            value => match expr::call(value) {
                Some((path, _)) => (path.get_ident(), value),
                None => (expr::word(value), value),
            },
        };
        let first = known.first().map_or("", |(_, example)| *example);
        let Some(name) = name else {
            let message = format!("parameters have names; write `{word}({first})`");
            return Err(error(value, message));
        };
        let text = name.unraw().to_string();
        let Some((known, example)) = known.iter().find(|(known, _)| *known == text) else {
            let names: Vec<_> = known.iter().map(|(known, _)| *known).collect();
            return Err(error(name, unknown("parameter", &text, &names)));
        };
        if expr::word(value).is_some()
            && example.contains('=')
            && !matches!(written, Expr::Assign(_))
        {
            let message = format!("`{text}` needs a value; write `{example}`");
            return Err(error(name, message));
        }
        if self.value(known).is_some() {
            let message = format!("`{text}` is written twice; keep one of them");
            return Err(error(name, message));
        }
        Ok((known, value))
    }
}

/// A whole number of at least this.
pub(crate) fn number(value: &Expr, (name, example): Param, least: u32) -> Result<u32> {
    let Some(number) = expr::integer(value) else {
        let message = format!("`{name}` is a whole number; write `{example}`");
        return Err(error(value, message));
    };
    match number.base10_parse::<u32>() {
        Ok(units) if units >= least => Ok(units),
        Ok(_) => Err(error(number, format!("`{name}` is at least {least}"))),
        Err(_) => Err(error(number, format!("`{name}` is at most {}", u32::MAX))),
    }
}
