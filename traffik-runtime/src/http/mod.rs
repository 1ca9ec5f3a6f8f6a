//! The HTTP adapter: from a request's head to what a throttle is asked, from a decision to header fields and responses.
//! It translates; it decides nothing.

mod answering;
mod bundle;
pub(crate) mod client_ip;
mod fields;
pub mod filter;
mod gate;
mod gated;
mod headers;
mod identifier;
mod kept;
mod last_argument;
mod layer;
mod limiter;
mod on_throttled;
#[cfg(feature = "utoipa")]
pub mod openapi;
mod pass;
mod peer;
mod provide;
mod question;
mod refusal;
mod rejection;
mod throttled;
mod told;
mod trail;

pub use answering::{Answering, answering};
#[doc(hidden)]
pub use bundle::{Bundle, Closures, Via, Whole};
pub use client_ip::ClientIp;
pub use gate::{Answered, Ask, Gate, Site, Use, ask_of, finish};
pub use gated::Gated;
pub use headers::{HeaderOptions, HeaderSyntax, LegacyReset, set_header_options};
pub use identifier::Identifier;
pub use last_argument::LastArgument;
pub use layer::{ThrottleFuture, ThrottleLayer, ThrottleService};
pub use limiter::Limiter;
pub use on_throttled::{OnThrottled, Responder};
pub use peer::PeerAddr;
pub use provide::{Provide, ProvideLayer, provide};
pub use rejection::Rejection;
pub use throttled::Throttled;

#[cfg(feature = "ws")]
pub(crate) use limiter::Bound;
pub(crate) use question::Question;
#[cfg(feature = "ws")]
pub(crate) use told::Told;

#[doc(hidden)]
pub use axum_core::response::Response;
#[doc(hidden)]
pub use http::request::Parts;
