//! The laws on a manual clock, exact to the microsecond. References such as L4 and promise 7 are
//! headings of `traffik/docs/laws.md`.

pub(crate) mod agreement;
mod by_hand;
mod changed_forms;
pub(crate) mod changes;
mod client;
mod coarse_ticks;
mod common_mistakes;
mod common_mistakes_of_all;
mod corrupted_states;
mod every_strategy;
mod examples;
mod far_ahead;
mod foreign_states;
pub(crate) mod lists;
pub(crate) mod oracle;
mod plans;
mod promises;
mod random_promises;
pub(crate) mod refunds;
mod sets;
pub(crate) mod subject;
mod tightened;
pub(crate) mod trace;
mod waits_of_sets;
mod worst_case;
