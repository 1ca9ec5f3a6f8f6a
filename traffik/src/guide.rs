//! The guide, one chapter a module, and the reference of all rules in [`laws`] and [`details`].

#[doc = include_str!("../docs/attribute.md")]
pub mod attribute {}

#[doc = include_str!("../docs/throttles.md")]
pub mod throttles {}

// The generated pages have no files beside them. The links in `pictures.md` contain the pictures,
// and they precede the links to files, because the first definition of a link wins.
#[cfg_attr(
    all(doc, not(doctest)),
    doc = include_str!("../docs/strategies/pictures.md")
)]
#[doc = include_str!("../docs/strategies.md")]
pub mod strategies {}

#[cfg(feature = "redis")]
#[cfg_attr(
    all(doc, not(doctest)),
    doc = include_str!("../docs/backends/pictures.md")
)]
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

// The pictures are as those of the strategies. The tables are made of data, with names in them.
#[allow(clippy::doc_markdown)]
#[cfg_attr(
    all(doc, not(doctest)),
    doc = include_str!("../docs/performance/pictures.md")
)]
#[doc = include_str!("../docs/performance.md")]
pub mod performance {}

#[doc = include_str!("../docs/laws.md")]
pub mod laws {}

#[doc = include_str!("../docs/details.md")]
pub mod details {}
