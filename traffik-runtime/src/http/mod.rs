//! The HTTP adapter: from the head of a request to hits, from a decision to header fields and
//! responses. It translates, and decides nothing.

#[cfg(feature = "engine")]
pub mod handler;

pub(crate) mod admitted_limit;
pub(crate) mod combined_fields;
pub(crate) mod enforce;
pub(crate) mod fields;
pub mod filter;
pub(crate) mod headers;
pub(crate) mod layer;
pub(crate) mod limiter;
#[cfg(feature = "utoipa")]
pub mod openapi;
pub(crate) mod pending_fields;
pub(crate) mod provide;
pub(crate) mod reject;
pub(crate) mod response_fields;
pub(crate) mod response_style;
pub(crate) mod throttled;

pub use handler::arguments::ThrottledArgs;
#[doc(hidden)]
pub use handler::closure_arguments::AllArgs;
#[doc(hidden)]
pub use handler::closure_arguments::ArgClosures;
#[doc(hidden)]
pub use handler::closure_arguments::HeadArgs;
pub use handler::extractor::{HandlerThrottle, ThrottleExtractor, WithFields, add_fields};
pub use handler::future::{ThrottledFuture, run_handler};
pub use handler::hit_source::HitSource;
pub use handler::last_argument::LastArgument;
#[doc(hidden)]
pub use handler::no_argument::NoArgument;
#[doc(hidden)]
pub use handler::via_inner::ViaInner;
pub use headers::options::{HeaderOptions, HeaderSyntax, LegacyReset, set_header_options};
pub use layer::ThrottleLayer;
pub use layer::future::ThrottleFuture;
pub use layer::service::ThrottleService;
pub use limiter::Limiter;
pub use provide::{Provide, ProvideLayer, provide};
pub use throttled::Throttled;

#[doc(hidden)]
pub use axum_core::response::Response;
#[doc(hidden)]
pub use http::request::Parts;
