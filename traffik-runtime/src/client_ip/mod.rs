//! The client's address behind proxies: the trusted proxies, and the header that they write.
//!
//! The macros parse these settings at compile time and builders at run time, so they need no
//! engine. [`ClientIp`] resolves the address of a request.

#[cfg(feature = "engine")]
pub(crate) mod address;
#[cfg(feature = "engine")]
pub(crate) mod elements;
#[cfg(feature = "engine")]
pub(crate) mod forwarded;
#[cfg(feature = "engine")]
pub(crate) mod peer;
#[cfg(feature = "engine")]
pub(crate) mod quoted;
#[cfg(feature = "engine")]
pub(crate) mod resolve;

pub(crate) mod error;
pub(crate) mod header;
pub(crate) mod prefix;
pub(crate) mod range;

pub use error::ForwardingError;
pub use header::ForwardingHeader;
#[cfg(feature = "engine")]
pub use peer::PeerAddr;
pub use prefix::Ipv6Prefix;
pub use range::TrustedRange;
#[cfg(feature = "engine")]
pub use resolve::ClientIp;
