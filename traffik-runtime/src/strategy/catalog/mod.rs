//! The catalog of strategies: names, parameters, defaults and checks, in one place.
//!
//! The macros read it at compile time and the builders at run time, so a rule about what a user may
//! write is written once.

pub(crate) mod check;
pub(crate) mod entries;
pub(crate) mod lints;
pub(crate) mod problem;
pub(crate) mod resolve;
pub(crate) mod spec;
#[cfg(test)]
mod tests;
pub(crate) mod unreachable;
pub(crate) mod value;

pub use check::check;
pub use entries::{ENTRIES, Entry, Param, Takes, is_leasable};
pub use problem::{Problem, Severity, Subject, Warning};
pub use resolve::{is_near, resolve};
pub use spec::Spec;

/// A parameter in the source.
#[derive(Clone, Copy, Debug)]
pub struct Argument<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value.
    pub value: Literal<'a>,
}

/// A value in the source.
#[derive(Clone, Copy, Debug)]
pub enum Literal<'a> {
    /// A number: `150`, `1_000`, `0.5`, `-1`.
    Number(&'a str),
    /// The contents of a string.
    Text(&'a str),
    /// A name without quotes.
    Word(&'a str),
    /// Texts with a value each: `["08:00-18:00" = 2.0]`.
    Pairs(&'a [(&'a str, Literal<'a>)]),
    /// The path of a function; also of one that is a single word.
    Path,
    /// Anything else.
    Other,
}
