//! Mistakes: how they are collected, worded and reported.
//!
//! Finding a mistake never stops the search for the next one. Once all are known, the errors are emitted together with
//! what the user wrote and with stand-ins for the types it would have made, so that nothing else seems broken.

mod errors;
mod wording;

pub(crate) use errors::{Mistakes, all, error, joined};
pub(crate) use syn::{Error, Result};
pub(crate) use wording::{did_you_mean, listed, misspelt, near, unknown};
