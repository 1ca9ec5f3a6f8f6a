//! The largest number of units that a throttle admits within a period, for its documentation.

use traffik_runtime::rate::Rate;
use traffik_runtime::strategy::catalog::Spec;

/// Returns the largest number of units that any stretch as long as the rate's period admits, or
/// `None` if that depends on more than the rate.
pub(super) fn units(spec: &Spec, rate: Rate) -> Option<u64> {
    let limit = rate.limit();
    if rate.is_unlimited() {
        return None;
    }
    // A stretch does not include its end, so less than the limit leaks within it.
    let bucket = || spec.largest_cost(&[rate]).checked_add(limit - 1);
    match spec {
        Spec::FixedWindow(_) => Some(2 * limit),
        Spec::SlidingLog(_) | Spec::Priority(_) => Some(limit),
        Spec::SlidingCounter(_) => Some(2 * limit - 1),
        Spec::TokenBucket(_)
        | Spec::LeakyBucket(_)
        | Spec::LeakyBucketWithQueue(_)
        | Spec::CostBasedTokenBucket(_) => bucket(),
        Spec::Gcra(_)
        | Spec::Tiered(_)
        | Spec::Adaptive(_)
        | Spec::QuotaWithRollover(_)
        | Spec::TimeOfDay(_) => None,
    }
}
