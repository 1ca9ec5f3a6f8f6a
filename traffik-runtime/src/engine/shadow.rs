//! Throttles in shadow (D5): counted last, each by itself, and only where all others have admitted.

use std::borrow::Cow;

use tokio::time::Instant;

use crate::engine::batch::Batch;
use crate::engine::hold::OutcomeWithHold;
use crate::engine::recovery::resolution::{PolicyGroup, Resolution};
use crate::inline_vec::InlineVec4;
use crate::on_error::policy::allow;
use crate::store::outcome::LimitReport;

impl Batch<'_, '_> {
    /// Counts a hit that is admitted on the throttles in shadow that admit it too.
    pub(crate) async fn with_shadows(
        &self,
        mut admitted: OutcomeWithHold,
        until: Instant,
    ) -> OutcomeWithHold {
        let shadows = (0..self.plans.len()).filter(|plan| self.is_shadow(*plan));
        for plan in shadows {
            let mut part = self.part(InlineVec4::from_elem(plan, 1));
            // A throttle in shadow refuses no request, whatever happens to its backend.
            part.batch.policies = InlineVec4::new();
            part.batch.policies.push(PolicyGroup {
                policy: Cow::Owned(allow()),
                members: InlineVec4::from_elem(0, 1),
            });
            if let Ok(Resolution::Decided(shadow)) = part.decide(until).await {
                let OutcomeWithHold { outcome, hold } = shadow.reindexed(&part.indices);
                let only_shadows = admitted.outcome.limits.iter().all(|limit| limit.shadow);
                if only_shadows {
                    admitted.outcome.provenance =
                        admitted.outcome.provenance.and(outcome.provenance);
                }
                admitted.hold.join(hold);
                admitted.outcome.now = admitted.outcome.now.max(outcome.now);
                let limits = outcome.limits.into_iter().map(|limit| LimitReport {
                    shadow: true,
                    ..limit
                });
                admitted.outcome.limits.extend(limits);
            }
        }
        admitted.outcome.limits.sort_by_key(|limit| limit.plan);
        admitted
    }
}
