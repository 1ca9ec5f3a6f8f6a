//! The HTTP adapter: from a request's head to what a throttle is asked, from a decision to header fields and responses.
//! It translates; it decides nothing.

mod bundle;
pub(crate) mod client_ip;
pub mod filter;
mod gate;
mod headers;
mod identifier;
mod layer;
mod limiter;
mod on_throttled;
#[cfg(feature = "utoipa")]
pub mod openapi;
mod pass;
mod provide;
mod question;
mod refusal;
mod rejection;
mod throttled;
mod told;
mod trail;

#[doc(hidden)]
pub use bundle::{Bundle, Closures, Via, Whole};
pub use client_ip::ClientIp;
pub use gate::{Gate, Site};
pub use headers::{HeaderOptions, HeaderSyntax, LegacyReset, set_header_options};
pub use identifier::Identifier;
pub use layer::{ThrottleBody, ThrottleLayer, ThrottleService};
pub use limiter::Limiter;
pub use on_throttled::{OnThrottled, Responder};
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

use crate::error::Error;
use crate::identity::Identity;

/// The client that a header names, for `identifier = header("…")`.
#[doc(hidden)]
pub fn identity_of_header(parts: &Parts, name: &'static str) -> Result<Identity, Error> {
    let value = parts.headers.get(name).map(http::HeaderValue::as_bytes);
    Ok(Identity::of_header(value))
}
