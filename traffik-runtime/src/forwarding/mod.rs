//! What can be said of proxies in front of an application: which to trust, and which header they write.
//!
//! The macros read the same words and ranges while compiling that builders read at run time, so this needs no engine.
//! Who the client is that they tell of, [`ClientIp`](crate::http::ClientIp) finds out.

mod error;
mod header;
mod prefix;
mod range;

pub use error::ForwardingError;
pub use header::ForwardingHeader;
pub use prefix::Ipv6Prefix;
pub use range::TrustedRange;
