//! What was written → what it means, with every mistake noted.
//!
//! A value goes through three steps. [`options`] puts each item under its key. [`settings`] reads each key's value by
//! itself; the file of the same name says what a key takes. [`throttle`] and [`attribute`] look at the keys together.

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

pub(crate) use arguments::{is_constant, names};
pub(crate) use attribute::Site;
pub(crate) use block::{Entry, Throttles};
pub(crate) use closure::Closure;
pub(crate) use closure_arguments::Bundle;
pub(crate) use cost::Cost;
pub(crate) use expr::text;
pub(crate) use gate::{Seat, is_extracted_by_us};
pub(crate) use handler::is_method;
pub(crate) use headers::Headers;
pub(crate) use identifier::Identifier;
pub(crate) use ip::Proxied;
pub(crate) use on_error::{Breaker, Failover, Fallback, Kind, OnError, Retry};
pub(crate) use predicates::Applies;
pub(crate) use rate::Rates;
pub(crate) use scope::Scope;
pub(crate) use strategy::{Known, Strategy};
pub(crate) use throttle::{Definition, Outcome};
pub(crate) use warnings::Doubt;
pub(crate) use wrappable::can_stay;
