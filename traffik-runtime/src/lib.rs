//! The engine of [traffik](https://docs.rs/traffik): plain values, laws, backends, throttles and their HTTP adapter.
//!
//! Users depend on `traffik`, which re-exports what is public here. One idea carries the whole: a *strategy* is a pure
//! law; a *backend* applies it atomically; a *throttle* binds it to a client; adapters translate decisions to HTTP.
//! Imports run one way, in the order of the modules below.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "engine")]
pub(crate) mod callback;
#[cfg(feature = "engine")]
pub(crate) mod definition;
pub(crate) mod engine;
#[cfg(feature = "engine")]
pub(crate) mod header_style;
#[cfg(feature = "engine")]
pub(crate) mod rejection;
#[cfg(feature = "engine")]
pub mod resilience;
#[cfg(feature = "engine")]
pub(crate) mod scope;
#[cfg(feature = "engine")]
pub(crate) mod store;

pub mod client_ip;
pub mod clock;
pub mod decision;
pub mod identity;
pub mod rate;
pub mod strategy;
pub mod suggest;

#[cfg(feature = "engine")]
pub mod backend;
#[cfg(feature = "engine")]
pub mod error;
#[cfg(feature = "engine")]
pub mod http;
#[cfg(feature = "engine")]
pub(crate) mod observe;
#[cfg(feature = "engine")]
pub mod on_error;
#[cfg(all(feature = "engine", feature = "test-util"))]
pub mod testing;
#[cfg(feature = "engine")]
pub mod throttle;
#[cfg(feature = "engine")]
pub(crate) mod timer;
#[cfg(feature = "ws")]
pub mod ws;
