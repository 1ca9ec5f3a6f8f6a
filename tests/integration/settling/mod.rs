//! Reservations: units are reserved, and settled with the amount that was used (L32).

mod boundaries;
mod by_hand;
mod changed_rates;
mod custom_strategies;
mod drops;
mod stores;
