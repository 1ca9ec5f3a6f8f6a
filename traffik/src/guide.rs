//! The guide, a chapter in each module.

#[doc = include_str!("../docs/attribute.md")]
pub mod attribute {}

#[doc = include_str!("../docs/throttles.md")]
pub mod throttles {}

// Generated pages have no files beside them: these links, which hold the pictures, come before those to files.
#[cfg_attr(
    all(doc, not(doctest)),
    doc = include_str!("../docs/strategies/pictures.md")
)]
#[doc = include_str!("../docs/strategies.md")]
pub mod strategies {}

#[cfg(feature = "redis")]
#[doc = include_str!("../docs/backends.md")]
pub mod backends {}

#[cfg(feature = "redis")]
#[doc = include_str!("../docs/errors.md")]
pub mod errors {}

#[doc = include_str!("../docs/limiters.md")]
pub mod limiters {}

#[doc = include_str!("../docs/middleware.md")]
pub mod middleware {}

#[doc = include_str!("../docs/proxies.md")]
pub mod proxies {}

#[cfg(feature = "ws")]
#[doc = include_str!("../docs/websockets.md")]
pub mod websockets {}

#[cfg(feature = "overrides")]
#[doc = include_str!("../docs/operating.md")]
pub mod operating {}
