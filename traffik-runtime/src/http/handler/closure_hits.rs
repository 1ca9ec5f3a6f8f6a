//! The hits of a handler with closures over its arguments, without the handler's type.

use http::request::Parts;

use crate::engine::arg_values::{ArgValues, ClosureValues};
use crate::engine::cost_source::CostSource;
use crate::engine::hit_set::HitSet;
use crate::error::Error;
use crate::flow::BoxFuture;
use crate::http::handler::extractor::{HandlerThrottle, cost_source_of};
use crate::http::handler::hit_source::HitSource;
use crate::throttle::Exclude;

/// The throttles and options of one handler with closures over its arguments, as functions.
#[derive(Clone, Copy)]
pub(super) struct ClosureHits {
    source: HitSource,
    callbacks: Option<Callbacks>,
    /// The predicates of the throttle that the handler defines.
    exclude: Option<Exclude>,
    cost_source: CostSource,
}

/// The functions of the application that the handler's own options call.
#[derive(Clone, Copy)]
struct Callbacks {
    applies: PartsCallback<bool>,
    cost: PartsCallback<Option<u64>>,
}

type PartsCallback<T> = fn(&Parts) -> BoxFuture<'_, Result<T, Error>>;

impl ClosureHits {
    pub(super) const fn of<S: HandlerThrottle + 'static>(exclude: Option<Exclude>) -> Self {
        let callbacks = if S::HAS_CALLBACKS {
            Some(Callbacks {
                applies: |parts| Box::pin(S::applies(parts)),
                cost: |parts| Box::pin(S::cost(parts)),
            })
        } else {
            None
        };
        Self {
            source: S::HIT_SOURCE,
            callbacks,
            exclude,
            cost_source: cost_source_of::<S>(),
        }
    }

    /// Returns the hits of a request for which no closure needs to be called.
    pub(super) async fn without_closures(self, parts: &Parts) -> Result<Option<HitSet>, Error> {
        if let Some(callbacks) = self.callbacks
            && !(callbacks.applies)(parts).await?
        {
            return Ok(Some(HitSet::default()));
        }
        let Some(exclude) = self.exclude else {
            return Ok(None);
        };
        match exclude(parts).await? {
            Some(values) => self.hits(parts, values).await.map(Some),
            None => Ok(None),
        }
    }

    /// Returns the hits of a request with the values of closures.
    pub(super) async fn with_values(
        self,
        parts: &Parts,
        values: ClosureValues<'_>,
    ) -> Result<HitSet, Error> {
        self.hits(parts, values.resolve().await?).await
    }

    async fn hits(self, parts: &Parts, values: ArgValues) -> Result<HitSet, Error> {
        let (cost, source) = match (values.cost_for_all(), self.callbacks) {
            (Some((cost, source)), _) => (Some(cost), source),
            (None, Some(callbacks)) => ((callbacks.cost)(parts).await?, self.cost_source),
            (None, None) => (None, self.cost_source),
        };
        let mut hits = HitSet::with_arg_values(values);
        hits.set_cost_source(source);
        self.source.add(parts, cost, hits).await
    }
}
