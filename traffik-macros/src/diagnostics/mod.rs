//! Errors of the macros: how they are collected, worded and reported.
//!
//! An error never stops the search for the next one. All errors are emitted together with the
//! user's own code and with stubs for the types that it would have defined, so that nothing else
//! appears broken.

mod errors;
mod wording;

pub(crate) use errors::{Errors, collect_all, combine, error};
pub(crate) use syn::{Error, Result};
pub(crate) use wording::{did_you_mean, misspelt, near, quoted_list, unknown};
