//! Throttled handlers, asked over HTTP.

mod body;
mod order;
mod quick_start;
mod sets;
mod styles;
