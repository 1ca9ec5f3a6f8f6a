//! Syntax → meaning, with every error reported.
//!
//! Arguments go through three steps. [`options`] sorts them by key. [`settings`] reads the value of
//! each key by itself, with the file of that name. [`throttle`] and [`attribute`] check the keys
//! together.

mod arguments;
mod attribute;
mod block;
mod closure;
mod closure_arguments;
mod cost;
mod expr;
mod free_names;
mod gate;
mod handler;
mod headers;
mod identifier;
mod ip;
mod keys;
mod keywords;
mod lease;
mod names;
mod on_error;
mod on_throttled;
mod options;
mod params;
mod position;
mod predicates;
mod rate;
mod scope;
mod settings;
mod strategy;
mod throttle;
mod timeout;
mod warnings;
mod wrappable;

pub(crate) use arguments::{bound_names, is_constant};
pub(crate) use attribute::ThrottledAttribute;
pub(crate) use block::{Block, BlockThrottle};
pub(crate) use closure::Closure;
pub(crate) use closure_arguments::ClosureArguments;
pub(crate) use cost::Cost;
pub(crate) use expr::text;
pub(crate) use gate::{GatePlacement, is_extracted_by_us};
pub(crate) use handler::is_method;
pub(crate) use headers::Headers;
pub(crate) use identifier::Identifier;
pub(crate) use ip::IpOptions;
pub(crate) use on_error::{Breaker, ErrorKind, Failover, Fallback, OnError, Retry};
pub(crate) use predicates::Predicates;
pub(crate) use rate::Rates;
pub(crate) use scope::Scope;
pub(crate) use settings::Settings;
pub(crate) use strategy::{BuiltIn, Strategy};
pub(crate) use throttle::{DefinedThrottle, Throttle};
pub(crate) use warnings::SpannedWarning;
pub(crate) use wrappable::is_wrappable;
