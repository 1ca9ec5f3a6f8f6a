//! The guide, a chapter in each module.

#[doc = include_str!("../docs/backends.md")]
pub mod backends {}

#[doc = include_str!("../docs/strategies.md")]
pub mod strategies {}
