//! Tokens → what was written, with spans and without meaning.
//!
//! The attribute's parentheses and those of a throttle in a block hold the same [`Args`]: one grammar, one parser. A
//! piece that cannot be read is noted and skipped, and reading goes on behind the next comma or semicolon.

mod args;
mod block;
mod handler;
mod punctuation;
mod recovery;

pub(crate) use args::{Args, Item, Pair};
pub(crate) use block::{Block, Defaults, Throttle};
pub(crate) use handler::{Handler, braces};
pub(crate) use punctuation::keyword;
