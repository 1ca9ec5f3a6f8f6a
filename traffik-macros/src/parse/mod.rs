//! Tokens → syntax: everything that was written, with spans and without meaning.
//!
//! The attribute's parentheses and those of a throttle in a block hold [`Args`]: one grammar, one
//! parser. A piece that cannot be parsed is reported and skipped, and parsing continues after the
//! next comma or semicolon.

mod args;
mod block;
mod handler;
mod punctuation;
mod recovery;

pub(crate) use args::{Arg, Args, Pair};
pub(crate) use block::{ParsedBlock, ParsedDefaults, ParsedThrottle};
pub(crate) use handler::{Handler, braces};
pub(crate) use punctuation::reserved_word;
