//! The panic of a check whose operation failed.

use crate::error::Error;

/// Returns the value of an operation that has to succeed.
#[track_caller]
pub(super) fn done<T>(operation: &str, result: Result<T, Error>) -> T {
    result.unwrap_or_else(|error| panic!("{operation} failed: {error}"))
}
