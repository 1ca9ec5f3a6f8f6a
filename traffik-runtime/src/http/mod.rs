//! The HTTP adapter: from a request's head to what a throttle is asked, from a decision to header fields and responses.
//! It translates; it decides nothing.

#[cfg(feature = "engine")]
pub mod handler;

use crate::callback::identifier;
use crate::client_ip::{peer, resolve};
use crate::http::handler::{arguments, closure_arguments, extractor, future, last_argument};
use crate::rejection::responder;
use crate::{callback, rejection};
pub(crate) mod combined_fields;
pub(crate) mod enforce;
pub mod filter;
pub(crate) mod headers;
pub(crate) mod layer;
pub(crate) mod limiter;
#[cfg(feature = "utoipa")]
pub mod openapi;
pub(crate) mod pending_fields;
pub(crate) mod provide;
pub(crate) mod response_fields;
pub(crate) mod throttled;

#[doc(hidden)]
pub use axum_core::response::Response;
pub use handler::arguments::Gated;
#[doc(hidden)]
pub use handler::closure_arguments::Bundle;
#[doc(hidden)]
pub use handler::closure_arguments::Closures;
#[doc(hidden)]
pub use handler::closure_arguments::Via;
#[doc(hidden)]
pub use handler::closure_arguments::Whole;
pub use handler::extractor::{Answered, Ask, Gate, Site, Use, ask_of, finish};
pub use handler::future::{Answering, answering};
pub use handler::last_argument::LastArgument;
pub use headers::options::{HeaderOptions, HeaderSyntax, LegacyReset, set_header_options};
#[doc(hidden)]
pub use http::request::Parts;
pub use layer::ThrottleLayer;
pub use layer::future::ThrottleFuture;
pub use layer::service::ThrottleService;
pub use limiter::Limiter;
pub use provide::{Provide, ProvideLayer, provide};
pub use throttled::Throttled;

use crate::callback::Question;
use crate::callback::identifier::Identifier;
use crate::client_ip::peer::PeerAddr;
use crate::client_ip::resolve::ClientIp;
#[cfg(feature = "ws")]
use crate::http::limiter::Bound;
#[cfg(feature = "ws")]
use crate::http::response_fields::Told;
use crate::rejection::Rejection;
use crate::rejection::responder::{OnThrottled, Responder};
