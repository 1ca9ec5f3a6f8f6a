//! The engine of [traffik](https://docs.rs/traffik): plain values, laws, backends, throttles and their HTTP adapter.
//!
//! Users depend on `traffik`, which re-exports the public items of this crate. A *strategy* is a
//! pure law; a *store* applies it to states, atomically; a *backend* is a store with defaults; a
//! *throttle* binds a law to a client; adapters translate decisions to HTTP and WebSockets. Imports
//! run one way, in the order of the modules below; `ARCHITECTURE.md` draws it.

#![cfg_attr(docsrs, feature(doc_cfg))]

// Plain values, from the ground up.
pub mod decision;
pub mod identity;
pub mod rate;
pub mod suggest;

#[cfg(feature = "engine")]
pub mod error;
#[cfg(feature = "engine")]
mod flow;
#[cfg(feature = "engine")]
pub mod header_style;
#[cfg(feature = "engine")]
mod inline_vec;
#[cfg(feature = "engine")]
mod observe;
#[cfg(feature = "engine")]
#[doc(hidden)]
pub mod scope;
#[cfg(all(feature = "engine", feature = "test-util"))]
#[doc(hidden)]
pub mod simulation;
#[cfg(feature = "engine")]
mod timer;
#[cfg(feature = "engine")]
mod warnings;

// Everything else, from the ground up; `ARCHITECTURE.md` has the layers.
pub mod clock;

#[cfg(feature = "engine")]
pub mod resilience;

pub mod client_ip;
pub mod strategy;

#[cfg(feature = "engine")]
#[doc(hidden)]
pub mod callback;
#[cfg(feature = "engine")]
pub mod rejection;
#[cfg(feature = "engine")]
pub mod store;

#[cfg(feature = "engine")]
pub mod on_error;

#[cfg(feature = "engine")]
pub mod backend;

#[cfg(feature = "engine")]
pub mod definition;

#[cfg(feature = "engine")]
#[doc(hidden)]
pub mod engine;

#[cfg(feature = "engine")]
pub mod throttle;

#[cfg(feature = "engine")]
pub mod http;
#[cfg(feature = "ws")]
pub mod ws;

#[cfg(all(feature = "engine", feature = "test-util"))]
pub mod testing;
