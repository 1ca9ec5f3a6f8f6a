//! A limit on the entries of logs and means in stores that transfer the whole state at every hit.

use crate::error::Error;
use crate::store::plan::Plan;

/// Checks that the state of each plan stays within a number of entries.
///
/// # Errors
///
/// [`Error::BackendConfiguration`] for the first plan whose state may exceed it.
pub(crate) fn check_entries(
    plans: &[Plan<'_>],
    max_entries: u64,
    store: &str,
) -> Result<(), Error> {
    for plan in plans {
        let entries: u64 = plan
            .limits
            .iter()
            .map(|limit| limit.law.max_records())
            .sum();
        if entries > max_entries {
            return Err(Error::BackendConfiguration {
                message: format!(
                    "`{}` may come to keep {entries} entries a client, and {store} holds \
                     {max_entries}; use `sliding_counter` or `token_bucket`, or a smaller limit",
                    plan.strategy.name()
                ),
            });
        }
    }
    Ok(())
}
