//! Giving back what was taken, where one key can be compared and swapped.

use super::erased::Primitives;
use super::plan::Plan;
use super::retry::Retries;
use super::wire::{decode, encode};
use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::strategy::kernel::Taken;

/// Gives it back, at this time or now. What is gone stays gone, and lives no longer than it would have.
pub(crate) async fn give_back(
    store: &dyn Primitives,
    plan: &Plan<'_>,
    taken: Taken,
    at: Option<u64>,
) -> Result<(), Error> {
    let mut retries = Retries::of(&plan.name);
    loop {
        let Some(bytes) = store.get(&plan.name).await? else {
            return Ok(());
        };
        let Some(mut state) = decode(plan, &bytes) else {
            return Ok(());
        };
        taken.give_back(
            &mut state,
            at.unwrap_or_else(|| SystemClock::new().now_micros()),
        );
        let new = encode(plan, &state);
        let swapped = store.compare_and_swap(&plan.name, Some(&bytes), Some(&new), None);
        if swapped.await? {
            return Ok(());
        }
        retries.again().await?;
    }
}
