//! What can be said of proxies in front of an application: which to trust, and which header they write.
//!
//! The macros read the same words and ranges while compiling that builders read at run time, so this needs no engine.
//! Who the client is that they tell of, [`ClientIp`](crate::client_ip::resolve::ClientIp) finds out.

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
