//! Reports on a decision: its limits for header fields, its outcome for logs, metrics and
//! listeners.

use crate::clock::elapsed::Since;
use crate::decision::{Decision, Provenance, Report};
use crate::definition::Definition;
use crate::engine::batch::Batch;
use crate::engine::recovery::resolution::Resolution;
use crate::engine::report::{LimitStatus, binding_report, combined, observed_outcome, undecided};
use crate::inline_vec::InlineVec1;
use crate::observe;
use crate::store::outcome::StoreOutcome;

impl<'d> Batch<'_, 'd> {
    /// Returns the decision, and reports it to logs, metrics and listeners.
    pub(crate) fn decision(&self, resolution: &Resolution<StoreOutcome>) -> Decision {
        self.observe(resolution);
        match resolution {
            Resolution::Decided(outcome) => combined(outcome),
            Resolution::Allowed(_) => undecided(self.fresh_limit(), None),
            Resolution::Throttled(wait, _) => undecided(self.fresh_limit(), Some(*wait)),
        }
    }

    /// Returns the report on each limit, in the order of the plans. Throttles in shadow have none.
    pub(crate) fn limit_statuses(
        &self,
        resolution: &Resolution<StoreOutcome>,
    ) -> InlineVec1<LimitStatus<&'d Definition>> {
        let mut reports = InlineVec1::new();
        for plan in (0..self.plans.len()).filter(|plan| !self.is_shadow(*plan)) {
            match resolution {
                Resolution::Decided(outcome) => {
                    let before = reports.len();
                    reports.extend(self.decided_statuses(plan, outcome));
                    if reports.len() == before {
                        // The backend of this plan failed, and its policy admits the hit.
                        reports.extend(self.undecided_statuses(plan, true));
                    }
                }
                Resolution::Allowed(_) => reports.extend(self.undecided_statuses(plan, true)),
                Resolution::Throttled(..) => reports.extend(self.undecided_statuses(plan, false)),
            }
        }
        reports
    }

    /// Returns the reports of the laws of a plan.
    fn decided_statuses(
        &self,
        plan: usize,
        outcome: &StoreOutcome,
    ) -> impl Iterator<Item = LimitStatus<&'d Definition>> {
        let throttle = self.hit(plan).throttle;
        let limits = &*self.plans[plan].limits;
        let outcomes = outcome
            .limits
            .iter()
            .filter(move |limit| limit.plan == plan);
        let listed = limits.len() > 1;
        limits
            .iter()
            .zip(outcomes)
            .map(move |(limit, outcome)| LimitStatus {
                throttle,
                rate: outcome.rate,
                quota: limit.law.quota(outcome.rate, &outcome.report),
                listed,
                fits: outcome.fits,
                report: Some(outcome.report),
            })
    }

    /// Returns reports on the limits of a plan that no law has decided.
    fn undecided_statuses(
        &self,
        plan: usize,
        fits: bool,
    ) -> impl Iterator<Item = LimitStatus<&'d Definition>> {
        let throttle = self.hit(plan).throttle;
        let now = self.backend(plan).store().now();
        let plan = &self.plans[plan];
        plan.limits.iter().map(move |limit| LimitStatus {
            throttle,
            rate: limit.rate,
            quota: limit.law.quota(limit.rate, &plan.fresh_report(limit, now)),
            listed: plan.limits.len() > 1,
            fits,
            report: None,
        })
    }

    /// Returns the limit where no law has decided: the smallest that a fresh state of any rate
    /// admits at once.
    fn fresh_limit(&self) -> u64 {
        let limits = self.plans.iter().enumerate().flat_map(|(index, plan)| {
            let now = self.backend(index).store().now();
            let limit = move |limit| plan.fresh_report(limit, now).limit;
            plan.limits.iter().map(limit)
        });
        limits.min().unwrap_or(u64::MAX)
    }

    /// Returns the moment from which the times of reports count.
    pub(crate) fn decided_at(&self, resolution: &Resolution<StoreOutcome>) -> Since {
        let Resolution::Decided(outcome) = resolution else {
            return Since::default();
        };
        match self.first_backend() {
            Some(backend) if !backend.store().is_local() => {
                // The store's clock may differ, so its times count from the moment of its answer.
                Since::new(backend.store().now(), backend.store().own_clock())
            }
            Some(backend) => Since::new(outcome.now, backend.store().own_clock()),
            None => Since::default(),
        }
    }

    /// Reports the outcome of each throttle. Of a set that is refused, only those that refuse it.
    fn observe(&self, resolution: &Resolution<StoreOutcome>) {
        for plan in 0..self.plans.len() {
            let Some(outcome) = outcome_of(plan, resolution) else {
                continue;
            };
            let provenance = match resolution {
                Resolution::Decided(outcome) => outcome.provenance,
                Resolution::Allowed(_) | Resolution::Throttled(..) => Provenance::Fallback,
            };
            self.observe_plan(plan, outcome, provenance, || match resolution {
                Resolution::Decided(outcome) => binding_report(outcome.limits_of(plan)),
                Resolution::Allowed(_) | Resolution::Throttled(..) => None,
            });
        }
    }

    /// Reports the outcome of one throttle.
    pub(crate) fn observe_plan(
        &self,
        plan: usize,
        outcome: observe::Outcome,
        provenance: Provenance,
        report: impl FnOnce() -> Option<Report>,
    ) {
        // The throttle's own backend resolves the client, whichever has decided.
        let (hit, backend) = (self.hit(plan), self.backend(plan));
        let hit = hit.as_ref(self.cost, self.parts);
        hit.observe_from(provenance, outcome, backend, report);
    }
}

/// Returns the outcome of a plan for metrics; `None` if there is nothing to report.
fn outcome_of(plan: usize, resolution: &Resolution<StoreOutcome>) -> Option<observe::Outcome> {
    match resolution {
        Resolution::Decided(outcome) => observed_outcome(outcome.admitted, outcome.limits_of(plan)),
        Resolution::Allowed(_) => Some(observe::Outcome::Allowed),
        Resolution::Throttled(..) => Some(observe::Outcome::Throttled),
    }
}
