//! The laws: what is admitted, and what is told, on a clock that a test sets to the microsecond.

pub(crate) mod agreement;
mod at_random;
mod by_hand;
mod changed_forms;
pub(crate) mod changes;
mod client;
mod coarse;
mod each;
mod examples;
mod far_ahead;
mod foreign;
mod lessons;
mod lessons_of_all;
pub(crate) mod lists;
pub(crate) mod oracle;
mod plans;
mod promises;
pub(crate) mod refunds;
mod sets;
pub(crate) mod subject;
mod tampered;
mod tightened;
pub(crate) mod trace;
mod waits_of_sets;
mod worst_case;
