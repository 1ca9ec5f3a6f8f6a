//! Meaning → tokens. Nothing is checked here and nothing can fail.
//!
//! A throttle becomes a type with an implementation of `Define`. An attribute becomes, besides, a hidden `Site`, which
//! says what this use of throttles is (unless the throttle it defines says it all), and a function of the handler's name
//! whose one argument is the gate, which holds the handler's own and asks before the body is read. The handler stays within
//! it, as it was written; what cannot stay gets the gate as one argument more.

mod attribute;
mod block;
mod closure_arguments;
mod docs;
mod handler;
mod literals;
mod on_error;
mod paths;
mod patterns;
mod settings;
mod strategy;
mod throttle;
mod warnings;
mod worst_case;

pub(crate) use attribute::{attribute, refused};
pub(crate) use block::block;
