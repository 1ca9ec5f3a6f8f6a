//! The requests and replies of Memcached's meta protocol.
//!
//! Every request carries a number of its own, the opaque, which its reply repeats.

pub(crate) mod decode;
pub(crate) mod encoded;
pub(crate) mod reply;
pub(crate) mod request;
