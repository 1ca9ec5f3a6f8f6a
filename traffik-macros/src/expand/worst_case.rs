//! The most that a throttle admits in any stretch as long as its period, for its documentation.

use traffik_runtime::rate::Rate;
use traffik_runtime::strategy::catalog::Spec;

/// The most units that any stretch as long as the rate's period admits; nothing where no number says it.
pub(super) fn of(spec: &Spec, rate: Rate) -> Option<u64> {
    let limit = rate.limit();
    if rate.is_unlimited() {
        return None;
    }
    // What leaks in a stretch that does not hold its own end is less than the limit.
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
