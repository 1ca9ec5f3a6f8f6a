//! Logs and means that are too long for a store which moves them whole at every hit.

use crate::error::Error;
use crate::store::plan::Plan;

/// # Errors
///
/// [`Error::BackendConfiguration`] for the first plan whose state may come to hold more records than this.
pub(crate) fn fits(plans: &[Plan<'_>], longest: u64, store: &str) -> Result<(), Error> {
    for plan in plans {
        let records: u64 = plan.terms.iter().map(|term| term.law.longest()).sum();
        if records > longest {
            return Err(Error::BackendConfiguration {
                message: format!(
                    "`{}` may come to keep {records} entries a client, and {store} holds {longest}; use `sliding_counter` or `token_bucket`, or a smaller limit",
                    plan.strategy.name()
                ),
            });
        }
    }
    Ok(())
}
