//! Header fields that report limits to clients.

pub(crate) mod draft11;
pub(crate) mod draft6;
pub(crate) mod legacy;
pub(crate) mod named_limit;
pub(crate) mod names;
pub(crate) mod options;
pub(crate) mod prepend;
pub(crate) mod single;
pub(crate) mod stat;
pub(crate) mod writer;
