//! Every mistake found so far.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::{ToTokens, TokenStreamExt as _};

use syn::{Error, Result};

/// The mistakes found so far. They are told in the order of the source.
#[derive(Default)]
pub(crate) struct Mistakes(Vec<Error>);

impl Mistakes {
    /// Notes a mistake.
    pub(crate) fn add(&mut self, error: Error) {
        self.0.push(error);
    }

    /// Notes a mistake at the tokens to change.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.add(error(tokens, message));
    }

    /// The value of a result; its error is noted.
    pub(crate) fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A mistake at the tokens to change.
pub(crate) fn error(tokens: impl ToTokens, message: impl Display) -> Error {
    Error::new_spanned(tokens, message)
}

/// All values, or all errors in one.
pub(crate) fn all<T>(results: impl IntoIterator<Item = Result<T>>) -> Result<Vec<T>> {
    let mut values = Vec::new();
    let mut errors = Vec::new();
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(error) => errors.push(error),
        }
    }
    joined(errors).map_or(Ok(values), Err)
}

/// Several errors as one.
pub(crate) fn joined(errors: impl IntoIterator<Item = Error>) -> Option<Error> {
    errors.into_iter().reduce(|mut all, next| {
        all.combine(next);
        all
    })
}

impl Extend<Error> for Mistakes {
    fn extend<T: IntoIterator<Item = Error>>(&mut self, errors: T) {
        self.0.extend(errors);
    }
}

impl ToTokens for Mistakes {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let mut errors: Vec<_> = self.0.iter().collect();
        errors.sort_by_key(|error| error.span().start());
        tokens.append_all(errors.into_iter().map(Error::to_compile_error));
    }
}
