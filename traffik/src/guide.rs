//! The guide, a chapter in each module.

#[doc = include_str!("../docs/strategies.md")]
pub mod strategies {}

#[doc = include_str!("../docs/middleware.md")]
pub mod middleware {}

#[doc = include_str!("../docs/proxies.md")]
pub mod proxies {}
