//! What was written → what it means, with every mistake noted.
//!
//! A value goes through three steps. [`options`] puts each item under its key. [`settings`] reads each key's value by
//! itself; the file of the same name says what a key takes. [`definition`] and [`site`] look at the keys together.

mod applies;
mod arguments;
mod bundle;
mod closure;
mod cost;
mod definition;
mod doubts;
mod handler;
mod headers;
mod identifier;
mod ip;
mod keys;
mod mentions;
mod naming;
mod on_error;
mod on_throttled;
mod options;
mod params;
mod place;
mod rate;
mod scope;
mod settings;
mod shape;
mod site;
mod strategy;
mod throttles;
mod timeout;
mod verbatim;
mod words;

pub(crate) use applies::Applies;
pub(crate) use arguments::{is_constant, names};
pub(crate) use bundle::Bundle;
pub(crate) use closure::Closure;
pub(crate) use cost::Cost;
pub(crate) use definition::{Definition, Outcome};
pub(crate) use doubts::Doubt;
pub(crate) use handler::{Seat, is_extracted_by_us, is_method};
pub(crate) use headers::Headers;
pub(crate) use identifier::Identifier;
pub(crate) use ip::Proxied;
pub(crate) use on_error::{Breaker, Failover, Fallback, Kind, OnError, Retry};
pub(crate) use rate::Rates;
pub(crate) use scope::Scope;
pub(crate) use shape::text;
pub(crate) use site::Site;
pub(crate) use strategy::{Known, Strategy};
pub(crate) use throttles::{Entry, Throttles};
pub(crate) use verbatim::can_stay;
