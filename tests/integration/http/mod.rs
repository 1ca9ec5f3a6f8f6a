//! Throttled handlers, asked over HTTP.

mod addresses;
mod backends;
mod body;
mod calls;
mod costs;
mod custom;
mod delay;
mod failures;
mod fields;
mod handlers;
mod identifiers;
mod log;
mod merging;
mod moments;
mod never;
mod order;
mod quick_start;
mod rates;
mod scope;
mod sets;
mod stacked;
mod stats;
mod styles;
mod unlimited;
