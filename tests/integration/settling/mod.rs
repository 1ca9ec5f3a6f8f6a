//! Reserves: what was taken is settled when it is known what it had to be (L32).

mod boundaries;
mod by_hand;
mod changed_rates;
mod drops;
mod own_law;
mod stores;
