//! The laws: what is admitted, and what is told, on a clock that a test sets to the microsecond.

mod agreement;
mod by_hand;
mod changes;
mod client;
mod examples;
mod lessons;
mod lists;
mod oracle;
mod promises;
mod subject;
mod trace;
mod worst_case;
