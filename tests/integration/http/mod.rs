//! Throttled handlers, asked over HTTP.

mod quick_start;
