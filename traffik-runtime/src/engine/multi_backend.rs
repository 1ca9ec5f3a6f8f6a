//! Sets with members on several backends (D4): decided one backend after the other, and refunded
//! where one refuses.

use std::time::Duration;

use tokio::time::Instant;

use crate::engine::batch::Batch;
use crate::engine::hold::OutcomeWithHold;
use crate::engine::part::Part;
use crate::engine::recovery::resolution::Resolution;
use crate::engine::snapshot::Snapshot;
use crate::error::Error;
use crate::inline_vec::{InlineVec1, InlineVec4};
use crate::store::outcome::StoreOutcome;
use crate::store::sequential::{Sequence, decide_in_sequence};
use crate::timer;

/// The parts of a set, which are decided one after the other until a deadline.
struct PartSequence<'a, 'd> {
    parts: Vec<Part<'a, 'd>>,
    until: Instant,
}

/// The result of a part that does not stop the set.
enum Admitted {
    Counted(Box<OutcomeWithHold>),
    /// Nothing was counted: the backend failed, and its policy admits the hit.
    Allowed(Error),
}

/// The reason why a part stops the set.
enum Stop {
    Refused(Box<StoreOutcome>),
    Throttled(Duration, Error),
    Raised(Error),
}

impl<'a> Batch<'a, '_> {
    /// Decides one backend after the other, and the throttles in shadow at the end.
    pub(crate) async fn decide_split(&self) -> Result<Resolution<OutcomeWithHold>, Error> {
        let sequence = PartSequence {
            parts: self.parts_by_backend(|plan| !self.is_shadow(plan)),
            until: Instant::now() + self.budget(),
        };
        let admitted = match decide_in_sequence(&sequence).await {
            Ok(admitted) => admitted,
            Err((index, stop)) => return stop.resolution(&sequence.parts, index).await,
        };
        let (mut counted, mut allowed) = (None::<OutcomeWithHold>, None);
        for part in admitted {
            match part {
                Admitted::Counted(part) => {
                    counted = Some(match counted {
                        None => *part,
                        Some(counted) => counted.and(*part),
                    });
                }
                Admitted::Allowed(error) => allowed = Some(error),
            }
        }
        let is_counted = counted.is_some();
        let counted = counted.unwrap_or_else(|| StoreOutcome::unlimited(0).into());
        let counted = self.with_shadows(counted, sequence.until).await;
        match allowed {
            Some(error) if !is_counted => {
                counted.hold.keep();
                Ok(Resolution::Allowed(error))
            }
            _ => Ok(Resolution::Decided(counted)),
        }
    }

    /// Reads the states, backend by backend.
    pub(crate) async fn look_split(
        &self,
    ) -> Result<InlineVec1<(InlineVec4<usize>, Resolution<Snapshot<'a>>)>, Error> {
        let mut snapshots = InlineVec1::new();
        for part in self.parts_by_backend(|_| true) {
            let snapshot = part.look().await?;
            snapshots.push((part.indices, snapshot));
        }
        Ok(snapshots)
    }
}

impl Sequence for PartSequence<'_, '_> {
    type Admitted = Admitted;
    type Stop = Stop;

    fn len(&self) -> usize {
        self.parts.len()
    }

    fn kind(&self, member: usize) -> &'static str {
        self.parts[member].backend().store().kind()
    }

    async fn decide(&self, member: usize) -> Result<Admitted, Stop> {
        let part = &self.parts[member];
        match part.decide(self.until).await {
            Ok(Resolution::Decided(decided)) if decided.outcome.admitted => Ok(Admitted::Counted(
                Box::new(decided.reindexed(&part.indices)),
            )),
            Ok(Resolution::Decided(decided)) => Err(Stop::Refused(Box::new(decided.outcome))),
            Ok(Resolution::Allowed(error)) => Ok(Admitted::Allowed(error)),
            Ok(Resolution::Throttled(wait, error)) => Err(Stop::Throttled(wait, error)),
            Err(error) => Err(Stop::Raised(error)),
        }
    }

    async fn refund(&self, _: usize, admitted: Admitted) -> Option<Result<(), Error>> {
        let Admitted::Counted(counted) = admitted else {
            return None;
        };
        // A refusal waits for refunds until the deadline, and they go on in the background.
        let left = self.until.saturating_duration_since(Instant::now());
        timer::within(left, counted.hold.cancel()).await.ok()
    }
}

impl<'a> Part<'a, '_> {
    /// Decides the part until a deadline.
    pub(crate) async fn decide(
        &self,
        until: Instant,
    ) -> Result<Resolution<OutcomeWithHold>, Error> {
        if let Some(refused) = self.batch.refuse_locally() {
            return Ok(Resolution::Decided(refused.into()));
        }
        let left = until.saturating_duration_since(Instant::now());
        self.batch.decide_on(self.backend(), left, None).await
    }

    async fn look(&self) -> Result<Resolution<Snapshot<'a>>, Error> {
        self.batch.look_on(self.backend()).await
    }
}

impl Stop {
    /// Returns the resolution of the set that the part at an index has stopped.
    async fn resolution(
        self,
        parts: &[Part<'_, '_>],
        index: usize,
    ) -> Result<Resolution<OutcomeWithHold>, Error> {
        match self {
            Self::Raised(error) => Err(error),
            Self::Throttled(wait, error) => {
                // The strictest verdict wins, and a later part may raise its error.
                for part in &parts[index + 1..] {
                    part.look().await?;
                }
                Ok(Resolution::Throttled(wait, error))
            }
            Self::Refused(refused) => {
                let mut all = refused.reindexed(&parts[index].indices);
                let others = parts.iter().enumerate();
                for (_, part) in others.filter(|(other, _)| *other != index) {
                    if let Ok(Resolution::Decided(snapshot)) = part.look().await {
                        let plans = snapshot.plans.as_ref().unwrap_or(&part.batch.plans);
                        let outcome =
                            StoreOutcome::refused(plans, snapshot.states.iter(), snapshot.now);
                        all = all.and(outcome.reindexed(&part.indices));
                    }
                }
                Ok(Resolution::Decided(all.into()))
            }
        }
    }
}

impl StoreOutcome {
    /// Joins the outcomes of two parts of a set. The wait is the longer one.
    fn and(mut self, other: Self) -> Self {
        self.now = self.now.max(other.now);
        self.admitted &= other.admitted;
        self.wait = self.wait.zip(other.wait).map(|(one, other)| one.max(other));
        self.provenance = self.provenance.and(other.provenance);
        self.limits.extend(other.limits);
        self.limits.sort_by_key(|limit| limit.plan);
        self
    }
}

impl OutcomeWithHold {
    /// Joins the outcomes and the holds of two parts of a set.
    fn and(mut self, other: Self) -> Self {
        self.hold.join(other.hold);
        Self {
            outcome: self.outcome.and(other.outcome),
            hold: self.hold,
        }
    }
}
