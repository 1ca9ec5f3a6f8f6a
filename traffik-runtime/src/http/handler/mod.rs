//! The code that `#[throttled]` puts around a handler: extractors for its arguments, and its
//! future.

pub(crate) mod arguments;
pub(crate) mod closure_arguments;
pub(crate) mod closure_hits;
pub(crate) mod extractor;
pub(crate) mod future;
pub(crate) mod hit_source;
pub(crate) mod last_argument;
pub(crate) mod no_argument;
pub(crate) mod pass;
pub(crate) mod via_inner;
