//! The guide, a chapter in each module.

#[doc = include_str!("../docs/strategies.md")]
pub mod strategies {}

#[doc = include_str!("../docs/errors.md")]
pub mod errors {}
