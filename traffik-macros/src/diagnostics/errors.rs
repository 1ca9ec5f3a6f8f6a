//! Collects errors, so that one compilation reports all of them.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::{ToTokens, TokenStreamExt as _};
use syn::{Error, Result};

/// The errors of one macro call, emitted in the order of the source.
#[derive(Default)]
pub(crate) struct Errors(Vec<Error>);

impl Errors {
    /// Adds an error.
    pub(crate) fn push(&mut self, error: Error) {
        self.0.push(error);
    }

    /// Adds an error at the tokens to change.
    pub(crate) fn report(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.push(error(tokens, message));
    }

    /// Returns the value of a result, or adds its error.
    pub(crate) fn handle<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// Returns `true` if there are no errors.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Creates an error at the tokens to change.
pub(crate) fn error(tokens: impl ToTokens, message: impl Display) -> Error {
    Error::new_spanned(tokens, message)
}

/// Collects all values, or combines all errors into one.
pub(crate) fn collect_all<T>(results: impl IntoIterator<Item = Result<T>>) -> Result<Vec<T>> {
    let mut values = Vec::new();
    let mut errors = Vec::new();
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(error) => errors.push(error),
        }
    }
    combine(errors).map_or(Ok(values), Err)
}

/// Combines several errors into one.
pub(crate) fn combine(errors: impl IntoIterator<Item = Error>) -> Option<Error> {
    errors.into_iter().reduce(|mut combined, next| {
        combined.combine(next);
        combined
    })
}

impl Extend<Error> for Errors {
    fn extend<T: IntoIterator<Item = Error>>(&mut self, errors: T) {
        self.0.extend(errors);
    }
}

impl ToTokens for Errors {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let mut errors: Vec<_> = self.0.iter().collect();
        errors.sort_by_key(|error| error.span().start());
        tokens.append_all(errors.into_iter().map(Error::to_compile_error));
    }
}
